import type { Identity } from './identity.ts'
import type { RevocationStore } from './revocations.ts'

/** Why an identity is no longer good for what it opened. */
export type WatchEnd = 'expired' | 'revoked'

/**
 * Calls `onEnd` once, when the identity's token is no longer accepted. Returns what stops watching.
 *
 * For what outlives its request, such as an open stream (requirements D9, E13). What an issuer says of the token
 * meanwhile (introspection) is not asked.
 */
export type WatchIdentity = (identity: Identity, onEnd: (reason: WatchEnd) => void) => () => void

// Node takes no longer time than this, about 24 days, and fires at once for one.
const longestMilliseconds = 2 ** 31 - 1

/**
 * Watches for the end of tokens by the clock, `exp` plus the tolerance, as requests are judged; and by revocation, which
 * is told within the turn in which it begins to hold.
 */
export function createWatch(
  nowSeconds: () => number,
  clockToleranceSeconds: number,
  revocations: Pick<RevocationStore, 'revokes' | 'onAdded'>,
): WatchIdentity {
  return (identity, onEnd) => {
    let timer: NodeJS.Timeout
    const stop = (): void => {
      clearTimeout(timer)
      forget()
    }
    const end = (reason: WatchEnd): void => {
      stop()
      onEnd(reason)
    }
    const judge = (): void => {
      if (isRevoked(identity, revocations)) return end('revoked')
      const leftSeconds = identity.expiresAt + clockToleranceSeconds - nowSeconds()
      if (leftSeconds <= 0) return end('expired')
      clearTimeout(timer)
      timer = setTimeout(judge, Math.min(Math.ceil(leftSeconds * 1000), longestMilliseconds)).unref()
    }
    const forget = revocations.onAdded(judge)
    // Not within this call: the caller may not have what it needs to end yet.
    timer = setTimeout(judge, 0).unref()
    return stop
  }
}

/** While revocations cannot be looked up nothing is granted, and nothing stays open either. */
function isRevoked(identity: Identity, revocations: Pick<RevocationStore, 'revokes'>): boolean {
  try {
    return revocations.revokes(identity)
  } catch {
    return true
  }
}
