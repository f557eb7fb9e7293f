import { randomBytes } from 'node:crypto'
import { callable, checkKeys, flag, members, number, text, texts, type Kinds } from '../unknown-keys.ts'
import { createNonces, type Nonces } from './dpop-nonce.ts'
import { createProofVerifier } from './dpop-proof.ts'
import { createMemoryReplayStore, type ReplayStore } from './replay-store.ts'
import type { ProofCheck } from './sender.ts'
import { supportedAlgorithms } from './verification-keys.ts'

/** How proofs of possession are judged (RFC 9449). */
export interface DpopOptions {
  /** Refuse tokens that are bound to no key. Default: false. */
  readonly required?: boolean
  /** Accepted values of a proof's `alg`; asymmetric only. Default: ES256, ES384, ES512, EdDSA, Ed25519, RS256, PS256. */
  readonly algorithms?: readonly string[]
  /** How far a proof's `iat` may be from now, before and after, in seconds; 5 to 300. Default: 300. */
  readonly maxAgeSeconds?: number
  /** Make clients put a value of ours into each proof. Default: not asked for. */
  readonly nonce?: DpopNonceOptions
  /** Where used proofs are remembered. Default: in memory, up to 500,000 of them. */
  readonly replays?: ReplayStore
}

export interface DpopNonceOptions {
  /** At least 32 characters, the same for all instances of the resource. Default: random, for this process alone. */
  readonly secret?: string
  /** How long one nonce is handed out, in seconds; 10 to 3,600. It is accepted for as long again. Default: 300. */
  readonly periodSeconds?: number
}

const dpopKinds: Kinds<DpopOptions> = {
  required: flag,
  algorithms: texts,
  maxAgeSeconds: number,
  nonce: members,
  replays: members,
}
const nonceKinds: Kinds<DpopNonceOptions> = { secret: text, periodSeconds: number }
const defaultAlgorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256']

/** Adds misspelt options to `problems`, and tells whether the values are of the right kinds. */
export function checkDpopKeys(options: DpopOptions, problems: string[]): boolean {
  if (!checkKeys('dpop', options, dpopKinds, problems)) return false
  const { nonce = {}, replays } = options
  const usable = replays === undefined || (callable.fits(replays.remember) && callable.fits(replays.close))
  if (!usable) problems.push('dpop.replays: must have the functions "remember" and "close".')
  return checkKeys('dpop.nonce', nonce, nonceKinds, problems) && usable
}

/** {@link ProofCheck}, and what the metadata says of it. */
export interface Dpop extends ProofCheck {
  readonly algorithms: readonly string[]
  readonly close: () => Promise<void>
}

/**
 * Builds the check of proofs for one resource.
 *
 * @param problems - receives every mistake found; the result must not be used when there is one
 */
export function createDpop(
  options: DpopOptions,
  resource: string,
  nowSeconds: () => number,
  problems: string[],
): Dpop {
  const { required = false, maxAgeSeconds = 300, replays = createMemoryReplayStore() } = options
  const algorithms = [...(options.algorithms ?? defaultAlgorithms)]
  if (algorithms.length === 0) problems.push('dpop.algorithms: is empty. Name one, or leave it out.')
  for (const algorithm of algorithms) {
    if (!supportedAlgorithms.has(algorithm)) {
      problems.push(`dpop.algorithms: "${algorithm}" is not one that can be trusted here.`)
    }
  }
  if (!(maxAgeSeconds >= 5 && maxAgeSeconds <= 300)) {
    problems.push(`dpop.maxAgeSeconds: must be 5 to 300, and is ${maxAgeSeconds}.`)
  }
  const nonces = options.nonce && buildNonces(options.nonce, problems)
  return {
    required,
    algorithms,
    verify: createProofVerifier({ resource, algorithms, maxAgeSeconds, nonces, replays, nowSeconds }),
    close: () => replays.close(),
  }
}

function buildNonces({ secret, periodSeconds = 300 }: DpopNonceOptions, problems: string[]): Nonces {
  if (secret !== undefined && secret.length < 32) {
    problems.push(
      'dpop.nonce.secret: must have at least 32 characters. Make one with "openssl rand -hex 32".',
    )
  }
  if (!(periodSeconds >= 10 && periodSeconds <= 3600)) {
    problems.push(`dpop.nonce.periodSeconds: must be 10 to 3600, and is ${periodSeconds}.`)
  }
  return createNonces(secret ?? randomBytes(32), periodSeconds)
}
