import { compactVerify } from 'jose'
import type { DenialCode } from '../denials.ts'
import type { Rejection } from './claims.ts'
import type { UnverifiedJws } from './compact-jws.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { TokenProfile } from './profiles/profile.ts'
import { keysFor, type VerificationKey } from './verification-keys.ts'

/** Judges the header of a token, which must be done before its signature means anything. */
export function judgeHeader({ header }: UnverifiedJws, profile: TokenProfile): Rejection | undefined {
  const { alg, typ, kid } = header
  if (typeof alg !== 'string' || !profile.algorithms.includes(alg)) {
    return { code: 'algorithm_refused', detail: 'this "alg" is not accepted from this issuer' }
  }
  // No extension is understood here, so none may be critical; "b64" would change what is signed.
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    return { code: 'critical_header_unknown', detail: '"crit" and "b64" are not accepted' }
  }
  if (typ !== undefined && typeof typ !== 'string') {
    return { code: 'token_type_refused', detail: '"typ" is not a string' }
  }
  if (!profile.types.includes(typ?.toLowerCase().replace(/^application\//, ''))) {
    return { code: 'token_type_refused', detail: `"typ" must be ${profile.types.join(' or ')}` }
  }
  if (kid === undefined ? profile.keyIdRequired : typeof kid !== 'string') {
    return { code: 'token_type_refused', detail: '"kid" is missing or no string' }
  }
  return undefined
}

export type SignatureProof =
  /** `generation`: of the keys that proved it. */
  | { readonly ok: true; readonly generation: number }
  | ({ readonly ok: false; readonly retryAfterSeconds?: number } & Rejection)

/** Proves a token's signature by the keys of its issuer, which are fetched if that is needed. Never rejects. */
export async function proveSignature(
  token: string,
  jws: UnverifiedJws,
  issuer: string,
  keys: IssuerKeys,
): Promise<SignatureProof> {
  const loadsBefore = keys.loads
  const usable = await keys.ensure()
  if (!usable.ok) return unavailable(issuer, keys, usable.retryAfterSeconds)
  // judgeHeader has seen that these have their types.
  const algorithm = jws.header['alg'] as string
  const keyId = jws.header['kid'] as string | undefined

  const attempt = async (): Promise<DenialCode | undefined> => {
    const fitting = keysFor(keys.keys, algorithm, keyId)
    if (fitting.length === 0) return 'key_unknown'
    return (await signedByAny(token, algorithm, fitting)) ? undefined : 'signature_invalid'
  }

  let { loads, generation } = keys
  let code = await attempt()
  // Keys that came while this token waited are new enough; to wait for others would double the wait.
  const waited = loads !== loadsBefore
  if (code !== undefined && !waited && (await keys.refetch(loads))) {
    ;({ loads, generation } = keys)
    code = await attempt()
  }
  if (code === undefined) return { ok: true, generation }
  // While the issuer cannot be asked, its good tokens cannot be told from bad ones: a key may be new, under a new id or
  // under the same (requirement C27).
  if (keys.failure !== undefined) return unavailable(issuer, keys, 1)
  const detail = code === 'key_unknown' ? 'the issuer publishes no such key' : 'no key of that id signed this'
  return { ok: false, code, detail }
}

async function signedByAny(
  token: string,
  algorithm: string,
  keys: readonly VerificationKey[],
): Promise<boolean> {
  for (const { jwk } of keys) {
    const signed = await compactVerify(token, jwk, { algorithms: [algorithm] }).catch(() => undefined)
    if (signed !== undefined) return true
  }
  return false
}

function unavailable(issuer: string, { failure }: IssuerKeys, retryAfterSeconds: number): SignatureProof {
  const detail = `the keys of ${issuer} are not here: ${failure ?? 'unknown reason'}`
  return { ok: false, code: 'issuer_unavailable', detail, retryAfterSeconds }
}
