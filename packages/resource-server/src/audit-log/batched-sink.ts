import type { AuditSink } from '../audit.ts'

const flushMilliseconds = 25
const flushLines = 256
const retryMilliseconds = 1000
const maxWaitingLines = 20_000

/** Writes lines that belong together. Throws when it could not write any of them. */
export type WriteBatch = (lines: readonly string[]) => void

/**
 * Collects records and writes them in batches: every 25 ms, or every 256 lines.
 *
 * After a failed write it is unavailable, so that requests are denied, until a retry each second has written what
 * waits. At most 20,000 lines wait; what comes beyond is counted, and the count is recorded. A closed sink is
 * unavailable too, and takes nothing.
 *
 * @param onFailure - told once for each run of failures, never with a record's content
 */
export function createBatchedSink(writeBatch: WriteBatch, onFailure: (reason: string) => void): AuditSink {
  let waiting: string[] = []
  let dropped = 0
  let failing = false
  let closed = false
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length === 0) return
    if (dropped > 0) {
      waiting.push(`{"kind":"dropped","time":"${new Date().toISOString()}","records":${dropped}}`)
    }
    try {
      writeBatch(waiting)
      waiting = []
      dropped = 0
      failing = false
    } catch (error) {
      if (dropped > 0) waiting.pop()
      if (!failing) onFailure(error instanceof Error ? error.message : String(error))
      failing = true
      schedule(retryMilliseconds)
    }
  }

  function schedule(milliseconds: number): void {
    timer ??= setTimeout(flush, milliseconds).unref()
  }

  return {
    write: (line) => {
      // Afterwards the descriptor may be somebody else's.
      if (closed) return
      if (waiting.length >= maxWaitingLines) {
        dropped += 1
        return
      }
      waiting.push(line)
      if (waiting.length >= flushLines && !failing) flush()
      else schedule(flushMilliseconds)
    },
    available: () => !failing && !closed,
    close: async () => {
      if (closed) return
      closed = true
      flush()
      clearTimeout(timer)
    },
  }
}
