import { hash } from 'node:crypto'
import type { TokenScheme } from '../credentials.ts'
import type { DenialCode } from '../denials.ts'
import { isRejection, judgeClaims, type ClaimChecks, type Claims } from './claims.ts'
import { parseCompactJws, type UnverifiedJws } from './compact-jws.ts'
import type { Identity } from './identity.ts'
import { readIntrospected } from './introspected-claims.ts'
import type { TokenSource } from './introspection.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { createSenderCheck, type ProofCheck, type SenderEvidence, type SenderProof } from './sender.ts'
import { judgeHeader, proveSignature } from './signature.ts'
import type { OpaqueIssuer, SigningIssuer, TrustedIntrospection, TrustedIssuer } from './trusted-issuer.ts'
import { VerifiedTokens, type VerifiedToken } from './verified-tokens.ts'

export type Verification =
  | {
      readonly ok: true
      readonly identity: Identity
      /** For the client's next proof. */
      readonly nonce?: string
    }
  | VerificationFailure

export interface VerificationFailure {
  readonly ok: false
  readonly code: DenialCode
  readonly detail: string
  readonly nonce?: string
  readonly retryAfterSeconds?: number
  /** Set when the token's signature was proven all the same. */
  readonly signed?: true
}

/** What a request brings beside its token. */
export interface TokenEvidence extends SenderEvidence {
  /** The peer's address: what its garbage can use up is bounded. */
  readonly address?: string | undefined
}

/**
 * Proves who presented a token. Answers at once when it has proven that token before and the token is bound to nothing.
 */
export type Verify = (
  token: string,
  scheme: TokenScheme,
  evidence: TokenEvidence,
) => Verification | Promise<Verification>

export interface VerifierOptions extends ClaimChecks {
  readonly issuers: readonly TrustedIssuer[]
  /** `undefined` when proofs of possession are not taken. */
  readonly proofs: ProofCheck | undefined
  readonly maxTokenBytes: number
  readonly maxCachedTokens: number
  readonly maxCachedBytes: number
  readonly nowSeconds: () => number
}

type Proven = { readonly ok: true; readonly proven: VerifiedToken } | VerificationFailure

