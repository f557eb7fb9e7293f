import { calculateJwkThumbprint, type JWK } from 'jose'

/** A public key of an issuer that may verify signatures. */
export interface VerificationKey {
  readonly jwk: JWK
  /** RFC 7638. Two keys with one `kid` still differ here. */
  readonly thumbprint: string
}

const keyTypes: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
}

/** The algorithms that {@link keysFor} knows the key type of. */
export const supportedAlgorithms: ReadonlySet<string> = new Set(Object.keys(keyTypes))

const minimumModulusBytes = 256 // 2048 bits, RFC 7518 §3.3

/**
 * Picks the usable keys from a published key set.
 *
 * Leaves out symmetric keys, encryption keys, keys too short to trust, and keys whose private half is public
 * knowledge (`refusedThumbprints`). Private members are dropped: an issuer that publishes them has other troubles,
 * but we do not keep its secret.
 *
 * @see RFC 7517 §4.2, §4.3
 */
export async function readVerificationKeys(
  entries: readonly unknown[],
  refusedThumbprints: readonly string[],
): Promise<readonly VerificationKey[]> {
  const keys: VerificationKey[] = []
  for (const entry of entries) {
    const jwk = publicJwk(entry)
    if (jwk === undefined) continue
    const thumbprint = await calculateJwkThumbprint(jwk).catch(() => undefined)
    if (thumbprint !== undefined && !refusedThumbprints.includes(thumbprint)) keys.push({ jwk, thumbprint })
  }
  return keys
}

/**
 * The keys that fit a token's header.
 *
 * One key serves one algorithm (RFC 8725 §3.1). A key id is compared as an opaque string; several keys may carry
 * it. Without one, a key is used only if no other fits.
 */
export function keysFor(
  keys: readonly VerificationKey[],
  algorithm: string,
  keyId: string | undefined,
): readonly VerificationKey[] {
  const type = keyTypes[algorithm]
  if (type === undefined) return []
  const fitting = keys.filter(
    ({ jwk }) =>
      jwk.kty === type.kty &&
      (type.crv === undefined || jwk.crv === type.crv) &&
      (jwk.alg === undefined || jwk.alg === algorithm) &&
      (keyId === undefined || jwk.kid === keyId),
  )
  return keyId === undefined && fitting.length > 1 ? [] : fitting
}

const publicMembers: ReadonlyMap<string, readonly string[]> = new Map([
  ['RSA', ['n', 'e']],
  ['EC', ['crv', 'x', 'y']],
  ['OKP', ['crv', 'x']],
])

/** The public members of an entry that may verify signatures; `undefined` for every other. */
export function publicJwk(entry: unknown): JWK | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  // Each member is checked below before it is used.
  const source = entry as Record<string, unknown>
  const { use, key_ops: operations } = source
  if (use !== undefined && use !== 'sig') return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined

  const members = typeof source['kty'] === 'string' ? publicMembers.get(source['kty']) : undefined
  if (members === undefined) return undefined
  const jwk: Record<string, string> = {}
  for (const member of ['kty', ...members]) {
    const value = source[member]
    if (typeof value !== 'string') return undefined
    jwk[member] = value
  }
  if (jwk['n'] !== undefined && Buffer.from(jwk['n'], 'base64url').length < minimumModulusBytes)
    return undefined
  for (const member of ['kid', 'alg']) {
    const value = source[member]
    if (value === undefined) continue
    if (typeof value !== 'string') return undefined
    jwk[member] = value
  }
  // RFC 9864 gives EdDSA over Ed25519 a name of its own. The curve leaves one algorithm, so a key serves both names.
  if (jwk['crv'] === 'Ed25519' && (jwk['alg'] === 'EdDSA' || jwk['alg'] === 'Ed25519')) delete jwk['alg']
  return jwk
}
