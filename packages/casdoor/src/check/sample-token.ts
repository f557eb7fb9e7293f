import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import { isRecord, textOf, type CasdoorRecord } from '../records.ts'

/** A token that was given to be looked at. */
export interface SampleToken {
  readonly header: CasdoorRecord
  readonly claims: CasdoorRecord
  readonly bytes: number
  /** The token itself, for its signature; never for display. */
  readonly compact: string
}

/** @returns undefined when it is no JWT; the text itself is in no message */
export function readSampleToken(text: string): SampleToken | undefined {
  const compact = text.trim().replace(/^Bearer\s+/i, '')
  if (compact.length > maxTokenCharacters) return undefined
  try {
    const header: unknown = decodeProtectedHeader(compact)
    const claims: unknown = decodeJwt(compact)
    if (!isRecord(header) || !isRecord(claims)) return undefined
    return { header, claims, bytes: Buffer.byteLength(compact), compact }
  } catch {
    return undefined
  }
}

const maxTokenCharacters = 65_536

/** Why it is another kind of token than an access token; undefined when it is one. */
export function otherKindOfToken({ header, claims }: SampleToken): string | undefined {
  if (Object.hasOwn(claims, 'events')) return 'it has "events", as logout tokens have'
  const uses = Object.keys(claims).filter((name) => name.toLowerCase() === 'tokentype')
  const other = uses.find((name) => claims[name] !== 'access-token')
  if (other !== undefined) return `its "${other}" is not access-token`
  if (textOf(header, 'kid') === '') return 'it names no key (kid), as refresh tokens of Casdoor do not'
  return uses.length === 0 ? 'it does not say what it is for (tokenType)' : undefined
}

/** Why no key of a set verifies it. The times are not looked at. */
export type KeyMisfit =
  | { readonly kind: 'algorithm'; readonly evidence: string }
  | { readonly kind: 'key'; readonly evidence: string }

/** Tries every key with the id that the token names. */
export async function findKeyMisfit(
  { header, compact }: SampleToken,
  keys: readonly CasdoorRecord[],
): Promise<KeyMisfit | undefined> {
  const kid = textOf(header, 'kid')
  const alg = textOf(header, 'alg')
  const named = keys.filter((key) => textOf(key, 'kid') === kid)
  if (named.length === 0) {
    const others = keys.map((key) => textOf(key, 'kid')).join(', ')
    return { kind: 'key', evidence: `it names the key ${kid}, and there is ${others || 'none'}` }
  }
  const fitting = named.filter((key) => ['', alg].includes(textOf(key, 'alg')))
  if (fitting.length === 0) {
    const algorithms = named.map((key) => textOf(key, 'alg')).join(', ')
    return { kind: 'algorithm', evidence: `signed with ${alg}, and the key ${kid} is for ${algorithms}` }
  }
  for (const key of fitting) {
    if (await verifies(compact, key, alg)) return undefined
  }
  return { kind: 'key', evidence: `the key ${kid} that is published now did not make its signature` }
}

async function verifies(compact: string, key: CasdoorRecord, alg: string): Promise<boolean> {
  try {
    const imported = await importJWK({ ...key, kty: textOf(key, 'kty') }, alg)
    await compactVerify(compact, imported, { algorithms: [alg] })
    return true
  } catch {
    return false
  }
}

/** Claims that only Casdoor's own record of a user has, and nobody else should. */
const secretClaims = ['passwordSalt', 'totpSecret', 'recoveryCodes', 'password']

export function secretClaimsOf({ claims }: SampleToken): readonly string[] {
  return secretClaims.filter((name) => Object.hasOwn(claims, name))
}
