import type { Dir, Dirent } from 'node:fs'
import type { Steps } from '../pace.ts'
import { missedBecauseOf } from './missed.ts'
import { type Directory, entriesAtOnce } from './opener.ts'

/** Where the entries of one directory are, counted from the top of the walk. */
export interface LevelPlace {
  /** Components of the directory's path. */
  readonly depth: number
  /** Bytes of the directory's path with a slash at its end; 0 for the top. */
  readonly pathBytes: number
}

interface Level extends LevelPlace {
  readonly directory: Directory
  readonly entries: Dir
}

/**
 * Meets every name below a directory once, in no order: hidden ones, and those that no path can express.
 *
 * Follows no links. Directories that may not be opened are met and passed over. Goes as deep as the tree does, also
 * below what a path can reach; each level on the way holds two descriptors.
 *
 * @param meet - may remove the name; answers whether to go into it if it is a directory
 */
export function* meetEverything(
  top: Directory,
  meet: (parent: Directory, entry: Dirent, place: LevelPlace) => boolean,
): Steps<void> {
  const levels: Level[] = [{ directory: top, entries: top.openEntries(), depth: 0, pathBytes: 0 }]
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
      } else if (meet(level.directory, entry, level) && entry.isDirectory()) {
        const below = tryOpen(level, entry.name)
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
function tryOpen(above: Level, name: string): Level | undefined {
  let directory: Directory | undefined
  try {
    directory = above.directory.openDirectory(name)
    const pathBytes = above.pathBytes + Buffer.byteLength(name) + 1
    return { directory, entries: directory.openEntries(), depth: above.depth + 1, pathBytes }
  } catch (error) {
    directory?.close()
    missedBecauseOf(error)
    return undefined
  }
}
