import type { DenialCode } from '../denials.ts'
import { audienceMatches } from './audience.ts'
import { namesIn } from './claim-names.ts'
import { provenIdentity, type Identity, type IdentityFacts } from './identity.ts'
import type { TokenProfile } from './profiles/profile.ts'
import { readBinding, type SenderBinding } from './sender.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

export type Claims = Readonly<Record<string, unknown>>

/** A failed check: the code for the wire, and what an operator needs to know besides. */
export interface Rejection {
  readonly code: DenialCode
  readonly detail: string
}

// The end of the year 5138: whatever is later is a mistake or an attack, not a time.
const lastPlausibleTime = 1e11
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** What the checks of one resource share. */
export interface ClaimChecks {
  readonly audiences: ReadonlySet<string>
  readonly clockToleranceSeconds: number
}

/**
 * Judges the claims of a token whose signature is proven, and makes its identity.
 *
 * Order: kind of token, audience, times, required claims, sender, client and owner; never scopes, which are policy.
 *
 * @see RFC 9068 §4, RFC 8725 §3
 */
export function judgeClaims(
  claims: Claims,
  tokenHash: string,
  trusted: TrustedIssuer,
  checks: ClaimChecks,
  now: number,
): Identity | Rejection {
  const { profile } = trusted
  return (
    judgeUse(claims, profile) ??
    judgeAudience(claims, checks.audiences) ??
    judgeTimes(claims, checks.clockToleranceSeconds, now) ??
    judgeRequired(claims, profile) ??
    judgeSender(claims) ??
    judgeOrigin(claims, trusted) ??
    makeIdentity(claims, tokenHash, trusted)
  )
}

/** Tells the two results of {@link judgeClaims} apart. */
export function isRejection(result: Identity | Rejection): result is Rejection {
  return 'code' in result
}

function judgeUse(claims: Claims, profile: TokenProfile): Rejection | undefined {
  const refused = profile.refusedClaims.find((name) => Object.hasOwn(claims, name))
  if (refused !== undefined)
    return reject('token_use_refused', `a token with "${refused}" is no access token`)
  for (const [name, values] of Object.entries(profile.refusedValues ?? {})) {
    const value = claims[name]
    if (typeof value === 'string' && values.includes(value.toLowerCase())) {
      return reject('token_use_refused', `a token whose "${name}" is ${shortJson(value)} is no access token`)
    }
  }
  const use = profile.tokenUse
  if (use === undefined) return undefined
  const names = Object.keys(claims).filter((name) => name.toLowerCase() === use.claim)
  if (names.length > 0 && names.every((name) => claims[name] === use.value)) return undefined
  return reject('token_use_refused', `"${use.claim}" must be "${use.value}" in every spelling of the name`)
}

function judgeAudience(claims: Claims, audiences: ReadonlySet<string>): Rejection | undefined {
  if (audienceMatches(claims['aud'], audiences)) return undefined
  return reject('audience_mismatch', `"aud" is ${shortJson(claims['aud'])}`)
}

function judgeTimes(claims: Claims, tolerance: number, now: number): Rejection | undefined {
  const { exp, nbf = 0, iat = 0 } = claims
  if (exp === undefined) {
    return reject('claim_missing', '"exp" is missing: a token without an end is not accepted')
  }
  if (!isTime(exp)) return reject('claim_invalid', '"exp" is not a time')
  if (!isTime(nbf)) return reject('claim_invalid', '"nbf" is not a time')
  if (!isTime(iat)) return reject('claim_invalid', '"iat" is not a time')
  if (now >= exp + tolerance) return reject('token_expired', `ended at ${exp}`)
  if (nbf > now + tolerance) return reject('token_not_yet_valid', `begins at ${nbf}`)
  if (iat > now + tolerance) {
    return reject('token_not_yet_valid', `was issued in the future, at ${iat}: compare the clocks`)
  }
  return undefined
}

