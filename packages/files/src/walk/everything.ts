import type { Dir, Dirent } from 'node:fs'
import { errnoOf } from '../failure.ts'
import type { Steps } from '../pace.ts'
import { maxComponents } from './grammar.ts'
import { type Directory, entriesAtOnce } from './opener.ts'

interface Level {
  readonly directory: Directory
  readonly entries: Dir
}

/**
 * Meets every name below a directory once, in no order: hidden ones, and those that no path can express.
 *
 * Follows no links. Directories that cannot be opened are met and passed over, as is what lies deeper than a
 * path can reach.
 *
 * @param meet - may remove the name; answers whether to go into it if it is a directory
 */
export function* meetEverything(
  top: Directory,
  meet: (parent: Directory, entry: Dirent) => boolean,
): Steps<void> {
  const levels: Level[] = [{ directory: top, entries: top.openEntries() }]
  let seen = 0
  try {
    for (;;) {
      const level = levels.at(-1)
      if (level === undefined) return
      if (++seen % entriesAtOnce === 0) yield
      const entry = level.entries.readSync()
      if (entry === null) {
        levels.pop()
        closeLevel(level, top)
      } else if (meet(level.directory, entry) && entry.isDirectory() && levels.length <= maxComponents) {
        const below = tryOpen(level.directory, entry.name)
        if (below !== undefined) levels.push(below)
      }
    }
  } finally {
    for (const level of levels) closeLevel(level, top)
  }
}

/** The top is not ours to close. */
function closeLevel({ directory, entries }: Level, top: Directory): void {
  entries.closeSync()
  if (directory !== top) directory.close()
}

/** Undefined for what is no directory after all, is gone, or may not be read. */
function tryOpen(parent: Directory, name: string): Level | undefined {
  let directory: Directory | undefined
  try {
    directory = parent.openDirectory(name)
    return { directory, entries: directory.openEntries() }
  } catch (error) {
    directory?.close()
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
