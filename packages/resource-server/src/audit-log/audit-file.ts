import { closeSync, constants, fstatSync, ftruncateSync, lstatSync, openSync, readSync } from 'node:fs'
import type { AuditSink } from '../audit.ts'
import { createBatchedSink } from './batched-sink.ts'
import { formatSeal, parseSeal, textOf } from './chain.ts'
import { writeAll } from './line-sink.ts'

/** Which file keeps the records, and who is told when it cannot. */
export interface AuditFileOptions {
  /** Created with mode 0600 if missing; continued if there. One process writes it. */
  readonly path: string
  /** Told when records cannot be written; requests are denied until they can. */
  readonly onFailure: (reason: string) => void
}

const lookMilliseconds = 1000

/**
 * A hash-chained file of records: each batch of JSON lines is followed by a seal over it and the seal before.
 *
 * Lines that an earlier process left unsealed are sealed first, as they stand. Records are written within 25 ms,
 * through the operating system's cache: a process that is killed loses the records of that time, and a power failure
 * what the system had not written yet.
 *
 * @throws {Error} when the file cannot be opened, or its last seal cannot be found
 */
export function openAuditFile({ path, onFailure }: AuditFileOptions): AuditSink {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags, 0o600)
  let previous: string
  try {
    previous = sealTail(descriptor, path)
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  let size = fstatSync(descriptor).size

  // A file that was moved away is written on unseen; asked for less often, since it takes a walk of the path.
  let lookedAt = Number.NEGATIVE_INFINITY
  function isMoved(ino: number): boolean {
    if (performance.now() - lookedAt < lookMilliseconds) return false
    lookedAt = performance.now()
    return lstatSync(path, { throwIfNoEntry: false })?.ino !== ino
  }

  const sink = createBatchedSink((lines) => {
    const status = fstatSync(descriptor)
    if (status.size !== size || status.nlink === 0 || isMoved(status.ino)) {
      throw new Error(
        `${path} was changed, moved or removed by someone else. Start again with a file that this process has for itself.`,
      )
    }
    const text = textOf(lines) // Encoded once, for the hash and for the file.
    const seal = formatSeal(previous, lines.length, text)
    const bytes = Buffer.concat([text, Buffer.from(`${seal.line}\n`)])
    try {
      writeAll(descriptor, bytes)
    } catch (error) {
      ftruncateSync(descriptor, size) // A full disk may have taken a part of it.
      throw error
    }
    size += bytes.length
    previous = seal.hash
  }, onFailure)

  let closed = false
  return {
    ...sink,
    close: async () => {
      if (closed) return
      closed = true
      await sink.close()
      closeSync(descriptor)
    },
  }
}

/** Finds the last seal, and seals what follows it. */
function sealTail(descriptor: number, path: string): string {
  const status = fstatSync(descriptor)
  if (!status.isFile()) throw new Error(`${path} is not a regular file. Name a file to append to.`)
  const text = readSinceLastSeal(descriptor, status.size)
  if (text === '') return ''
  const lines = text.split('\n')
  const complete = lines.at(-1) === ''
  if (complete) lines.pop()
  const last = lines.findLastIndex((line) => parseSeal(line) !== undefined)
  const previous = parseSeal(lines[last] ?? '')?.hash ?? ''
  const tail = lines.slice(last + 1)
  if (tail.length === 0) return previous
  const seal = formatSeal(previous, tail.length, textOf(tail))
  writeAll(descriptor, Buffer.from(`${complete ? '' : '\n'}${seal.line}\n`))
  return seal.hash
}

/** The end of the file, from a line at or before its last seal; all of it when it has none. */
function readSinceLastSeal(descriptor: number, size: number): string {
  for (let length = 1024 * 1024; ; length *= 4) {
    const start = Math.max(0, size - length)
    const bytes = Buffer.alloc(size - start)
    readSync(descriptor, bytes, 0, bytes.length, start)
    const text = bytes.toString('utf8')
    // The first line may have been cut in two, which is no harm: the seal that is looked for is a whole one.
    if (start === 0 || text.split('\n').some((line) => parseSeal(line) !== undefined)) return text
  }
}
