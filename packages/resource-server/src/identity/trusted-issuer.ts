import { createOutbound, type Outbound } from '@mcp-doorman/outbound'
import { createClientAuthentication } from './client-authentication.ts'
import { createIntrospector, type Introspect } from './introspection.ts'
import {
  createAsking,
  createCasdoorLoader,
  createEndpointFinder,
  createStandardLoader,
  type FindEndpoint,
  type LoadIssuer,
} from './issuer-documents.ts'
import { checkClaimPlaces } from './claim-names.ts'
import { defaultKeyTimes, IssuerKeys, type KeyTimes } from './issuer-keys.ts'
import {
  checkIssuerUrl,
  secure,
  type CasdoorIssuerOptions,
  type ClaimMapping,
  type IntrospectionOptions,
  type IssuerOptions,
  type StandardIssuerOptions,
} from './issuer-options.ts'
import { casdoor } from './profiles/casdoor.ts'
import { introspected } from './profiles/introspected.ts'
import type { TokenProfile } from './profiles/profile.ts'
import { rfc9068 } from './profiles/rfc9068.ts'
import { supportedAlgorithms } from './verification-keys.ts'

/** An issuer as the verifier uses it. */
export type TrustedIssuer = SigningIssuer | OpaqueIssuer

/** One whose tokens are proven by its keys, and that may be asked about them as well. */
export interface SigningIssuer extends IssuerFacts {
  readonly keys: IssuerKeys
  readonly introspection: TrustedIntrospection | undefined
}

/** One that alone can read its tokens. */
export interface OpaqueIssuer extends IssuerFacts {
  readonly keys: undefined
  readonly introspection: TrustedIntrospection
}

interface IssuerFacts {
  readonly issuer: string
  readonly profile: TokenProfile
  /** Whether tokens of this client are accepted. */
  readonly clientAllowed: (clientId: string) => boolean
  /** Whether this client's users of this organization are accepted; `undefined` when the token does not say. */
  readonly ownerAllowed: (owner: string | undefined, clientId: string) => boolean
  /** Fetches what is needed to judge tokens; says why that is not here. */
  readonly ready: () => Promise<string | undefined>
  readonly close: () => void
}

