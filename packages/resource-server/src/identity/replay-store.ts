/** `full`: there is no room to remember it, so it must not be let through. */
export type ReplayVerdict = 'new' | 'seen' | 'full'

/**
 * Remembers DPoP proofs, so that each is used once. Shared by all instances that serve one resource.
 *
 * To write one for a shared store: of two `remember` of the same pair, at the same time or not, exactly one may answer
 * `new`. A rejection is a failure of the store, and denies the request (503).
 *
 * @see RFC 9449 §11.1
 */
export interface ReplayStore {
  /**
   * Remembers a proof, if it is not remembered yet, until `endsAt`.
   *
   * @param keyThumbprint - whose proof it is: what one key may fill is bounded
   * @param proofId - a hash, 43 characters
   * @param endsAt - epoch seconds; afterwards the proof is refused for its age
   * @param nowSeconds - epoch seconds
   */
  readonly remember: (
    keyThumbprint: string,
    proofId: string,
    endsAt: number,
    nowSeconds: number,
  ) => ReplayVerdict | Promise<ReplayVerdict>
  /** Lets go of connections, if there are any. */
  readonly close: () => Promise<void>
}

interface Generation {
  readonly proofs: Set<string>
  readonly counts: Map<string, number>
  /** When the last of its proofs ends. */
  endsAt: number
}

/**
 * A replay store in memory, for one process.
 *
 * Two generations: the older is forgotten once the last of its proofs has ended, so that there is no timer and no proof
 * is forgotten early. When there is no room, proofs are refused: forgetting one would let it be used again.
 *
 * @param maxProofs - of all keys; about 80 bytes each
 * @param maxProofsOfKey - of one key, so that one client cannot take the room of all
 */
export function createMemoryReplayStore(maxProofs = 500_000, maxProofsOfKey = 50_000): ReplayStore {
  let old = newGeneration()
  let young = newGeneration()

  return {
    remember: (keyThumbprint, proofId, endsAt, nowSeconds) => {
      if (nowSeconds >= old.endsAt) {
        old = young
        young = newGeneration()
      }
      // 132 bits of the hash: enough that no two proofs share them, and half of the memory.
      const proof = proofId.slice(0, 22)
      if (young.proofs.has(proof) || old.proofs.has(proof)) return 'seen'
      const count = young.counts.get(keyThumbprint) ?? 0
      const ofKey = count + (old.counts.get(keyThumbprint) ?? 0)
      if (young.proofs.size + old.proofs.size >= maxProofs || ofKey >= maxProofsOfKey) return 'full'
      young.proofs.add(proof)
      young.counts.set(keyThumbprint, count + 1)
      young.endsAt = Math.max(young.endsAt, endsAt)
      return 'new'
    },
    close: () => Promise.resolve(),
  }
}

function newGeneration(): Generation {
  return { proofs: new Set(), counts: new Map(), endsAt: Number.NEGATIVE_INFINITY }
}
