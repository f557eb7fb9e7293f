import { type BigIntStats, closeSync, type Dir, fstatSync } from 'node:fs'
import {
  errnoOf,
  failureFromSystem,
  FileFailure,
  notADirectory,
  notAFile,
  quoteName,
  symlinkFailure,
} from '../failure.ts'
import { type CallerPath, problemOfName } from './grammar.ts'
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
}

export interface OpenedFile {
  readonly fd: number
  readonly stats: BigIntStats
}

/** What to do about directories that are not there. */
type Missing = 'refuse' | 'create'

/** The caller's own directory is theirs alone; others with an account on the host stay out. */
const ownDirectoryMode = 0o700

/**
 * Opens a regular file for reading. The descriptor is the caller's to close.
 *
 * @throws {FileFailure} `not_found`, `symlink`, `not_a_file`, `not_a_directory`, `io_error`, `busy`
 */
export function openFileForReading(root: Root, path: CallerPath): OpenedFile {
  const parent = openParent(root, path, 'refuse')
  let fd: number
  try {
    fd = openLeaf(parent, path)
  } finally {
    parent.close()
  }
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
  const name = leafOf(path)
  try {
    return parent.openFile(name, readFlags)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw notFound(parent, name, path.text)
    throw failureFromSystem(error, path.text)
  }
}

/** The last component. The root has none, and no tool that needs one accepts the root. */
export function leafOf(path: CallerPath): string {
  const leaf = path.components.at(-1)
  if (leaf === undefined) throw new Error('the root was given where a name below it is needed')
  return leaf
}

/** Opens the directory that holds the last component; with `create`, makes what is missing. */
export function openParent(root: Root, path: CallerPath, missing: Missing): Directory {
  return walkDown(root, path, path.components.length - 1, missing)
}

function openDirectoryAt(root: Root, path: CallerPath): Directory {
  return walkDown(root, path, path.components.length, 'refuse')
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
    return { kind: 'directory', directory: openDirectoryAt(root, path) }
  } catch (error) {
    if (!(error instanceof FileFailure)) throw error
    if (error.code === 'not_found' && path.components.length === 0) return { kind: 'nothing-yet' }
    if (error.code !== 'not_a_directory') throw error
  }
  const parent = openParent(root, path, 'refuse')
  try {
    const stats = lstatLeaf(parent, path)
    if (stats === undefined) throw notFound(parent, leafOf(path), path.text)
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

function walkDown(root: Root, path: CallerPath, count: number, missing: Missing): Directory {
  let current = openRoot(root, path, missing)
  for (let depth = 0; depth < count; depth++) {
    const above = current
    try {
      current = openChild(root, above, path, depth, missing)
    } finally {
      above.close()
    }
  }
  return current
}

function openRoot(root: Root, path: CallerPath, missing: Missing): Directory {
  if (root.ownDirectory === undefined) return root.base
  try {
    if (missing === 'create') makeIfMissing(root.base, root.ownDirectory, ownDirectoryMode)
    return root.base.openDirectory(root.ownDirectory)
  } catch (error) {
    // The name of the caller's own directory is the server's matter, so it is not shown.
    throw failureFromSystem(error, path.text)
  }
}

function openChild(
  root: Root,
  parent: Directory,
  path: CallerPath,
  depth: number,
  missing: Missing,
): Directory {
  const name = path.components[depth]
  if (name === undefined) throw new Error('the walk went past the end of the path')
  const shown = path.components.slice(0, depth + 1).join('/')
  try {
    return parent.openDirectory(name)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' && missing === 'create') return createChild(root, parent, name, shown)
    if (errno === 'ENOENT') throw notFound(parent, name, shown)
    if (errno === 'ENOTDIR') throw linkOrOther(parent, name, shown)
    throw failureFromSystem(error, shown)
  }
}

function createChild(root: Root, parent: Directory, name: string, shown: string): Directory {
  try {
    makeIfMissing(parent, name, root.directoryMode)
    return parent.openDirectory(name)
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') throw linkOrOther(parent, name, shown)
    throw failureFromSystem(error, shown)
  }
}

function makeIfMissing(parent: Directory, name: string, mode: number): void {
  try {
    parent.makeDirectory(name, mode)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

/** O_DIRECTORY with O_NOFOLLOW answers ENOTDIR for links too, so a second look tells them apart. */
function linkOrOther(parent: Directory, name: string, shown: string): FileFailure {
  return parent.lstat(name)?.isSymbolicLink() === true ? symlinkFailure(shown) : notADirectory(shown)
}

/** How many names are looked at for the hint; more would hold up everybody else. */
const namesSearchedForHint = 1000

/**
 * The failure for a missing name, with a hint if the directory has one that only looks the same:
 * composed and decomposed letters, or the narrow space that macOS puts into names of screenshots.
 */
function notFound(parent: Directory, name: string, shown: string): FileFailure {
  const twin = findTwin(parent, name)
  const hint =
    twin === undefined
      ? 'Look at its directory with list_files.'
      : `Its directory has ${spellOut(twin)} (escapes as in JSON), which only looks the same. Use that name.`
  return new FileFailure('not_found', `${quoteName(shown)} does not exist. ${hint}`)
}

function findTwin(parent: Directory, name: string): string | undefined {
  const wanted = name.normalize('NFKC')
  const entries = tryOpenEntries(parent)
  if (entries === undefined) return undefined
  try {
    for (let seen = 0; seen < namesSearchedForHint; seen++) {
      const entry = entries.readSync()
      if (entry === null) return undefined
      if (entry.name === name || entry.name.normalize('NFKC') !== wanted) continue
      if (problemOfName(entry.name) === undefined) return entry.name
    }
  } finally {
    entries.closeSync()
  }
  return undefined
}

function tryOpenEntries(directory: Directory): Dir | undefined {
  try {
    return directory.openEntries()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined // A hint is not worth a failure of its own.
  }
}

/** A name in ASCII only, as it may be copied into JSON. */
function spellOut(name: string): string {
  return JSON.stringify(name).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