function judgeRequired(claims: Claims, profile: TokenProfile): Rejection | undefined {
  for (const name of ['sub', ...profile.requiredClaims]) {
    if (claims[name] === undefined) return reject('claim_missing', `"${name}" is missing`)
  }
  for (const name of ['sub', profile.clientClaim, 'jti']) {
    const value = claims[name]
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      return reject('claim_invalid', `"${name}" is not a non-empty string`)
    }
  }
  const { scope } = claims
  if (scope !== undefined && scope !== '' && readScopes(scope) === undefined) {
    return reject('claim_invalid', '"scope" is not a string of scopes with one space between them')
  }
  return undefined
}

function judgeSender(claims: Claims): Rejection | undefined {
  const binding = readBinding(claims['cnf'])
  return typeof binding === 'string' ? reject('sender_unproven', binding) : undefined
}

function judgeOrigin(claims: Claims, trusted: TrustedIssuer): Rejection | undefined {
  const { profile } = trusted
  // judgeRequired has seen that it is a string.
  const clientId = claims[profile.clientClaim] as string
  if (!trusted.clientAllowed(clientId)) return reject('client_refused', `client ${shortJson(clientId)}`)
  if (profile.ownerClaim === undefined) return undefined
  const owner = claims[profile.ownerClaim]
  if (owner !== undefined && typeof owner !== 'string') {
    return reject('claim_invalid', `"${profile.ownerClaim}" is not a string`)
  }
  return trusted.ownerAllowed(owner, clientId)
    ? undefined
    : reject('owner_refused', `owner ${shortJson(owner)}`)
}

function makeIdentity(claims: Claims, tokenHash: string, { issuer, profile }: TrustedIssuer): Identity {
  // The checks above have seen that these have their types.
  const subject = claims['sub'] as string
  const clientId = claims[profile.clientClaim] as string
  const tokenId = claims['jti'] as string | undefined
  const shortHash = tokenHash.slice(0, 16)
  const issuedAt = claims['iat'] as number | undefined
  const binding = readBinding(claims['cnf']) as SenderBinding | undefined
  return provenIdentity({
    issuer,
    subject,
    clientId,
    ...holdingsOf(claims, profile),
    expiresAt: claims['exp'] as number,
    ...(issuedAt !== undefined && { issuedAt }),
    ...(binding !== undefined && { binding }),
    tokenId: tokenId ?? shortHash,
    tokenHash: shortHash,
    callerKey: JSON.stringify([issuer, subject, clientId]),
    claims,
  })
}

function holdingsOf(
  claims: Claims,
  { roleClaims, groupClaims }: TokenProfile,
): Pick<IdentityFacts, 'scopes' | 'roles' | 'groups'> {
  return {
    scopes: readScopes(claims['scope']) ?? new Set(),
    roles: namesIn(claims, roleClaims),
    groups: namesIn(claims, groupClaims),
  }
}

/** What claims would say of their caller if a token of this issuer had them. Checks and proves nothing. */
export function supposeCaller(claims: Claims, { issuer, profile }: TrustedIssuer): IdentityFacts {
  const textOf = (name: string): string => {
    const value = claims[name]
    return typeof value === 'string' ? value : ''
  }
  const [subject, clientId] = [textOf('sub'), textOf(profile.clientClaim)]
  const { exp } = claims
  return {
    issuer,
    subject,
    clientId,
    ...holdingsOf(claims, profile),
    expiresAt: isTime(exp) ? exp : 0,
    tokenId: '',
    tokenHash: '',
    callerKey: JSON.stringify([issuer, subject, clientId]),
    claims,
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= lastPlausibleTime
}

/** RFC 6749 §3.3: scope tokens with single spaces between them. */
function readScopes(value: unknown): ReadonlySet<string> | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const scopes = value.split(' ')
  return scopes.every((scope) => scopeToken.test(scope)) ? new Set(scopes) : undefined
}

function shortJson(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 200)
}

function reject(code: DenialCode, detail: string): Rejection {
  return { code, detail }
}
