import { writeSync } from 'node:fs'
import type { AuditSink } from '../audit.ts'
import { createBatchedSink } from './batched-sink.ts'

/**
 * Records as JSON lines on a descriptor that is open already, such as 2 for standard error.
 *
 * When nobody reads it any more, requests are denied: see the note on {@link AuditSink.available}.
 */
export function createLineSink(descriptor: number): AuditSink {
  return createBatchedSink(
    (lines) => {
      writeAll(descriptor, Buffer.from(`${lines.join('\n')}\n`))
    },
    () => {
      // The place where one would say so is the one that cannot be written to.
    },
  )
}

const pause = new Int32Array(new SharedArrayBuffer(4))
const maxPauses = 200

/** Writes everything, also to a pipe that takes only part of it at a time or is full for a moment. */
export function writeAll(descriptor: number, bytes: Buffer): void {
  let written = 0
  let pauses = 0
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written)
    } catch (error) {
      const full = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
      if (!full || pauses >= maxPauses) throw error
      pauses += 1
      Atomics.wait(pause, 0, 0, 5)
    }
  }
}
