import { createOutbound, isLoopbackHost, type Outbound } from '@mcp-doorman/outbound'
import { checkKeys, either, oneOf, text, texts, type Kinds } from '../unknown-keys.ts'
import { createCasdoorLoader, createStandardLoader } from './issuer-documents.ts'
import { defaultKeyTimes, IssuerKeys, type KeyTimes } from './issuer-keys.ts'
import { casdoor } from './profiles/casdoor.ts'
import type { TokenProfile } from './profiles/profile.ts'
import { rfc9068 } from './profiles/rfc9068.ts'
import { supportedAlgorithms } from './verification-keys.ts'

/** An issuer of standard JWT access tokens (RFC 9068). */
export interface StandardIssuerOptions {
  /** The issuer identifier, compared code point by code point with `iss`. Https, or http on loopback. */
  readonly issuer: string
  /** Where its keys are, if it publishes no discovery document. */
  readonly jwksUri?: string
  /** Accepted values of `alg`; asymmetric only. Default: RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519. */
  readonly algorithms?: readonly string[]
  /** Accept tokens of these clients only. Default: every client of this issuer that gets our audience. */
  readonly allowedClients?: readonly string[]
}

/**
 * A Casdoor instance that issues the tokens itself.
 *
 * Any application of a Casdoor can be given our audience by its client, so one of `application` and
 * `allowedClients` is required.
 */
export interface CasdoorIssuerOptions {
  /** The instance's `origin` setting, without a path or final slash. */
  readonly casdoor: string
  /** The application's name: pins its signing key, its client id and, where the token says it, its organization. */
  readonly application?: string
  /** Client ids whose tokens are accepted, besides the application's own; `'any'` accepts every application. */
  readonly allowedClients?: readonly string[] | 'any'
  /** Organizations whose users are accepted; the token must then say which (`owner`). Default: not looked at. */
  readonly allowedOwners?: readonly string[]
}

export type IssuerOptions = StandardIssuerOptions | CasdoorIssuerOptions

const standardKinds: Kinds<StandardIssuerOptions> = {
  issuer: text,
  jwksUri: text,
  algorithms: texts,
  allowedClients: texts,
}

const casdoorKinds: Kinds<CasdoorIssuerOptions> = {
  casdoor: text,
  application: text,
  allowedClients: either(texts, oneOf('any')),
  allowedOwners: texts,
}

/** Adds misspelt options to `problems`, and tells whether the values are of the right kinds. */
export function checkIssuerKeys(place: string, options: IssuerOptions, problems: string[]): boolean {
  if (!('casdoor' in options) && !('issuer' in options)) {
    problems.push(`${place}: names no issuer. Give it "issuer", or "casdoor".`)
    return false
  }
  return checkKeys(place, options, 'casdoor' in options ? casdoorKinds : standardKinds, problems)
}

/** An issuer as the verifier uses it. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly profile: TokenProfile
  readonly keys: IssuerKeys
  /** Whether tokens of this client are accepted. */
  readonly clientAllowed: (clientId: string) => boolean
  /** Whether this client's users of this organization are accepted; `undefined` when the token does not say. */
  readonly ownerAllowed: (owner: string | undefined, clientId: string) => boolean
  readonly close: () => void
}

export interface IssuerContext {
  readonly nowSeconds: () => number
  readonly keyTimes?: Partial<KeyTimes>
  readonly outboundTimeoutSeconds?: number
}

/**
 * Builds a trusted issuer. Opens no connection.
 *
 * @param problems - receives every mistake found; the result must not be used when there is one
 */
export function createTrustedIssuer(
  options: IssuerOptions,
  context: IssuerContext,
  problems: string[],
): TrustedIssuer {
  return 'casdoor' in options
    ? createCasdoorIssuer(options, context, problems)
    : createStandardIssuer(options, context, problems)
}

