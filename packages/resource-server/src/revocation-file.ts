import {
  closeSync,
  fsyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { RevocationIndex, type Revocation, type RevocationStore } from './identity/revocations.ts'

/**
 * Keeps revocations in a file, one JSON object a line, so that they hold after a restart. For one process at a time.
 *
 * The file is made with mode 0600; what is above it is not checked. A last line without its end was never said to hold
 * and is dropped. What is no longer needed, since a later revocation covers it, goes when the file is opened.
 *
 * @throws {Error} when the file cannot be read or written, or holds what is no revocation: to go on without it could let
 *   in what was revoked
 */
export function openRevocationFile(path: string): RevocationStore {
  const index = new RevocationIndex()
  const lines = readLines(path)
  for (const [number, line] of lines.entries()) index.add(parseLine(path, number + 1, line))
  if (lines.length > index.list().length) rewrite(path, index.list())
  const file = openSync(path, 'a', 0o600)
  let size = fstatSync(file).size
  let failure: string | undefined
  let closed = false

  function append(line: string): void {
    // The number of a file that was closed may be that of another one by now.
    if (closed) throw new Error(`The revocation cannot be kept in ${path}, which was closed.`)
    if (failure !== undefined) throw new Error(failure)
    try {
      const bytes = Buffer.from(line)
      for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written)
      fsyncSync(file)
      size += bytes.length
    } catch (error) {
      undo()
      throw new Error(`The revocation cannot be kept in ${path}, so it does not hold.`, { cause: error })
    }
  }

  /** Half a line would join with the next one to something that nobody can read. */
  function undo(): void {
    try {
      ftruncateSync(file, size)
    } catch {
      failure = `${path} ends in half a line that cannot be taken back. Start again to mend it.`
    }
  }

  return {
    revokes: (identity) => index.revokes(identity),
    // oxlint-disable-next-line require-await -- a failure is to be a rejection
    add: async (revocation) => {
      index.checkRoom(revocation)
      append(`${JSON.stringify(revocation)}\n`)
      index.add(revocation)
    },
    list: () => index.list(),
    onAdded: (listener) => index.onAdded(listener),
    close: () => {
      if (!closed) closeSync(file)
      closed = true
      return Promise.resolve()
    },
  }
}

/** The whole lines; half of one at the end is cut off. */
function readLines(path: string): readonly string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) {
    const file = openSync(path, 'r+')
    ftruncateSync(file, Buffer.byteLength(whole))
    closeSync(file)
  }
  return whole.split('\n').slice(0, -1)
}

function parseLine(path: string, number: number, line: string): Revocation {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    // Said below.
  }
  if (isRevocation(value)) return value
  throw new Error(
    `${path}:${number} is not a revocation, so what it revoked is not known. Put the file back from a copy, or remove the line and revoke again.`,
  )
}

const texts = ['issuer', 'subject', 'clientId', 'tokenId'] as const

function isRevocation(value: unknown): value is Revocation {
  if (typeof value !== 'object' || value === null) return false
  const { issuer, issuedUpTo, ...named } = value as Readonly<Record<string, unknown>>
  return (
    typeof issuer === 'string' &&
    typeof issuedUpTo === 'number' &&
    Object.entries(named).every(
      ([name, text]) => texts.some((known) => known === name) && typeof text === 'string',
    )
  )
}

/** Whoever reads it meanwhile, and a crash, finds the old file or the new one. */
function rewrite(path: string, revocations: readonly Revocation[]): void {
  const draft = `${path}.new`
  try {
    const text = revocations.map((revocation) => `${JSON.stringify(revocation)}\n`).join('')
    writeFileSync(draft, text, { mode: 0o600, flush: true })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