/** Builds the verifier of one resource. */
export function createVerifier(options: VerifierOptions): Verify {
  const { maxTokenBytes, clockToleranceSeconds, nowSeconds } = options
  const issuers = new Map(options.issuers.map((issuer) => [issuer.issuer, issuer]))
  const opaqueIssuer = options.issuers.find((issuer): issuer is OpaqueIssuer => issuer.keys === undefined)
  const verified = new VerifiedTokens(options.maxCachedTokens, options.maxCachedBytes)
  const proveSender = createSenderCheck(options.proofs)

  return (token, scheme, evidence) => {
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
      const { keys } = known
      const keysStand = keys === undefined || (known.generation === keys.generation && keys.fresh(now))
      if (keysStand && now < known.askAgainAt) return judgeSender(known, scheme, evidence, tokenHash)
    }
    const source = { known: known !== undefined, address: evidence.address }
    return verifyUnknown(token, scheme, evidence, tokenHash, source)
  }

  async function verifyUnknown(
    token: string,
    scheme: TokenScheme,
    evidence: SenderEvidence,
    tokenHash: string,
    source: TokenSource,
  ): Promise<Verification> {
    const result = await prove(token, tokenHash, source)
    if (!result.ok) return result
    const { proven } = result
    if (nowSeconds() < proven.askAgainAt) verified.keep(tokenHash, token.length, proven)
    return judgeSender(proven, scheme, evidence, tokenHash)
  }

  /** The issuer is matched before anything is fetched: a stranger's token must not make us open connections. */
  async function prove(token: string, tokenHash: string, source: TokenSource): Promise<Proven> {
    const jws = parseCompactJws(token)
    if (jws === undefined) {
      return opaqueIssuer === undefined
        ? refuse('token_malformed', 'not a compact JWS with a JSON object in it')
        : proveByAnswer(token, tokenHash, opaqueIssuer, opaqueIssuer.introspection, source, undefined)
    }
    const issuer = jws.claims['iss']
    // A token that names an issuer is that one's alone: no other is asked about it (requirement D10).
    const trusted = typeof issuer === 'string' ? issuers.get(issuer) : undefined
    if (trusted === undefined) return refuse('issuer_unknown', '"iss" is no configured issuer')
    return trusted.keys === undefined
      ? proveByAnswer(token, tokenHash, trusted, trusted.introspection, source, undefined)
      : proveByKeys(token, tokenHash, jws, trusted, source)
  }

  async function proveByKeys(
    token: string,
    tokenHash: string,
    jws: UnverifiedJws,
    trusted: SigningIssuer,
    source: TokenSource,
  ): Promise<Proven> {
    const { keys, introspection } = trusted
    const rejection = judgeHeader(jws, trusted.profile)
    if (rejection !== undefined) return { ok: false, ...rejection }
    const signed = await proveSignature(token, jws, trusted.issuer, keys)
    if (!signed.ok) return signed
    const identity = judgeClaims(jws.claims, tokenHash, trusted, options, nowSeconds())
    if (isRejection(identity)) return { ok: false, ...identity }
    const { generation } = signed
    if (introspection !== undefined) {
      const { claims } = identity
      const signedSource = { ...source, known: true }
      return proveByAnswer(token, tokenHash, trusted, introspection, signedSource, {
        claims,
        keys,
        generation,
      })
    }
    const endsAt = identity.expiresAt + clockToleranceSeconds
    return { ok: true, proven: { identity, keys, generation, endsAt, askAgainAt: Number.POSITIVE_INFINITY } }
  }

  /** @param signed - what the token's own signature has proven already, if it has one */
  async function proveByAnswer(
    token: string,
    tokenHash: string,
    trusted: TrustedIssuer,
    introspection: TrustedIntrospection,
    source: TokenSource,
    signed: SignedClaims | undefined,
  ): Promise<Proven> {
    const answer = await introspection.ask(token, tokenHash, source)
    if (!answer.ok) return signed === undefined ? answer : { ...answer, signed: true }
    const assumedAudience = introspection.acceptMissingAudience ? [...options.audiences][0] : undefined
    const { issuer, profile } = trusted
    const { clientClaim } = profile
    const read = readIntrospected(answer.members, {
      issuer,
      own: signed?.claims,
      clientClaim,
      assumedAudience,
    })
    if (!read.ok) return read
    const now = nowSeconds()
    const identity = judgeClaims(read.claims, tokenHash, trusted, options, now)
    if (isRejection(identity)) return { ok: false, ...identity }
    const { keys, generation = 0 } = signed ?? {}
    const endsAt = identity.expiresAt + clockToleranceSeconds
    const askAgainAt = now + introspection.cacheSeconds
    return { ok: true, proven: { identity, keys, generation, endsAt, askAgainAt } }
  }

  function judgeSender(
    { identity }: VerifiedToken,
    scheme: TokenScheme,
    evidence: SenderEvidence,
    tokenHash: string,
  ): Verification | Promise<Verification> {
    const proof = proveSender(identity.binding, scheme, evidence, tokenHash)
    return proof instanceof Promise
      ? proof.then((settled) => verificationOf(settled, identity))
      : verificationOf(proof, identity)
  }
}

function verificationOf(proof: SenderProof, identity: Identity): Verification {
  if (!proof.ok) return proof
  const { nonce } = proof
  return nonce === undefined ? { ok: true, identity } : { ok: true, identity, nonce }
}

/** What a token's signature has proven, before its issuer is asked as well. */
interface SignedClaims {
  readonly claims: Claims
  readonly keys: IssuerKeys
  readonly generation: number
}

function refuse(code: DenialCode, detail: string): VerificationFailure {
  return { ok: false, code, detail }
}
