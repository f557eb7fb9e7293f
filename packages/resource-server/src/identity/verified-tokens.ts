import type { Identity } from './identity.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** A verified token's identity, and what it was proven by. */
export interface VerifiedToken {
  readonly identity: Identity
  /** `undefined` when the issuer's word was the proof. */
  readonly keys: IssuerKeys | undefined
  /** {@link IssuerKeys.generation} at the time of the proof. */
  readonly generation: number
  /** When it stops being accepted, in epoch seconds: `exp` plus the tolerance. */
  readonly endsAt: number
  /** When the issuer must be asked again; infinite if it is not asked. */
  readonly askAgainAt: number
}
/**
 * Verified tokens by the SHA-256 of the token, so that a signature is checked once.
 *
 * Two generations of entries: when the younger one is full it becomes the older, and the older one is forgotten.
 * That bounds entries and bytes without a timer or a list to keep in order. Only successes are kept: garbage
 * cannot push anything out.
 */
export class VerifiedTokens {
  readonly #maxEntries: number
  readonly #maxBytes: number
  #young = new Map<string, VerifiedToken>()
  #old = new Map<string, VerifiedToken>()
  #youngBytes = 0

  /** @param maxBytes - counted as the length of the tokens, which their claims are proportional to */
  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  find(tokenHash: string): VerifiedToken | undefined {
    return this.#young.get(tokenHash) ?? this.#old.get(tokenHash)
  }

  keep(tokenHash: string, tokenBytes: number, verified: VerifiedToken): void {
    if (this.#young.size >= this.#maxEntries / 2 || this.#youngBytes >= this.#maxBytes / 2) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(tokenHash, verified)
    this.#youngBytes += tokenBytes
  }

  forget(tokenHash: string): void {
    this.#young.delete(tokenHash)
    this.#old.delete(tokenHash)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
