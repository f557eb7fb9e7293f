import { checkKeys, number, type Kinds } from './unknown-keys.ts'

/** How often something may happen. */
export interface Rate {
  /** How many in each period; a whole number from 1 to 10,000,000. */
  readonly count: number
  /** The period in seconds; 1 to 86,400. */
  readonly perSeconds: number
  /** How many may come at once before the rate applies. Default: `count`. */
  readonly burst?: number
}

/** Whether one more may happen now. */
export interface LimitState {
  readonly allowed: boolean
  /** How many more may come at once. */
  readonly remaining: number
  /** Until all of the burst is there again, in seconds. */
  readonly resetSeconds: number
  /** When refused: until one more is allowed, in seconds. 0 otherwise. */
  readonly retryAfterSeconds: number
  /** Set when nobody could count, and the operator wants nothing to happen uncounted: why. */
  readonly failure?: string
}

/** Counts by key. Answers at once where it counts in memory. */
export interface Limiter {
  readonly rate: Rate
  /** Takes `cost` units for a key, or takes nothing and says when to come back. More than the burst counts as the burst. */
  readonly take: (key: string, cost: number, nowSeconds: number) => LimitState | Promise<LimitState>
}

/** A limiter that counts in this process. */
export interface MemoryLimiter extends Limiter {
  readonly take: (key: string, cost: number, nowSeconds: number) => LimitState
}

const periods: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['sec', 1],
  ['min', 60],
  ['m', 60],
  ['h', 3600],
  ['hour', 3600],
  ['d', 86_400],
  ['day', 86_400],
])

/**
 * Reads a rate as people write it: `600/min`, `10/s`, `1000/h`.
 *
 * @returns `undefined` when it is not one
 */
export function parseRate(text: string): Rate | undefined {
  const [, count, period] = /^([1-9][0-9]{0,7})\/([a-z]+)$/.exec(text) ?? []
  const perSeconds = period === undefined ? undefined : periods.get(period)
  if (count === undefined || perSeconds === undefined || Number(count) > 10_000_000) return undefined
  return { count: Number(count), perSeconds }
}

const rateKinds: Kinds<Rate> = { count: number, perSeconds: number, burst: number }

/** Adds to `problems` what is wrong with a rate. */
export function checkRate(name: string, rate: Rate, problems: string[]): void {
  if (!checkKeys(name, rate, rateKinds, problems)) return
  const { count, perSeconds, burst = 1 } = rate
  if (!Number.isInteger(count) || count < 1 || count > 10_000_000) {
    problems.push(`${name}.count: must be a whole number from 1 to 10000000, and is ${count}.`)
  }
  if (!(perSeconds >= 1 && perSeconds <= 86_400)) {
    problems.push(`${name}.perSeconds: must be 1 to 86400, and is ${perSeconds}.`)
  }
  if (!Number.isInteger(burst) || burst < 1 || burst > 10_000_000) {
    problems.push(`${name}.burst: must be a whole number from 1 to 10000000, and is ${burst}.`)
  }
}

/**
 * A limiter in memory, by the generic cell rate algorithm: one number a key, and no timer.
 *
 * A key that is idle until its burst is whole again costs nothing: it is forgotten when its generation is. Beyond
 * `maxKeys` the longest unused half is forgotten early, which can only allow too much, never refuse too much.
 */
export function createMemoryLimiter(rate: Rate, maxKeys = 100_000): MemoryLimiter {
  const interval = rate.perSeconds / rate.count
  const burst = rate.burst ?? rate.count
  const tolerance = interval * burst
  let young = new Map<string, number>()
  let old = new Map<string, number>()
  let turnAt = Number.NEGATIVE_INFINITY

  return {
    rate,
    take: (key, cost, now) => {
      if (young.size >= maxKeys / 2 || now >= turnAt) {
        // An entry of the older generation has had a whole burst's time to fill up.
        old = young
        young = new Map()
        turnAt = now + tolerance
      }
      // The theoretical arrival time: when the bucket would be whole again.
      const arrival = Math.max(young.get(key) ?? old.get(key) ?? now, now)
      const next = arrival + interval * Math.min(cost, burst)
      const wait = next - now - tolerance
      // Sums of fractions differ from the exact value by less than this.
      if (wait > 1e-9) {
        return {
          allowed: false,
          remaining: Math.floor((tolerance - (arrival - now)) / interval + 1e-9),
          resetSeconds: arrival - now,
          retryAfterSeconds: wait,
        }
      }
      young.set(key, next)
      const used = next - now
      return {
        allowed: true,
        remaining: Math.floor((tolerance - used) / interval + 1e-9),
        resetSeconds: used,
        retryAfterSeconds: 0,
      }
    },
  }
}
