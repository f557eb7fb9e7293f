import { isLoopbackHost } from '@mcp-doorman/outbound'
import { checkKeys, either, flag, members, number, oneOf, text, texts, type Kinds } from '../unknown-keys.ts'
import type { ClaimPlace } from './claim-names.ts'
import type { ClientAuthenticationOptions } from './client-authentication.ts'

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
  /**
   * `jwt`: RFC 9068, verified by its keys. `opaque`: only the issuer can read them, so `introspection` is asked about
   * each; at most one issuer of a resource. Default: `jwt`.
   */
  readonly tokens?: 'jwt' | 'opaque'
  /** Ask the issuer whether the token is still good, besides all other checks. Default: it is not asked. */
  readonly introspection?: IntrospectionOptions
  /** See {@link CasdoorIssuerOptions.keepRemovedKeysSeconds}. */
  readonly keepRemovedKeysSeconds?: number
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
  /**
   * Ask Casdoor whether the token is still good: it ends tokens at logout and when a user is forbidden or deleted, which
   * their signatures do not show, and says only there which key a token is bound to. Default: it is not asked.
   */
  readonly introspection?: IntrospectionOptions
  /**
   * How long a key that the issuer has stopped publishing goes on verifying, in seconds; 0 to 604,800. For providers that
   * switch keys without an overlap, at most the lifetime of a token. A key that was removed because it leaked goes on as
   * well. Default: 0.
   */
  readonly keepRemovedKeysSeconds?: number
}

/**
 * How an issuer is asked about tokens (RFC 7662).
 *
 * At most 256 tokens at once are asked about, of which 192 that nothing is known of yet, and of these 32 from one address
 * where requests say it; more are answered 503.
 */
export interface IntrospectionOptions extends ClientAuthenticationOptions {
  /** Default: what the issuer's metadata names; Casdoor's own. */
  readonly endpoint?: string
  /** How long an answer holds, in seconds; 0 to 60. Never past the token's end. Default: 30. */
  readonly cacheSeconds?: number
  /** Take answers about opaque tokens that name no audience as answers about ours. Another audience is refused. Default: false. */
  readonly acceptMissingAudience?: boolean
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
  tokens: oneOf('jwt', 'opaque'),
  introspection: members,
  keepRemovedKeysSeconds: number,
}

const introspectionKinds: Kinds<IntrospectionOptions> = {
  endpoint: text,
  clientId: text,
  clientSecret: text,
  privateKey: text,
  keyId: text,
  algorithm: text,
  assertionIssuer: text,
  assertionAudience: text,
  cacheSeconds: number,
  acceptMissingAudience: flag,
}

const casdoorKinds: Kinds<CasdoorIssuerOptions> = {
  casdoor: text,
  application: text,
  allowedClients: either(texts, oneOf('any')),
  allowedOwners: texts,
  ...mappingKinds,
  introspection: members,
  keepRemovedKeysSeconds: number,
}

/** Adds misspelt options to `problems`, and tells whether the values are of the right kinds. */
export function checkIssuerKeys(place: string, options: IssuerOptions, problems: string[]): boolean {
  if (!('casdoor' in options) && !('issuer' in options)) {
    problems.push(`${place}: names no issuer. Give it "issuer", or "casdoor".`)
    return false
  }
  if (!checkKeys(place, options, 'casdoor' in options ? casdoorKinds : standardKinds, problems)) return false
  const { introspection } = options
  if (introspection === undefined) return true
  if (introspection.clientId === undefined) {
    problems.push(`${place}.introspection.clientId: is missing.`)
    return false
  }
  return checkKeys(`${place}.introspection`, introspection, introspectionKinds, problems)
}

/** Adds to `problems` what is wrong with a URL of an issuer. */
export function checkIssuerUrl(name: string, value: string, problems: string[]): void {
  if (!URL.canParse(value)) {
    problems.push(`${name}: "${value}" is not a URL. Write it as https://auth.example.com.`)
    return
  }
  const url = new URL(value)
  if (!secure(url)) problems.push(`${name}: "${value}" must be https; plain http is for loopback only.`)
  // The text is looked at, since a URL does not tell an empty query or fragment from none.
  const extra = name === 'issuer' || name === 'casdoor' ? /[?#]/ : /#/
  if (url.username !== '' || url.password !== '' || extra.test(value)) {
    problems.push(`${name}: "${value}" must have no user, query or fragment.`)
  }
}

/** Whether a URL may be used for what must not be read or changed on its way. */
export function secure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}
