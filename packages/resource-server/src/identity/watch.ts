import type { Identity } from './identity.ts'

/** Why an identity is no longer good for what it opened. */
export type WatchEnd = 'expired' | 'revoked'

/**
 * Calls `onEnd` once, when the identity's token is no longer accepted. Returns what stops watching.
 *
 * For what outlives its request, such as an open stream (requirement E13).
 */
export type WatchIdentity = (identity: Identity, onEnd: (reason: WatchEnd) => void) => () => void

// Node takes no longer time than this, about 24 days, and fires at once for one.
const longestMilliseconds = 2 ** 31 - 1

/** Watches for the end of tokens by the clock: `exp` plus the tolerance, as requests are judged. */
export function createWatch(nowSeconds: () => number, clockToleranceSeconds: number): WatchIdentity {
  return (identity, onEnd) => {
    let timer: NodeJS.Timeout
    const wait = (): void => {
      const leftSeconds = identity.expiresAt + clockToleranceSeconds - nowSeconds()
      if (leftSeconds <= 0) return onEnd('expired')
      timer = setTimeout(wait, Math.min(Math.ceil(leftSeconds * 1000), longestMilliseconds)).unref()
    }
    timer = setTimeout(wait, 0).unref()
    return () => clearTimeout(timer)
  }
}
