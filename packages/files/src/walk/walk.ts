import { type BigIntStats, closeSync, fstatSync } from 'node:fs'
import {
  errnoOf,
  failureFromSystem,
  FileFailure,
  notADirectory,
  notAFile,
  symlinkFailure,
} from '../failure.ts'
import type { Deny } from './deny.ts'
import { type CallerPath, lastOf } from './grammar.ts'
import type { MadeDirectories } from './made-directories.ts'
import { notFound } from './not-found.ts'
import { type Directory, readFlags } from './opener.ts'

/** The directory that one caller sees as their root. */
export interface Root {
  /** Tells one root from another in keys of locks and in cursors. */
  readonly key: string
  readonly base: Directory
  /** The child of the base that is this caller's own; undefined where the base is the root. */
  readonly ownDirectory: string | undefined
  /** Permissions of directories that a write makes, before the process's umask. */
  readonly directoryMode: number
  /** What the operator hides below this root. */
  readonly deny: Deny | undefined
}

export interface OpenedFile {
  readonly fd: number
  readonly stats: BigIntStats
}

/** The caller's own directory is theirs alone; others with an account on the host stay out. */
const ownDirectoryMode = 0o700

/**
 * Opens a regular file for reading. The descriptor is the caller's to close.
 *
 * @throws {FileFailure} `not_found`, `symlink`, `not_a_file`, `not_a_directory`, `io_error`, `busy`
 */
export function openFileForReading(root: Root, path: CallerPath): OpenedFile {
  const parent = openParent(root, path)
  try {
    return openFileIn(parent, path)
  } finally {
    parent.close()
  }
}

/** The same, where the directory that holds the file is open already. */
export function openFileIn(parent: Directory, path: CallerPath): OpenedFile {
  const fd = openLeaf(parent, path)
  try {
    const stats = fstatSync(fd, { bigint: true })
    if (!stats.isFile()) throw notAFile(path.text)
    return { fd, stats }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function openLeaf(parent: Directory, path: CallerPath): number {
  try {
    return parent.openFile(leafOf(path), readFlags)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw notFound(parent, path.components)
    throw failureFromSystem(error, path.text)
  }
}

/** The last component. */
export function leafOf(path: CallerPath): string {
  return lastOf(path.components)
}

/** Opens the directory that holds the last component. Given where to note them, makes the missing ones. */
export function openParent(root: Root, path: CallerPath, made?: MadeDirectories): Directory {
  return walkDown(root, path, path.components.length - 1, made)
}

/** Opens the caller's root itself; undefined while it does not exist. */
export function openRootDirectory(root: Root): Directory | undefined {
  if (root.ownDirectory === undefined) return root.base
  try {
    return root.base.openDirectory(root.ownDirectory)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw failureFromSystem(error, '')
  }
}

/** What is at a path that was asked to be listed. A directory is the caller's to close. */
export type Listed =
  | { readonly kind: 'directory'; readonly directory: Directory }
  | { readonly kind: 'entry'; readonly stats: BigIntStats }
  | { readonly kind: 'nothing-yet' }

/**
 * Opens a directory for listing, or looks at the one entry that is there instead.
 *
 * The caller's own root may not exist before their first write; it is empty then, not missing.
 */
export function openForListing(root: Root, path: CallerPath): Listed {
  try {
    return { kind: 'directory', directory: walkDown(root, path, path.components.length) }
  } catch (error) {
    if (!(error instanceof FileFailure)) throw error
    if (error.code === 'not_found' && path.components.length === 0) return { kind: 'nothing-yet' }
    if (error.code !== 'not_a_directory') throw error
  }
  const parent = openParent(root, path)
  try {
    const stats = requireLeaf(parent, path)
    if (stats.isSymbolicLink()) throw symlinkFailure(path.text)
    return { kind: 'entry', stats }
  } finally {
    parent.close()
  }
}

/** Looks at the last component without following it; undefined if it is not there. */
export function lstatLeaf(parent: Directory, path: CallerPath): BigIntStats | undefined {
  try {
    return parent.lstat(leafOf(path))
  } catch (error) {
    throw failureFromSystem(error, path.text)
  }
}

/** The same from the root down; undefined also where a directory on the way is missing. */
export function lstatIfThere(root: Root, path: CallerPath): BigIntStats | undefined {
  let parent: Directory | undefined
  try {
    parent = openParent(root, path)
    return lstatLeaf(parent, path)
  } catch (error) {
    if (error instanceof FileFailure && error.code === 'not_found') return undefined
    throw error
  } finally {
    parent?.close()
  }
}

/** The same for what must be there. @throws {FileFailure} `not_found` */
export function requireLeaf(parent: Directory, path: CallerPath): BigIntStats {
  const stats = lstatLeaf(parent, path)
  if (stats === undefined) throw notFound(parent, path.components)
  return stats
}

function walkDown(root: Root, path: CallerPath, count: number, made?: MadeDirectories): Directory {
  let current = openRoot(root, path, made)
  for (let depth = 0; depth < count; depth++) {
    const above = current
    const before = made?.count
    try {
      current = openChild(root, above, path.components.slice(0, depth + 1), made)
    } finally {
      // The parent of a new directory is kept with it.
      if (made?.count === before) above.close()
    }
  }
  return current
}

function openRoot(root: Root, path: CallerPath, made?: MadeDirectories): Directory {
  if (root.ownDirectory === undefined) return root.base
  try {
    made?.make(root.base, root.ownDirectory, ownDirectoryMode)
    return root.base.openDirectory(root.ownDirectory)
  } catch (error) {
    // The name of the caller's own directory is the server's matter, so it is not shown.
    throw failureFromSystem(error, path.text)
  }
}

function openChild(
  root: Root,
  parent: Directory,
  components: readonly string[],
  made?: MadeDirectories,
): Directory {
  const name = lastOf(components)
  try {
    return parent.openDirectory(name)
  } catch (error) {
    const errno = errnoOf(error)
    const shown = components.join('/')
    if (errno === 'ENOENT' && made !== undefined) return createChild(root, parent, name, shown, made)
    if (errno === 'ENOENT') throw notFound(parent, components)
    if (errno === 'ENOTDIR') throw linkOrOther(parent, name, shown)
    throw failureFromSystem(error, shown)
  }
}

function createChild(
  root: Root,
  parent: Directory,
  name: string,
  shown: string,
  made: MadeDirectories,
): Directory {
  try {
    made.make(parent, name, root.directoryMode)
    return parent.openDirectory(name)
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') throw linkOrOther(parent, name, shown)
    throw failureFromSystem(error, shown)
  }
}

/** O_DIRECTORY with O_NOFOLLOW answers ENOTDIR for links too, so a second look tells them apart. */
function linkOrOther(parent: Directory, name: string, shown: string): FileFailure {
  return parent.lstat(name)?.isSymbolicLink() === true ? symlinkFailure(shown) : notADirectory(shown)
}
