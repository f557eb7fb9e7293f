import type { Dir } from 'node:fs'
import { errnoOf, FileFailure, notFoundFailure, quoteName } from '../failure.ts'
import { lastOf, problemOfName } from './grammar.ts'
import type { Directory } from './opener.ts'

/** How many names are looked at for the hint; more would hold up everybody else. */
const namesSearchedForHint = 1000

/**
 * The failure for a missing name, with a hint if the directory has one that only looks the same:
 * composed and decomposed letters, or the narrow space that macOS puts into names of screenshots.
 */
export function notFound(parent: Directory, components: readonly string[]): FileFailure {
  const shown = components.join('/')
  const twin = findTwin(parent, lastOf(components))
  if (twin === undefined) return notFoundFailure(shown)
  const hint = `Its directory has ${spellOut(twin)} (escapes as in JSON), which only looks the same. Use that name.`
  return new FileFailure('not_found', `${quoteName(shown)} does not exist. ${hint}`)
}

/** What is hidden has no twin that is not: the rule about it does not tell Unicode forms apart either. */
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
