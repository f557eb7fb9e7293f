import { closeSync, fchmodSync, fsync, readSync, fstatSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { errnoOf } from '../failure.ts'
import { maxComponents, problemOfName } from './grammar.ts'
import { createFlags, type Directory, readFlags } from './opener.ts'
import { syncDirectory } from './publish.ts'
import { nameTemp } from './temps.ts'

/** What new users find in their root: read once, at start, so that copying needs no path outside the base. */
export type Skeleton = readonly SkeletonEntry[]

type SkeletonEntry =
  | { readonly kind: 'file'; readonly name: string; readonly mode: number; readonly bytes: Buffer }
  | { readonly kind: 'directory'; readonly name: string; readonly mode: number; readonly entries: Skeleton }

export const maxSkeletonEntries = 1000
export const maxSkeletonBytes = 16_777_216

const syncHandle = promisify(fsync)

/**
 * Reads the operator's directory whole.
 *
 * @throws {Error} for what cannot be copied: links, devices, names that no path can express, too much of it
 */
export function readSkeleton(top: Directory): Skeleton {
  const left = { entries: maxSkeletonEntries, bytes: maxSkeletonBytes }
  return readLevel(top, '', left)
}

function readLevel(directory: Directory, prefix: string, left: { entries: number; bytes: number }): Skeleton {
  const names = directory.openEntries()
  const found: string[] = []
  try {
    for (let entry = names.readSync(); entry !== null; entry = names.readSync()) {
      if (--left.entries < 0) throw new Error(`holds more than ${maxSkeletonEntries} names`)
      found.push(entry.name)
    }
  } finally {
    names.closeSync()
  }
  return found.toSorted().map((name) => readEntry(directory, name, prefix + name, left))
}

function readEntry(
  parent: Directory,
  name: string,
  shown: string,
  left: { entries: number; bytes: number },
): SkeletonEntry {
  const problem = problemOfName(name)
  if (problem !== undefined) throw new Error(`has ${JSON.stringify(shown)}, which ${problem}`)
  if (shown.split('/').length > maxComponents) throw new Error(`is more than ${maxComponents} levels deep`)
  const stats = parent.lstat(name)
  const mode = Number(stats?.mode ?? 0) & 0o777
  if (stats?.isDirectory() === true) {
    const directory = parent.openDirectory(name)
    try {
      return {
        kind: 'directory',
        name,
        mode: mode | 0o700,
        entries: readLevel(directory, `${shown}/`, left),
      }
    } finally {
      directory.close()
    }
  }
  if (stats?.isFile() !== true) {
    throw new Error(`has ${JSON.stringify(shown)}, which is neither a file nor a directory`)
  }
  return { kind: 'file', name, mode: mode | 0o600, bytes: readBytes(parent, name, left) }
}

function readBytes(parent: Directory, name: string, left: { bytes: number }): Buffer {
  const fd = parent.openFile(name, readFlags)
  try {
    const { size } = fstatSync(fd)
    left.bytes -= size
    if (left.bytes < 0) throw new Error(`holds more than ${maxSkeletonBytes} bytes`)
    const bytes = Buffer.alloc(size)
    let filled = 0
    while (filled < size) {
      const count = readSync(fd, bytes, filled, size - filled, filled)
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes a user's root from the skeleton, whole or not at all. Does nothing if the root is there.
 *
 * @throws the system's error
 */
export async function publishSkeleton(base: Directory, name: string, skeleton: Skeleton): Promise<void> {
  if (base.lstat(name) !== undefined) return
  const temp = nameTemp()
  base.makeDirectory(temp, 0o700)
  let published = false
  try {
    const directory = base.openDirectory(temp)
    try {
      await fill(directory, skeleton)
    } finally {
      directory.close()
    }
    // A root that another process has made meanwhile is not empty, so it is not replaced.
    base.rename(temp, base, name)
    published = true
    await syncDirectory(base)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'ENOTEMPTY' && errno !== 'EEXIST') throw error
  } finally {
    if (!published) removeTree(base, temp)
  }
}

async function fill(directory: Directory, entries: Skeleton): Promise<void> {
  for (const entry of entries) {
    if (entry.kind === 'file') {
      await fillFile(directory, entry)
    } else {
      directory.makeDirectory(entry.name, entry.mode)
      const below = directory.openDirectory(entry.name)
      try {
        await fill(below, entry.entries)
      } finally {
        below.close()
      }
    }
  }
  await syncDirectory(directory)
}

async function fillFile(directory: Directory, { name, mode, bytes }: SkeletonEntry & { kind: 'file' }) {
  const fd = directory.openFile(name, createFlags, 0o600)
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    fchmodSync(fd, mode)
    await syncHandle(fd)
  } finally {
    closeSync(fd)
  }
}

/** Removes a directory of ours with all that is in it. Follows no links. */
export function removeTree(parent: Directory, name: string): void {
  const directory = parent.openDirectory(name)
  try {
    const entries = directory.openEntries()
    try {
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
        if (entry.isDirectory()) removeTree(directory, entry.name)
        else directory.unlink(entry.name)
      }
    } finally {
      entries.closeSync()
    }
  } finally {
    directory.close()
  }
  parent.removeDirectory(name)
}
