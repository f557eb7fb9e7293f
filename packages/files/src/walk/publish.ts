import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fstatSync,
  fsync,
  ftruncateSync,
  write,
  writeFile,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { errnoOf, FileFailure, notAFile, quoteName } from '../failure.ts'
import type { Stoppable } from '../pace.ts'
import { appendFlags, createFlags, type Directory } from './opener.ts'
import { nameTemp } from './temps.ts'

// These take descriptors, never paths: see Directory.
const syncHandle = promisify(fsync)
const writeHandle = promisify(write)
const writeWholeHandle = promisify(writeFile)

export interface NewContent {
  readonly parent: Directory
  readonly name: string
  /** How the caller wrote the path, for messages. */
  readonly shown: string
  readonly bytes: Uint8Array
  /** Permissions of the published file. Until then nobody but its owner can open it. */
  readonly mode: number
  /** Asked for the last time just before the file is published. */
  readonly call: Stoppable
}

/** Throws unless what a name stands for at the last moment is what the caller means to change. */
export type RequireCurrent = (found: BigIntStats | undefined) => void

/**
 * Puts new content under a name that may exist: readers see the old or the new, each whole.
 *
 * @param requireCurrent - given what the new content is about to replace, with no pause in between. Another
 *   process can still come between the two system calls.
 */
export function publishReplacing(content: NewContent, requireCurrent?: RequireCurrent): Promise<BigIntStats> {
  const { parent, name } = content
  return publishTemp(content, (temp) => {
    requireCurrent?.(parent.lstat(name))
    parent.rename(temp, parent, name)
  })
}

/**
 * Puts content under a name that must not exist.
 *
 * @throws the system's `EEXIST` if it does, decided by the system in one step
 */
export async function publishCreating(content: NewContent): Promise<BigIntStats> {
  try {
    return await publishTemp(content, (temp) => {
      content.parent.link(temp, content.parent, content.name)
      content.parent.unlink(temp)
    })
  } catch (error) {
    if (!noHardLinks.has(errnoOf(error) ?? '')) throw error
    return createInPlace(content)
  }
}

/** What disks without hard links (FAT, some network disks) answer to link(2). */
export const noHardLinks: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
])

async function publishTemp(content: NewContent, publish: (temp: string) => void): Promise<BigIntStats> {
  const { parent, bytes, mode, call, shown } = content
  const temp = nameTemp()
  const fd = parent.openFile(temp, createFlags, 0o600)
  let published = false
  try {
    await writeWholeHandle(fd, bytes)
    await syncHandle(fd)
    call.throwIfStopped()
    // From here to the name there is no pause, so the temp does not stand open under the wider mode.
    fchmodSync(fd, mode)
    try {
      publish(temp)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      // The name need not exist, so what is missing is what was about to get it.
      const why = 'was taken away by somebody else while it was written; what was there before is unchanged'
      throw new FileFailure('busy', `The new content of ${quoteName(shown)} ${why}. Try again.`)
    }
    published = true
    // Renaming and linking change the time in the etag, so it is taken only now.
    const stats = fstatSync(fd, { bigint: true })
    await syncDirectory(parent)
    return stats
  } finally {
    closeSync(fd)
    if (!published) removeIfThere(parent, temp)
  }
}

async function createInPlace({ parent, name, bytes, mode, call }: NewContent): Promise<BigIntStats> {
  const fd = parent.openFile(name, createFlags, 0o600)
  let complete = false
  try {
    await writeWholeHandle(fd, bytes)
    fchmodSync(fd, mode)
    await syncHandle(fd)
    call.throwIfStopped()
    complete = true
    await syncDirectory(parent)
    return fstatSync(fd, { bigint: true })
  } finally {
    closeSync(fd)
    if (!complete) removeIfThere(parent, name)
  }
}

export interface AddedContent {
  readonly parent: Directory
  readonly name: string
  readonly bytes: Uint8Array
  /** How the caller wrote the path, for messages. */
  readonly shown: string
  readonly call: Stoppable
}

/**
 * Adds to the end of a regular file in one write.
 *
 * @param requireCurrent - given the open file that is about to grow, with no pause in between
 * @throws the system's `ENOENT` if there is none
 */
export async function appendInPlace(
  content: AddedContent,
  requireCurrent?: RequireCurrent,
): Promise<BigIntStats> {
  const { parent, name, bytes, shown, call } = content
  const fd = parent.openFile(name, appendFlags)
  try {
    const before = fstatSync(fd, { bigint: true })
    if (!before.isFile()) throw notAFile(shown)
    // The other name may lie outside the root: a change in place would reach it.
    if (before.nlink !== 1n) {
      const advice = 'Read it and write it as a whole instead (if_exists "replace").'
      throw new FileFailure('not_a_file', `${quoteName(shown)} has a second name (hard link). ${advice}`)
    }
    requireCurrent?.(before)
    call.throwIfStopped()
    // What was looked at may be another version after a pause, so there the event loop waits for the disk.
    const bytesWritten =
      requireCurrent === undefined ? (await writeHandle(fd, bytes)).bytesWritten : writeSync(fd, bytes)
    if (bytesWritten < bytes.length) {
      takeBack(fd, before.size, bytesWritten)
      throw new FileFailure('io_error', `${quoteName(shown)}: the disk is full; nothing was added.`)
    }
    await syncHandle(fd)
    return fstatSync(fd, { bigint: true })
  } finally {
    closeSync(fd)
  }
}

/** Half an addition is worse than none; but what another process added since is not ours to cut. */
function takeBack(fd: number, sizeBefore: bigint, added: number): void {
  const { size } = fstatSync(fd, { bigint: true })
  if (size === sizeBefore + BigInt(added)) ftruncateSync(fd, Number(sizeBefore))
}

/** Makes new and lost names of a directory durable. */
export async function syncDirectory(directory: Directory): Promise<void> {
  try {
    await syncHandle(directory.fd)
  } catch (error) {
    // Some file systems cannot sync a directory; then the name is as durable as they make it.
    const errno = errnoOf(error)
    if (errno !== 'EINVAL' && errno !== 'ENOTSUP' && errno !== 'EOPNOTSUPP') throw error
  }
}

function removeIfThere(parent: Directory, name: string): void {
  try {
    parent.unlink(name)
  } catch {
    // Already gone, or the disk failed altogether: the error that brought us here is the one to report.
  }
}
