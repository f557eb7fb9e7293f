import type { Dir } from 'node:fs'
import { errnoOf } from '../failure.ts'
import type { Steps } from '../pace.ts'
import { maxComponents, tempPrefix } from './grammar.ts'
import { type Directory, entriesAtOnce } from './opener.ts'
import { isAbandonedTemp } from './publish.ts'

interface Level {
  readonly directory: Directory
  readonly entries: Dir
}

/**
 * Removes temps that killed processes left anywhere below the base. Follows no links.
 *
 * Directories that cannot be opened are passed over. Returns how many temps were removed.
 */
export function* sweepTemps(base: Directory, nowMs: () => number): Steps<number> {
  const levels: Level[] = [{ directory: base, entries: base.openEntries() }]
  let removed = 0
  let seen = 0
  try {
    for (;;) {
      const level = levels.at(-1)
      if (level === undefined) return removed
      if (++seen % entriesAtOnce === 0) yield
      const entry = level.entries.readSync()
      if (entry === null) {
        closeLevel(level)
        levels.pop()
      } else if (entry.name.startsWith(tempPrefix)) {
        if (tryRemove(level.directory, entry.name, nowMs())) removed++
      } else if (levels.length <= maxComponents && !entry.isFile() && !entry.isSymbolicLink()) {
        const below = tryOpen(level.directory, entry.name)
        if (below !== undefined) levels.push(below)
      }
    }
  } finally {
    for (const level of levels) closeLevel(level)
  }
}

function closeLevel({ directory, entries }: Level): void {
  entries.closeSync()
  directory.close()
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

function tryRemove(parent: Directory, name: string, nowMs: number): boolean {
  try {
    const stats = parent.lstat(name)
    if (stats?.isFile() !== true || !isAbandonedTemp(name, nowMs - Number(stats.mtimeMs))) return false
    parent.unlink(name)
    return true
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}
