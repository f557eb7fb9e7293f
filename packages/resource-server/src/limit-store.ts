import { createMemoryLimiter, type Limiter, type LimitState, type Rate } from './limits.ts'
import { callable, checkKeys, members, number, oneOf, type Kinds } from './unknown-keys.ts'

/** Counts for several processes together, as a database does. */
export interface LimitStore {
  /**
   * One atomic step of the generic cell rate algorithm: takes `cost` units for the key, or takes nothing.
   *
   * Forgets a key once its burst is whole again. Rejects when it cannot tell.
   *
   * @param limit - which limit: `caller`, `address`, or `rule:` and the rule's id; keys of two limits never meet
   * @param cost - at most the burst
   */
  readonly take: (limit: string, key: string, cost: number, rate: Rate) => Promise<LimitState>
}

/** Which store counts, and what happens while it does not. */
export interface LimitStoreOptions {
  /** What counts. Its own connection and keys are the caller's to look after. */
  readonly store: LimitStore
  /**
   * What happens while the store fails. `closed`: requests are answered 503. `open`: each process counts for itself,
   * so that a limit lets through at most as often as there are processes.
   */
  readonly whenDown: 'open' | 'closed'
  /** Longest wait for one answer, in milliseconds; 1 to 10,000. Default: 250. */
  readonly timeoutMilliseconds?: number
  /** Told once for each run of failures. Default: nobody. */
  readonly onFailure?: (reason: string) => void
}

const kinds: Kinds<LimitStoreOptions> = {
  store: members,
  whenDown: oneOf('open', 'closed'),
  timeoutMilliseconds: number,
  onFailure: callable,
}

/** Adds to `problems` what is wrong with the options, and tells whether they can be used. */
export function checkLimitStore(options: LimitStoreOptions, problems: string[]): boolean {
  if (!checkKeys('limitStore', options, kinds, problems)) return false
  const { store, whenDown, timeoutMilliseconds = 250 } = options
  const before = problems.length
  // Absent in plain JavaScript, both would only be noticed by the first request.
  if (typeof (store as LimitStore | undefined)?.take !== 'function') {
    problems.push('limitStore.store: must have a function take.')
  }
  if ((whenDown as string | undefined) === undefined) {
    problems.push('limitStore.whenDown: is missing. Write "open" or "closed".')
  }
  if (!(timeoutMilliseconds >= 1 && timeoutMilliseconds <= 10_000)) {
    problems.push(`limitStore.timeoutMilliseconds: must be 1 to 10000, and is ${timeoutMilliseconds}.`)
  }
  return problems.length === before
}

/** Builds limiters that share a store, and its state: whether it answers. */
export function createStoredLimiters(options: LimitStoreOptions): (name: string, rate: Rate) => Limiter {
  const { store, whenDown, timeoutMilliseconds = 250, onFailure } = options
  let failing = false

  return (name, rate) => {
    const local = createMemoryLimiter(rate)
    const most = rate.burst ?? rate.count
    return {
      rate,
      take: async (key, cost, nowSeconds) => {
        try {
          const state = await inTime(store.take(name, key, Math.min(cost, most), rate), timeoutMilliseconds)
          failing = false
          return state
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          if (!failing) onFailure?.(reason)
          failing = true
          if (whenDown === 'open') return local.take(key, cost, nowSeconds)
          return { allowed: false, remaining: 0, resetSeconds: 1, retryAfterSeconds: 1, failure: reason }
        }
      },
    }
  }
}

async function inTime<T>(pending: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([pending, late])
  } finally {
    clearTimeout(timer)
  }
}
