import type { BigIntStats } from 'node:fs'
import { errnoOf, FileFailure, notAFile, quoteName, symlinkFailure } from '../failure.ts'
import type { CallerPath } from './grammar.ts'
import type { Directory } from './opener.ts'
import { noHardLinks } from './publish.ts'
import { leafOf } from './walk.ts'

export interface Moved {
  /** Of the file or directory under its new name. */
  readonly stats: BigIntStats
}

/**
 * Moves a name from one open directory to another, never over anything but, at worst, an empty directory that
 * somebody makes in that moment.
 *
 * A file gets its second name before it loses the first, so that a crash leaves both and loses nothing.
 *
 * @throws {FileFailure} `exists`, `symlink`, `not_a_file`, `conflict`; the system's error
 */
export function moveName(source: Directory, from: CallerPath, target: Directory, to: CallerPath): Moved {
  const stats = requireMovable(source, from)
  const existing = target.lstat(leafOf(to))
  if (existing !== undefined) throw failTaken(to)
  if (stats.isDirectory()) source.rename(leafOf(from), target, leafOf(to))
  else moveRegularFile(source, from, target, to, stats)
  const moved = target.lstat(leafOf(to))
  if (moved === undefined) throw failChanged(to)
  return { stats: moved }
}

function requireMovable(source: Directory, from: CallerPath): BigIntStats {
  const stats = source.lstat(leafOf(from))
  if (stats === undefined) throw failChanged(from)
  if (stats.isSymbolicLink()) throw symlinkFailure(from.text)
  if (!stats.isFile() && !stats.isDirectory()) throw notAFile(from.text)
  return stats
}

function moveRegularFile(
  source: Directory,
  from: CallerPath,
  target: Directory,
  to: CallerPath,
  expected: BigIntStats,
): void {
  const [name, newName] = [leafOf(from), leafOf(to)]
  try {
    source.link(name, target, newName)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') throw failTaken(to)
    if (!noHardLinks.has(errno ?? '')) throw error
    return source.rename(name, target, newName)
  }
  // Another process may have put something else, even a link, in the place of what was looked at.
  if (!isSame(target.lstat(newName), expected)) {
    target.unlink(newName)
    throw failChanged(from)
  }
  try {
    if (isSame(source.lstat(name), expected)) source.unlink(name)
  } catch (error) {
    takeBackLink(source, name, target, newName, expected)
    throw error
  }
}

/** A move that failed leaves one name; but only while the first is there may the second go. */
function takeBackLink(
  source: Directory,
  name: string,
  target: Directory,
  newName: string,
  expected: BigIntStats,
): void {
  try {
    if (!isSame(source.lstat(name), expected) || !isSame(target.lstat(newName), expected)) return
    target.unlink(newName)
  } catch {
    // Two names lose nothing, and the error that brought us here is the one to report.
  }
}

function isSame(found: BigIntStats | undefined, expected: BigIntStats): boolean {
  return found?.ino === expected.ino && found.dev === expected.dev
}

function failTaken(to: CallerPath): FileFailure {
  const advice = 'Choose another path, or delete what is there first.'
  return new FileFailure('exists', `${quoteName(to.text)} exists already. ${advice}`)
}

function failChanged(path: CallerPath): FileFailure {
  const what = 'was changed by somebody else meanwhile'
  return new FileFailure('conflict', `${quoteName(path.text)} ${what}. Look at it with list_files.`)
}