function createStandardIssuer(
  options: StandardIssuerOptions,
  context: IssuerContext,
  problems: string[],
): TrustedIssuer {
  const { issuer, jwksUri, algorithms, allowedClients } = options
  checkIssuerUrl('issuer', issuer, problems)
  if (jwksUri !== undefined) checkIssuerUrl('jwksUri', jwksUri, problems)
  for (const algorithm of algorithms ?? []) {
    if (!supportedAlgorithms.has(algorithm)) {
      problems.push(`issuer ${issuer}: algorithm "${algorithm}" is not one that can be trusted here`)
    }
  }
  const outbound = outboundTo([issuer, jwksUri ?? issuer], context, problems)
  const profile = algorithms === undefined ? rfc9068 : { ...rfc9068, algorithms: [...algorithms] }
  const clients = allowedClients && new Set(allowedClients)
  return {
    issuer,
    profile,
    keys: keysOf(createStandardLoader(outbound, issuer, jwksUri), profile, context),
    clientAllowed: (clientId) => clients === undefined || clients.has(clientId),
    ownerAllowed: () => true,
    close: () => outbound.close(),
  }
}

function createCasdoorIssuer(
  options: CasdoorIssuerOptions,
  context: IssuerContext,
  problems: string[],
): TrustedIssuer {
  const { casdoor: issuer, application, allowedClients = [], allowedOwners } = options
  checkIssuerUrl('casdoor', issuer, problems)
  if (URL.canParse(issuer) && new URL(issuer).origin !== issuer) {
    problems.push(
      `casdoor: "${issuer}" must be the bare origin that Casdoor's own "origin" setting names. Write "${new URL(issuer).origin}".`,
    )
  }
  if (application === undefined && allowedClients !== 'any' && allowedClients.length === 0) {
    problems.push(
      `casdoor ${issuer}: any application of this Casdoor could obtain tokens for this server. Name the application, or the client ids to accept.`,
    )
  }
  const outbound = outboundTo([issuer], context, problems)
  const keys = keysOf(createCasdoorLoader(outbound, issuer, application), casdoor, context)
  const clients = new Set(allowedClients === 'any' ? [] : allowedClients)
  const owners = allowedOwners && new Set(allowedOwners)
  return {
    issuer,
    profile: casdoor,
    keys,
    clientAllowed: (clientId) =>
      allowedClients === 'any' || clients.has(clientId) || keys.application?.clientId === clientId,
    ownerAllowed: (owner, clientId) => {
      if (owners !== undefined) return owner !== undefined && owners.has(owner)
      // The application belongs to one organization; a token of its client that names another is a stranger's.
      const { application: pinned } = keys
      return pinned?.clientId !== clientId || owner === undefined || owner === pinned.owner
    },
    close: () => outbound.close(),
  }
}

function keysOf(
  load: ConstructorParameters<typeof IssuerKeys>[0],
  profile: TokenProfile,
  context: IssuerContext,
): IssuerKeys {
  return new IssuerKeys(
    load,
    profile.refusedKeys,
    { ...defaultKeyTimes, ...context.keyTimes },
    context.nowSeconds,
  )
}

function outboundTo(urls: readonly string[], context: IssuerContext, problems: string[]): Outbound {
  const trusted = urls.filter((url) => URL.canParse(url) && secure(new URL(url)))
  try {
    return createOutbound({
      trustedOrigins: [...new Set(trusted.map((url) => new URL(url).origin))],
      ...(context.outboundTimeoutSeconds !== undefined && { timeoutSeconds: context.outboundTimeoutSeconds }),
    })
  } catch (error) {
    // Its own list of mistakes joins ours; the first line says whose it is.
    const [, ...lines] = error instanceof TypeError ? error.message.split('\n') : ['', String(error)]
    problems.push(...lines.map((line) => `issuer ${urls[0]}: ${line}`))
    return createOutbound({})
  }
}

function checkIssuerUrl(name: string, value: string, problems: string[]): void {
  if (!URL.canParse(value)) {
    problems.push(`${name}: "${value}" is not a URL. Write it as https://auth.example.com.`)
    return
  }
  const url = new URL(value)
  if (!secure(url)) problems.push(`${name}: "${value}" must be https; plain http is for loopback only.`)
  // The text is looked at, since a URL does not tell an empty query or fragment from none.
  const extra = name === 'jwksUri' ? /#/ : /[?#]/
  if (url.username !== '' || url.password !== '' || extra.test(value)) {
    problems.push(`${name}: "${value}" must have no user, query or fragment.`)
  }
}

function secure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}
