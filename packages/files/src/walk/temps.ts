import { hash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { errnoOf } from '../failure.ts'
import { tempPrefix } from './grammar.ts'

/** Told apart from temps of other processes, and of earlier ones that had our process id. */
const processTag = randomBytes(6).toString('hex')

const nowhere = '0'.repeat(12)
/** Where process ids mean what they mean to us; undefined where that cannot be found out. */
const here = readPlace()

/** A name for what is not published yet: short and of one length, so that names of 255 bytes can be replaced too. */
export function nameTemp(): string {
  const unique = randomBytes(6).toString('hex')
  return `${tempPrefix}${process.pid}-${here ?? nowhere}-${processTag}-${unique}`
}

/**
 * Whether a temp was left by a process that ended before it could publish or remove it.
 *
 * Of a process on another machine or in another container nothing can be asked, so its temps must be old. That is
 * judged by the time of the last change, which the disk gives.
 */
export function isAbandonedTemp(name: string, ageMs: number): boolean {
  const [pid, place, tag] = name.slice(tempPrefix.length).split('-')
  if (tag === processTag) return false
  // By now the process id may have come to mean another process.
  if (ageMs > longestWriteMs) return true
  if (here === undefined || place !== here) return false
  // A new process sometimes gets the id of the one before it.
  return Number(pid) === process.pid || !isRunning(Number(pid))
}

/** Of calls, whose limit is ten minutes at most, with a margin for slow disks and clocks that differ. */
const longestWriteMs = 1_200_000

/** One boot of one machine, and in it one namespace of process ids: containers have their own. */
function readPlace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')
    return hash('sha256', `${boot} ${readlinkSync('/proc/self/ns/pid')}`).slice(0, nowhere.length)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined // No /proc, or one that may not be read.
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0) // Signal 0 asks only whether it is there.
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}
