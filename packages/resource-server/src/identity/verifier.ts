import { hash } from 'node:crypto'
import { compactVerify } from 'jose'
import type { DenialCode } from '../denials.ts'
import { isRejection, judgeClaims, type ClaimChecks, type Rejection } from './claims.ts'
import { parseCompactJws, type UnverifiedJws } from './compact-jws.ts'
import type { Identity } from './identity.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'
import { VerifiedTokens } from './verified-tokens.ts'
import { keysFor, type VerificationKey } from './verification-keys.ts'

export type Verification =
  | { readonly ok: true; readonly identity: Identity }
  | {
      readonly ok: false
      readonly code: DenialCode
      readonly detail: string
      readonly retryAfterSeconds?: number
    }

/** Proves who presented a token. Answers at once when it has proven that token before. */
export type Verify = (token: string) => Verification | Promise<Verification>

export interface VerifierOptions extends ClaimChecks {
  readonly issuers: readonly TrustedIssuer[]
  readonly maxTokenBytes: number
  readonly maxCachedTokens: number
  readonly maxCachedBytes: number
  readonly nowSeconds: () => number
}

/** Builds the verifier of one resource. */
export function createVerifier(options: VerifierOptions): Verify {
  const { maxTokenBytes, nowSeconds } = options
  const issuers = new Map(options.issuers.map((issuer) => [issuer.issuer, issuer]))
  const verified = new VerifiedTokens(options.maxCachedTokens, options.maxCachedBytes)

  return (token) => {
    if (token.length > maxTokenBytes) {
      return refuse('token_too_long', `${token.length} bytes; the limit is ${maxTokenBytes}`)
    }
    const tokenHash = hash('sha256', token, 'base64url')
    const known = verified.find(tokenHash)
    if (known !== undefined) {
      const now = nowSeconds()
      if (now >= known.endsAt) {
        verified.forget(tokenHash)
        return refuse('token_expired', `ended at ${known.identity.expiresAt}`)
      }
      if (known.generation === known.keys.generation && known.keys.fresh(now)) {
        return { ok: true, identity: known.identity }
      }
    }
    return verifyUnknown(token, tokenHash)
  }

  async function verifyUnknown(token: string, tokenHash: string): Promise<Verification> {
    const jws = parseCompactJws(token)
    if (jws === undefined) return refuse('token_malformed', 'not a compact JWS with a JSON object in it')
    // The issuer is matched before anything is fetched: a stranger's token must not make us open connections.
    const issuer = jws.claims['iss']
    const trusted = typeof issuer === 'string' ? issuers.get(issuer) : undefined
    if (trusted === undefined) return refuse('issuer_unknown', '"iss" is no configured issuer')
    const headerRejection = judgeHeader(jws, trusted)
    if (headerRejection !== undefined) return { ok: false, ...headerRejection }

    const usable = await trusted.keys.ensure()
    if (!usable.ok) return unavailable(trusted, usable.retryAfterSeconds)
    const proof = await proveSignature(token, jws, trusted)
    if (!proof.ok) return proof

    const result = judgeClaims(jws.claims, tokenHash, trusted, options, nowSeconds())
    if (isRejection(result)) return { ok: false, ...result }
    verified.keep(tokenHash, token.length, {
      identity: result,
      keys: trusted.keys,
      generation: proof.generation,
      endsAt: result.expiresAt + options.clockToleranceSeconds,
    })
    return { ok: true, identity: result }
  }
}

function judgeHeader({ header }: UnverifiedJws, { profile }: TrustedIssuer): Rejection | undefined {
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

type SignatureProof =
  | { readonly ok: true; readonly generation: number }
  | (Verification & { readonly ok: false })

async function proveSignature(
  token: string,
  jws: UnverifiedJws,
  trusted: TrustedIssuer,
): Promise<SignatureProof> {
  const { keys } = trusted
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
  if (code !== undefined && (await keys.refetch(loads))) {
    ;({ loads, generation } = keys)
    code = await attempt()
  }
  if (code === undefined) return { ok: true, generation }
  // While the issuer cannot be asked, its good tokens cannot be told from bad ones (requirement C27).
  if (code === 'key_unknown' && keys.failure !== undefined) return unavailable(trusted, 1)
  return refuse(
    code,
    code === 'key_unknown' ? 'the issuer publishes no such key' : 'no key of that id signed this',
  )
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

function unavailable(
  trusted: TrustedIssuer,
  retryAfterSeconds: number,
): Verification & { readonly ok: false } {
  const detail = `the keys of ${trusted.issuer} are not here: ${trusted.keys.failure ?? 'unknown reason'}`
  return { ok: false, code: 'issuer_unavailable', detail, retryAfterSeconds }
}

function refuse(code: DenialCode, detail: string): Verification & { readonly ok: false } {
  return { ok: false, code, detail }
}
