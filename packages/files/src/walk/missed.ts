import { errnoOf } from '../failure.ts'

/** Why a walk passes over a name that it met. */
export type Missed = 'gone' | 'unreadable'

const gone: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])
const outOfDescriptors: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

/**
 * Tells a name that is gone, or has become something else since it was met, from one that may not be opened.
 *
 * @throws the error if it says nothing about the name: descriptors are used up, or the system did not raise it
 */
export function missedBecauseOf(error: unknown): Missed {
  const errno = errnoOf(error)
  if (errno === undefined || outOfDescriptors.has(errno)) throw error
  return gone.has(errno) ? 'gone' : 'unreadable'
}
