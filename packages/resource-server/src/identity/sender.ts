import type { TokenScheme } from '../credentials.ts'
import type { DenialCode } from '../denials.ts'
import type { PresentedHeaders } from '../presented-headers.ts'

/** What a request brings beside its token, to prove that its sender is the one whom the token was given to. */
export interface SenderEvidence {
  /** The HTTP method. */
  readonly method: string
  /** Which address of the resource was asked: `plain-list` and `plain-call` have their own, all others the resource's. */
  readonly form: string
  readonly headers: Pick<PresentedHeaders, 'dpop' | 'repeated'>
  /** SHA-256 of the client's certificate, from the socket on which TLS ends and nowhere else. */
  readonly certificateThumbprint?: string | undefined
}

/** What a token is bound to. Every member that is there must be proven. */
export interface SenderBinding {
  /** RFC 7638 thumbprint of a DPoP key. */
  readonly keyThumbprint?: string
  /** SHA-256 of a client certificate. */
  readonly certificateThumbprint?: string
}

export type SenderProof =
  | {
      readonly ok: true
      /** A fresh nonce for the client's next proof, when the one that it used is about to end. */
      readonly nonce?: string
    }
  | {
      readonly ok: false
      readonly code: DenialCode
      readonly detail: string
      readonly nonce?: string
      readonly retryAfterSeconds?: number
    }

/** Judges a proof of possession for a token with this hash, bound to this key. Never throws or rejects. */
export type VerifyProof = (
  evidence: SenderEvidence,
  tokenHash: string,
  keyThumbprint: string,
) => Promise<SenderProof>

/** What a server does about DPoP. */
export interface ProofCheck {
  readonly verify: VerifyProof
  /** Whether tokens that are not bound to a key are refused. */
  readonly required: boolean
}

/** Judges whether the sender of a request is the one whom its token is bound to. */
export type ProveSender = (
  binding: SenderBinding | undefined,
  scheme: TokenScheme,
  evidence: SenderEvidence,
  tokenHash: string,
) => SenderProof | Promise<SenderProof>

/**
 * Reads a token's `cnf`.
 *
 * A kind of binding that is not known here cannot be proven here, so it is a reason to refuse and never one to take the
 * token as a plain one.
 *
 * @returns the reason to refuse as a string; `undefined` when the token is not bound
 * @see RFC 7800 §3.1, RFC 9449 §6.1, RFC 8705 §3.1
 */
export function readBinding(confirmation: unknown): SenderBinding | string | undefined {
  if (confirmation === undefined) return undefined
  if (typeof confirmation !== 'object' || confirmation === null || Array.isArray(confirmation)) {
    return '"cnf" is not an object'
  }
  const entries = Object.entries(confirmation)
  if (entries.length === 0) return '"cnf" is empty'
  const binding: { keyThumbprint?: string; certificateThumbprint?: string } = {}
  for (const [name, value] of entries) {
    if (typeof value !== 'string' || !sha256.test(value)) {
      return `"cnf" has a member that cannot be proven here: "${name.slice(0, 20)}"`
    }
    if (name === 'jkt') binding.keyThumbprint = value
    else if (name === 'x5t#S256') binding.certificateThumbprint = value
    else return `"cnf" has a member that cannot be proven here: "${name.slice(0, 20)}"`
  }
  return binding
}

// 32 bytes as base64url: 43 characters, of which the last carries four bits only.
const sha256 = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** Builds the check of senders. Without `proofs`, tokens that are bound to a DPoP key cannot be used. */
export function createSenderCheck(proofs: ProofCheck | undefined): ProveSender {
  return (binding, scheme, evidence, tokenHash) => {
    const { keyThumbprint, certificateThumbprint } = binding ?? {}
    if (certificateThumbprint !== undefined && certificateThumbprint !== evidence.certificateThumbprint) {
      return unproven(
        evidence.certificateThumbprint === undefined
          ? 'the token is bound to a client certificate, and none came with the request'
          : 'the token is bound to another client certificate',
      )
    }
    if (scheme === 'bearer') {
      if (keyThumbprint !== undefined) return unproven('the token is bound to a key and came as Bearer')
      if (proofs?.required === true) return unproven('only tokens that are bound to a key are taken here')
      return proven
    }
    if (keyThumbprint === undefined) return unproven('the token came as DPoP and is bound to no key')
    return proofs?.verify(evidence, tokenHash, keyThumbprint) ?? unproven('proofs are not taken here')
  }
}

const proven: SenderProof = { ok: true }

function unproven(detail: string): SenderProof {
  return { ok: false, code: 'sender_unproven', detail }
}