export interface TrustedIntrospection {
  readonly ask: Introspect
  readonly findEndpoint: FindEndpoint
  readonly cacheSeconds: number
  readonly acceptMissingAudience: boolean
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
  const { issuer, jwksUri, algorithms, allowedClients, introspection: asked } = options
  const opaque = options.tokens === 'opaque'
  checkIssuerUrl('issuer', issuer, problems)
  if (jwksUri !== undefined) checkIssuerUrl('jwksUri', jwksUri, problems)
  for (const algorithm of algorithms ?? []) {
    if (!supportedAlgorithms.has(algorithm)) {
      problems.push(
        `issuer ${issuer}: algorithm "${algorithm}" is not one that can be trusted here. Remove it.`,
      )
    }
  }
  if (opaque) checkOpaque(options, problems)
  if (!opaque && asked?.acceptMissingAudience !== undefined) {
    problems.push(`issuer ${issuer}: acceptMissingAudience is for opaque tokens only. Remove it.`)
  }
  const outbound = outboundTo([issuer, jwksUri ?? issuer, asked?.endpoint ?? issuer], context, problems)
  const jwt = algorithms === undefined ? rfc9068 : { ...rfc9068, algorithms: [...algorithms] }
  const profile = mapClaims(opaque ? introspected : jwt, options, `issuer ${issuer}`, problems)
  const load = createStandardLoader(createAsking(outbound, timeoutOf(context)), issuer, jwksUri)
  const finder = createEndpointFinder(outbound, issuer, endpointMaxAgeSeconds, context.nowSeconds)
  const introspection =
    asked && introspectionOf(asked, { issuer, outbound, audience: issuer, finder }, context, problems)
  const clients = allowedClients && new Set(allowedClients)
  const facts = {
    issuer,
    clientAllowed: (clientId: string) => clients === undefined || clients.has(clientId),
    ownerAllowed: () => true,
    close: () => outbound.close(),
  }
  if (opaque && introspection !== undefined) {
    const ready = () => readiness(undefined, introspection, context)
    return { ...facts, profile, keys: undefined, introspection, ready }
  }
  const keys = keysOf(load, profile, options, context, problems)
  return { ...facts, profile, keys, introspection, ready: () => readiness(keys, introspection, context) }
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
  const { introspection: asked } = options
  if (asked?.acceptMissingAudience !== undefined) {
    problems.push(`casdoor ${issuer}: acceptMissingAudience is for opaque tokens only. Remove it.`)
  }
  const outbound = outboundTo([issuer, asked?.endpoint ?? issuer], context, problems)
  const load = createCasdoorLoader(createAsking(outbound, timeoutOf(context)), issuer, application)
  const profile = mapClaims(casdoor, options, `casdoor ${issuer}`, problems)
  const keys = keysOf(load, profile, options, context, problems)
  const own = { ok: true, url: `${issuer}/api/login/oauth/introspect` } as const
  const place = {
    issuer,
    outbound,
    audience: `${issuer}/api/login/oauth/access_token`,
    finder: () => Promise.resolve(own),
  }
  const introspection = asked && introspectionOf(asked, place, context, problems)
  const clients = new Set(allowedClients === 'any' ? [] : allowedClients)
  const owners = allowedOwners && new Set(allowedOwners)
  return {
    issuer,
    profile,
    keys,
    introspection,
    ready: () => readiness(keys, introspection, context),
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
  load: LoadIssuer,
  profile: TokenProfile,
  { keepRemovedKeysSeconds = 0 }: IssuerOptions,
  context: IssuerContext,
  problems: string[],
): IssuerKeys {
  if (!(keepRemovedKeysSeconds >= 0 && keepRemovedKeysSeconds <= 604_800)) {
    problems.push(`keepRemovedKeysSeconds: must be 0 to 604800, and is ${keepRemovedKeysSeconds}.`)
  }
  const times = { ...defaultKeyTimes, ...context.keyTimes }
  return new IssuerKeys(load, profile.refusedKeys, times, context.nowSeconds, keepRemovedKeysSeconds)
}

const endpointMaxAgeSeconds = 600

/** Who is asked, and how we find and address them. */
interface IntrospectionPlace {
  readonly issuer: string
  readonly outbound: Outbound
  /** Of our assertions. */
  readonly audience: string
  readonly finder: FindEndpoint
}

function introspectionOf(
  options: IntrospectionOptions,
  { issuer, outbound, audience, finder }: IntrospectionPlace,
  context: IssuerContext,
  problems: string[],
): TrustedIntrospection {
  const { endpoint, cacheSeconds = 30, acceptMissingAudience = false } = options
  const { nowSeconds } = context
  const name = `issuer ${issuer}: introspection`
  if (endpoint !== undefined) checkIssuerUrl('introspection.endpoint', endpoint, problems)
  if (!(cacheSeconds >= 0 && cacheSeconds <= 60)) {
    problems.push(`${name}.cacheSeconds: must be 0 to 60, and is ${cacheSeconds}.`)
  }
  const configured = endpoint === undefined ? undefined : ({ ok: true, url: endpoint } as const)
  const findEndpoint = configured === undefined ? finder : () => Promise.resolve(configured)
  const ask = createIntrospector({
    issuer,
    outbound,
    findEndpoint,
    authenticate: createClientAuthentication(options, audience, nowSeconds, name, problems),
    timeoutSeconds: timeoutOf(context),
    nowSeconds,
  })
  return { ask, findEndpoint, cacheSeconds, acceptMissingAudience }
}

function checkOpaque(options: StandardIssuerOptions, problems: string[]): void {
  const { issuer, introspection } = options
  if (introspection === undefined) {
    problems.push(`issuer ${issuer}: opaque tokens can only be read by asking. Add "introspection".`)
  }
  for (const name of ['jwksUri', 'algorithms', 'keepRemovedKeysSeconds'] as const) {
    if (options[name] !== undefined) {
      problems.push(`issuer ${issuer}: ${name} has no effect on opaque tokens. Remove it.`)
    }
  }
}

async function readiness(
  keys: IssuerKeys | undefined,
  introspection: TrustedIntrospection | undefined,
  context: IssuerContext,
): Promise<string | undefined> {
  const state = await keys?.ensure()
  if (state?.ok === false) return keys?.failure ?? 'not reached yet'
  const endpoint = await introspection?.findEndpoint(AbortSignal.timeout(timeoutOf(context) * 1000))
  return endpoint?.ok === false ? endpoint.reason : undefined
}

function timeoutOf({ outboundTimeoutSeconds = 5 }: IssuerContext): number {
  return outboundTimeoutSeconds
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
