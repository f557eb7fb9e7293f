import { createOutbound, isLoopbackHost, type Outbound } from '@mcp-doorman/outbound'
import { checkKeys, either, oneOf, text, texts, type Kinds } from '../unknown-keys.ts'
import { checkClaimPlaces, type ClaimPlace } from './claim-names.ts'
import { createCasdoorLoader, createStandardLoader } from './issuer-documents.ts'
import { defaultKeyTimes, IssuerKeys, type KeyTimes } from './issuer-keys.ts'
import { casdoor } from './profiles/casdoor.ts'
import type { TokenProfile } from './profiles/profile.ts'
import { rfc9068 } from './profiles/rfc9068.ts'
import { supportedAlgorithms } from './verification-keys.ts'

/**
 * Where an issuer's tokens say what their subject is.
 *
 * Each place is the exact name of a claim, or a JSON Pointer (RFC 6901) to one further down, as
 * `/realm_access/roles`. What stands there is a list of strings, or of objects with a `name`; anything else names
 * nothing. Several places are united.
 */
export interface ClaimMapping {
  /** For `anyRole` of rules. Default: `roles`; for a Casdoor `roles` and `role_names`. */
  readonly roleClaims?: readonly ClaimPlace[]
  /** For `anyGroup` of rules. Default: `groups`. */
  readonly groupClaims?: readonly ClaimPlace[]
}

/** An issuer of standard JWT access tokens (RFC 9068). */
export interface StandardIssuerOptions extends ClaimMapping {
  /** The issuer identifier, compared code point by code point with `iss`. Https, or http on loopback. */
  readonly issuer: string
  /** Where its keys are, if it publishes no discovery document. */
  readonly jwksUri?: string
  /** Accepted values of `alg`; asymmetric only. Default: RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519. */
  readonly algorithms?: readonly string[]
  /** Accept tokens of these clients only. Default: every client of this issuer that gets our audience. */
  readonly allowedClients?: readonly string[]
  /** The claim that names the OAuth client, which must then be there. A name, no pointer. Default: `client_id`. */
  readonly clientClaim?: string
}

/**
 * A Casdoor instance that issues the tokens itself.
 *
 * Any application of a Casdoor can be given our audience by its client, so one of `application` and
 * `allowedClients` is required.
 */
export interface CasdoorIssuerOptions extends ClaimMapping {
  /** The instance's `origin` setting, without a path or final slash. */
  readonly casdoor: string
  /** The application's name: pins its signing key, its client id and, where the token says it, its organization. */
  readonly application?: string
  /** Client ids whose tokens are accepted, besides the application's own; `'any'` accepts every application. */
  readonly allowedClients?: readonly string[] | 'any'
  /** Organizations whose users are accepted; the token must then say which (`owner`). Default: not looked at. */
  readonly allowedOwners?: readonly string[]
}

/** An issuer whose tokens are accepted, by the standard or as Casdoor makes them. */
export type IssuerOptions = StandardIssuerOptions | CasdoorIssuerOptions

const mappingKinds: Kinds<ClaimMapping> = { roleClaims: texts, groupClaims: texts }

const standardKinds: Kinds<StandardIssuerOptions> = {
  issuer: text,
  jwksUri: text,
  algorithms: texts,
  allowedClients: texts,
  clientClaim: text,
  ...mappingKinds,
}

const casdoorKinds: Kinds<CasdoorIssuerOptions> = {
  casdoor: text,
  application: text,
  allowedClients: either(texts, oneOf('any')),
  allowedOwners: texts,
  ...mappingKinds,
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
  const profile = mapClaims(
    algorithms === undefined ? rfc9068 : { ...rfc9068, algorithms: [...algorithms] },
    options,
    `issuer ${issuer}`,
    problems,
  )
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
  const profile = mapClaims(casdoor, options, `casdoor ${issuer}`, problems)
  const keys = keysOf(createCasdoorLoader(outbound, issuer, application), profile, context)
  const clients = new Set(allowedClients === 'any' ? [] : allowedClients)
  const owners = allowedOwners && new Set(allowedOwners)
  return {
    issuer,
    profile,
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

/** The profile of an issuer, with the claims that its options name in place of the usual ones. */
function mapClaims(
  profile: TokenProfile,
  { roleClaims, groupClaims, clientClaim }: ClaimMapping & Pick<StandardIssuerOptions, 'clientClaim'>,
  place: string,
  problems: string[],
): TokenProfile {
  checkClaimPlaces(`${place}: roleClaims`, roleClaims, problems)
  checkClaimPlaces(`${place}: groupClaims`, groupClaims, problems)
  if (clientClaim === '') problems.push(`${place}: clientClaim is empty. Name the claim, or remove it.`)
  const usual = profile.clientClaim
  return {
    ...profile,
    ...(roleClaims !== undefined && { roleClaims: [...roleClaims] }),
    ...(groupClaims !== undefined && { groupClaims: [...groupClaims] }),
    ...(clientClaim !== undefined && {
      clientClaim,
      requiredClaims: profile.requiredClaims.map((name) => (name === usual ? clientClaim : name)),
    }),
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
