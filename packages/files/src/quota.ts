import { failureFromSystem, FileFailure } from './failure.ts'
import { runSteps, type Steps, type Stoppable } from './pace.ts'
import { meetEverything } from './walk/everything.ts'
import type { Directory } from './walk/opener.ts'
import { openRootDirectory, type Root } from './walk/walk.ts'

/** What files take: their sizes, and the number of names (files, directories, links). */
export interface Usage {
  readonly bytes: number
  readonly entries: number
}

export interface QuotaLimits {
  readonly maxBytes: number
  readonly maxEntries: number
}

/** How much each root may hold. */
export interface Quota {
  /**
   * Sets room aside, so that writers at once cannot share it. To be settled, whatever comes of the write.
   *
   * What was taken from outside is noticed within a minute, or by the first write that would not fit.
   *
   * @throws {FileFailure} `quota`; whatever the signal was aborted with
   */
  readonly reserve: (root: Root, growth: Usage, signal: AbortSignal) => Promise<Reservation>
  /** Ends counts under way, and resolves when they have let go of the directory. */
  readonly close: () => Promise<void>
}

export interface Reservation {
  /** Replaces what was set aside by what was really taken; negative where room was given back. */
  readonly settle: (taken: Usage) => void
}

export const nothing: Usage = { bytes: 0, entries: 0 }

const unlimited: Quota = {
  reserve: () => Promise.resolve({ settle: () => undefined }),
  close: () => Promise.resolve(),
}

/** @param limits - `undefined` for no quota */
export function createQuota(limits: QuotaLimits | undefined, nowMs: () => number): Quota {
  return limits === undefined ? unlimited : createLimitedQuota(limits, nowMs)
}

function createLimitedQuota(limits: QuotaLimits, nowMs: () => number): Quota {
  const ledgers = new Map<string, Ledger>()
  const closing = new AbortController()
  const whileOpen: Stoppable = { throwIfStopped: () => closing.signal.throwIfAborted() }

  function ledgerOf(root: Root): Ledger {
    let ledger = ledgers.get(root.key)
    if (ledger === undefined) {
      if (ledgers.size >= maxLedgers) forgetIdle(ledgers)
      ledger = new Ledger(root, nowMs, whileOpen)
      ledgers.set(root.key, ledger)
    }
    return ledger
  }

  async function reserve(root: Root, growth: Usage, signal: AbortSignal): Promise<Reservation> {
    const ledger = ledgerOf(root)
    await ledger.enter(signal, (used, ageMs) => ageMs > keepCountMs || !fits(used, growth, limits))
    if (!fits(ledger.used, growth, limits)) {
      ledger.leave(nothing, nothing)
      throw failQuota(ledger.used, growth, limits)
    }
    return { settle: ledger.take(growth) }
  }

  async function close(): Promise<void> {
    closing.abort(new FileFailure('busy', 'The server is shutting down. Try again later.'))
    await Promise.allSettled([...ledgers.values()].flatMap(({ counting }) => counting ?? []))
  }
  return { reserve, close }
}

/** A count may be this old. It is renewed at once, but not more often than every second, where a write would not fit. */
const keepCountMs = 60_000
const leastAgeMs = 1000
/** Counting takes this part of the time at most. */
const countingShare = 100
const maxLedgers = 10_000

/**
 * What one root holds, as counted some time ago and kept up since.
 *
 * Counting and writing exclude each other: a writer at work would be counted in part.
 */
class Ledger {
  readonly #root: Root
  readonly #nowMs: () => number
  readonly #whileOpen: Stoppable
  #used: Usage = nothing
  #countedAtMs = Number.NEGATIVE_INFINITY
  #countTookMs = 0
  #counting: Promise<void> | undefined
  #writers = 0
  #onIdle: (() => void) | undefined

  constructor(root: Root, nowMs: () => number, whileOpen: Stoppable) {
    this.#root = root
    this.#nowMs = nowMs
    this.#whileOpen = whileOpen
  }

  get used(): Usage {
    return this.#used
  }

  get counting(): Promise<void> | undefined {
    return this.#counting
  }

  get idle(): boolean {
    return this.#writers === 0 && this.#counting === undefined
  }

  /** Joins the writers, after a count if the one there is will not do. */
  async enter(signal: AbortSignal, isStale: (used: Usage, ageMs: number) => boolean): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const ageMs = this.#nowMs() - this.#countedAtMs
      const least = Math.max(leastAgeMs, this.#countTookMs * countingShare)
      if (this.#counting === undefined && (ageMs <= least || !isStale(this.#used, ageMs))) break
      await orAborted(this.#startCount(), signal)
    }
    this.#writers++
  }

  /** Sets room aside for a writer who has joined; returns how to settle, which also lets the writer go. */
  take(growth: Usage): (taken: Usage) => void {
    this.#used = add(this.#used, growth)
    return (taken) => this.leave(growth, taken)
  }

  leave(reserved: Usage, taken: Usage): void {
    this.#used = add(this.#used, {
      bytes: taken.bytes - reserved.bytes,
      entries: taken.entries - reserved.entries,
    })
    this.#writers--
    if (this.#writers === 0) this.#onIdle?.()
  }

  /** One count serves all who wait, and goes on when they have given up. */
  #startCount(): Promise<void> {
    this.#counting ??= this.#count().finally(() => (this.#counting = undefined))
    return this.#counting
  }

  async #count(): Promise<void> {
    if (this.#writers > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    this.#onIdle = undefined
    this.#whileOpen.throwIfStopped()
    const startedMs = this.#nowMs()
    const directory = openRootDirectory(this.#root)
    try {
      this.#used = directory === undefined ? nothing : await runSteps(countUsage(directory), this.#whileOpen)
    } catch (error) {
      throw failureFromSystem(error, '')
    } finally {
      directory?.close()
    }
    this.#countedAtMs = this.#nowMs()
    this.#countTookMs = this.#countedAtMs - startedMs
  }
}

function* countUsage(directory: Directory): Steps<Usage> {
  let bytes = 0
  let entries = 0
  yield* meetEverything(directory, (parent, entry) => {
    entries++
    // Room that was promised to a file counts, whether its blocks exist yet or not.
    if (entry.isFile()) bytes += Number(parent.lstat(entry.name)?.size ?? 0)
    return true
  })
  return { bytes, entries }
}

function fits(used: Usage, growth: Usage, limits: QuotaLimits): boolean {
  return (
    (growth.bytes <= 0 || used.bytes + growth.bytes <= limits.maxBytes) &&
    (growth.entries <= 0 || used.entries + growth.entries <= limits.maxEntries)
  )
}

function add(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes + b.bytes, entries: a.entries + b.entries }
}

function failQuota(used: Usage, growth: Usage, limits: QuotaLimits): FileFailure {
  const what =
    growth.bytes > 0 && used.bytes + growth.bytes > limits.maxBytes
      ? `${growth.bytes} more bytes do not fit: ${used.bytes} of ${limits.maxBytes} are used`
      : `${growth.entries} more names do not fit: there are ${used.entries} of ${limits.maxEntries}`
  return new FileFailure('quota', `${what}. Delete what is not needed, or write less.`)
}

function forgetIdle(ledgers: Map<string, Ledger>): void {
  for (const [key, ledger] of ledgers) if (ledger.idle) ledgers.delete(key)
}

function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
