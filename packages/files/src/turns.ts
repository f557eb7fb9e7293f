import { FileFailure } from './failure.ts'

/** Hands out turns by key: so many at once, so many more in a queue, the rest refused. */
export interface Turns {
  /** Takes a turn if one is free now. */
  readonly tryTake: (key: string) => boolean
  /**
   * Waits for a turn, first come, first served.
   *
   * @throws {FileFailure} `busy` if the queue is full, or whatever the signal was aborted with
   */
  readonly take: (key: string, signal: AbortSignal) => Promise<void>
  /** Gives a taken turn to the next in the queue. */
  readonly give: (key: string) => void
}

interface Line {
  taken: number
  readonly waiting: Array<() => void>
}

export function createTurns(limits: { readonly atOnce: number; readonly waiting: number }): Turns {
  // A key is in the map only while somebody has a turn, so idle callers cost nothing.
  const lines = new Map<string, Line>()

  function tryTake(key: string): boolean {
    const line = lines.get(key)
    if (line === undefined) {
      lines.set(key, { taken: 1, waiting: [] })
      return true
    }
    if (line.taken >= limits.atOnce) return false
    line.taken++
    return true
  }

  function take(key: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (tryTake(key)) return resolve()
      const waiting = lines.get(key)?.waiting ?? []
      if (waiting.length >= limits.waiting) {
        throw new FileFailure('busy', 'Too many of your calls are waiting already. Try again shortly.')
      }
      const goOn = (): void => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(goOn), 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      waiting.push(goOn)
    })
  }

  function give(key: string): void {
    const line = lines.get(key)
    if (line === undefined) throw new Error('a turn was given back that nobody had taken')
    const next = line.waiting.shift()
    if (next !== undefined) return next()
    line.taken--
    if (line.taken === 0) lines.delete(key)
  }

  return { tryTake, take, give }
}
