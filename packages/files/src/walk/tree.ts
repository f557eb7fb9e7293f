import type { BigIntStats, Dirent } from 'node:fs'
import { errnoOf } from '../failure.ts'
import type { Steps } from '../pace.ts'
import type { Deny } from './deny.ts'
import { type CallerPath, isReservedName, problemOfName } from './grammar.ts'
import { missedBecauseOf } from './missed.ts'
import type { Directory } from './opener.ts'

/** What a walk over a tree does with the names it meets, in order. */
export interface TreeVisitor {
  /** Whether the name is worth keeping: it will be shown, or entered. */
  readonly wants: (entry: TreeEntry) => boolean
  /** Called in order for what is wanted. Answers whether to go on. */
  readonly visit: (parent: Directory, entry: TreeEntry) => boolean | Steps<boolean>
  /** Called for names that no path can express, such as those with a newline. */
  readonly leaveOut: (parent: readonly string[]) => void
  /** Called after `visit` for directories that may not be opened. */
  readonly cannotEnter: (entry: TreeEntry) => void
}

export interface TreeEntry {
  /** The names from the top of the walk down. */
  readonly components: readonly string[]
  readonly isDirectory: boolean
  readonly isFile: boolean
}

export interface TreeRange {
  /** Levels below the top that are looked at; 1 is the top's own entries. */
  readonly depth: number
  /** Start after this place. */
  readonly after: readonly string[] | undefined
  /** Names that are kept in memory at a time for each level. */
  readonly namesAtOnce: number
  /** What is passed over as if it were not there. */
  readonly hides: (components: readonly string[]) => boolean
}

/** Entries looked at before others get a turn: few, since rules and globs may take a tenth of a millisecond each. */
const entriesBetweenTurns = 16

/** The operator's rule, for names that are counted from a path instead of the root. */
export function hidesBelow(
  { components: above }: CallerPath,
  deny: Deny | undefined,
): (components: readonly string[]) => boolean {
  if (deny === undefined) return () => false
  return (components) => deny.hides([...above, ...components])
}

/** Undefined if it is gone since it was met, or lies in a directory that may only be read. */
export function lstatMet(parent: Directory, name: string): BigIntStats | undefined {
  try {
    return parent.lstat(name)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

/**
 * Visits what lies below a directory: names in order of their code units, a directory's content directly
 * after it. The order depends on names alone, so a walk may go on after any place, even one that is gone.
 *
 * Links are visited and not entered. Directories that may not be opened are visited and passed over.
 * Returns false if the visitor stopped it.
 */
export function* walkTree(directory: Directory, range: TreeRange, visitor: TreeVisitor): Steps<boolean> {
  return yield* walkLevel(directory, [], range, visitor)
}

function* walkLevel(
  directory: Directory,
  prefix: readonly string[],
  range: TreeRange,
  visitor: TreeVisitor,
): Steps<boolean> {
  let after = range.after?.[0]
  if (after !== undefined) {
    // Places inside the directory where the last walk stopped come before its next sibling.
    const rest = range.after?.slice(1) ?? []
    const entry: TreeEntry = { components: [...prefix, after], isDirectory: true, isFile: false }
    if (!(yield* enter(directory, entry, { ...range, after: rest }, visitor))) return false
  }
  for (;;) {
    const { entries, more } = yield* readEntriesAfter(directory, prefix, after, range, visitor)
    for (const [at, found] of entries.entries()) {
      if ((at + 1) % entriesBetweenTurns === 0) yield
      const entry = describe(prefix, found)
      const going = visitor.visit(directory, entry)
      if (!(typeof going === 'boolean' ? going : yield* going)) return false
      if (!(yield* enter(directory, entry, { ...range, after: undefined }, visitor))) return false
    }
    if (!more) return true
    after = entries.at(-1)?.name
  }
}

function* enter(parent: Directory, entry: TreeEntry, range: TreeRange, visitor: TreeVisitor): Steps<boolean> {
  const name = entry.components.at(-1)
  if (range.depth <= 1 || !entry.isDirectory || name === undefined) return true
  if (range.hides(entry.components) || !visitor.wants(entry)) return true
  let directory: Directory
  try {
    directory = parent.openDirectory(name)
  } catch (error) {
    if (missedBecauseOf(error) === 'unreadable') visitor.cannotEnter(entry)
    return true
  }
  try {
    return yield* walkLevel(directory, entry.components, { ...range, depth: range.depth - 1 }, visitor)
  } finally {
    directory.close()
  }
}

/**
 * The first `count` wanted entries after a name, in order, and whether there may be more.
 *
 * Keeps twice as many in memory at most, however many the directory has.
 */
function* readEntriesAfter(
  directory: Directory,
  prefix: readonly string[],
  after: string | undefined,
  { namesAtOnce: count, hides }: TreeRange,
  visitor: TreeVisitor,
): Steps<{ entries: readonly Dirent[]; more: boolean }> {
  yield // A turn for each directory: there may be many, with few names in each.
  const names = directory.openEntries()
  let kept: Dirent[] = []
  let below: string | undefined // Once full, only names before this one are of interest.
  let seen = 0
  try {
    for (let found = names.readSync(); found !== null; found = names.readSync()) {
      if (++seen % entriesBetweenTurns === 0) yield
      const { name } = found
      // The cheapest question first: of a large directory most names belong to other pages.
      if ((after !== undefined && name <= after) || (below !== undefined && name >= below)) continue
      if (isReservedName(name)) continue
      if (problemOfName(name) !== undefined) {
        visitor.leaveOut(prefix)
        continue
      }
      const entry = describe(prefix, found)
      if (!visitor.wants(entry) || hides(entry.components)) continue
      // What it takes to describe an entry is made anew later: while they wait, there may be many.
      kept.push(found)
      if (kept.length < count * 2) continue
      kept = inOrder(kept).slice(0, count)
      below = kept.at(-1)?.name
    }
  } finally {
    names.closeSync()
  }
  const ordered = inOrder(kept)
  return { entries: ordered.slice(0, count), more: below !== undefined || ordered.length > count }
}

function describe(prefix: readonly string[], found: Dirent): TreeEntry {
  const components = [...prefix, found.name]
  return { components, isDirectory: found.isDirectory(), isFile: found.isFile() }
}

/** Sorted by code units; names that are not UTF-8 on the disk may read alike, and count once. */
function inOrder(entries: Dirent[]): Dirent[] {
  entries.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
  return entries.filter(({ name }, at) => name !== entries[at - 1]?.name)
}
