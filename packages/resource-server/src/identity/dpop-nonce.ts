import { createHmac, timingSafeEqual } from 'node:crypto'

/** `ending`: still accepted, and time to hand out the next one. */
export type NonceAge = 'current' | 'ending' | 'unknown'

/** Values that a server hands out and that proofs must repeat, so that proofs cannot be made long beforehand. */
export interface Nonces {
  readonly current: (nowSeconds: number) => string
  readonly judge: (nonce: unknown, nowSeconds: number) => NonceAge
}

/**
 * Nonces without a memory: one for each period, made from the secret and the number of the period. So every instance
 * with the same secret accepts what another handed out. Each is accepted in its own period, the one before, since clocks
 * differ, and the one after.
 *
 * @see RFC 9449 §8, §9
 */
export function createNonces(secret: string | Buffer, periodSeconds: number): Nonces {
  let period = Number.NaN
  let known: { readonly last: string; readonly current: string; readonly next: string }

  function nonceOf(number: number): string {
    return createHmac('sha256', secret).update(`doorman-dpop-nonce:${number}`).digest('base64url')
  }

  function noncesAt(now: number): typeof known {
    const number = Math.floor(now / periodSeconds)
    if (number !== period) {
      period = number
      known = { last: nonceOf(number - 1), current: nonceOf(number), next: nonceOf(number + 1) }
    }
    return known
  }

  return {
    current: (now) => noncesAt(now).current,
    judge: (nonce, now) => {
      if (typeof nonce !== 'string') return 'unknown'
      const { last, current, next } = noncesAt(now)
      if (same(nonce, current) || same(nonce, next)) return 'current'
      return same(nonce, last) ? 'ending' : 'unknown'
    },
  }
}

function same(nonce: string, expected: string): boolean {
  const [given, wanted] = [Buffer.from(nonce), Buffer.from(expected)]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
