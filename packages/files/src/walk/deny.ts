import { maxGlobLength, type Places, placesAtTop, type Segments, segmentsOf, step } from '../glob.ts'

/** What the operator hides: for every operation, as if it were not there. */
export interface Deny {
  /** Whether this path, or a directory above it, is hidden. */
  readonly hides: (components: readonly string[]) => boolean
  /**
   * Whether whatever is hidden below a directory would still be so once the directory is called `to`.
   *
   * Decided from the names alone, so that the answer tells nothing about what is there.
   */
  readonly staysHidden: (from: readonly string[], to: readonly string[]) => boolean
}

/**
 * Builds the rule from patterns: `*` and `?` stay within a name, `**` spans directories. A pattern without
 * `/` hides every such name at any depth, one with `/` counts from the root. What is below is hidden too.
 *
 * Case and Unicode form are not told apart, as on some disks they are not: rather too much than too little.
 *
 * @param patterns - have passed {@link problemOfDenyPattern}
 */
export function createDeny(patterns: readonly string[]): Deny | undefined {
  if (patterns.length === 0) return undefined
  const all = patterns.map((pattern) => segmentsOf(pattern).map(fold))
  return {
    hides: (components) => {
      const folded = components.map(fold)
      return all.some((segments) => follow(segments, folded).hidden)
    },
    staysHidden: (from, to) => {
      const [before, after] = [from.map(fold), to.map(fold)]
      return all.every((segments) => {
        const { places } = follow(segments, after)
        return follow(segments, before).places.every((active, at) => !active || places[at] === true)
      })
    },
  }
}

/** Why this cannot be a pattern, or undefined if it can. */
export function problemOfDenyPattern(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string' || pattern === '') return 'a pattern is a text that is not empty'
  const shown = JSON.stringify(pattern.slice(0, 80))
  if (pattern.length > maxGlobLength) return `${shown}… is longer than ${maxGlobLength} characters`
  if (pattern.startsWith('/')) return `${shown} starts with "/"; patterns count from the root anyway`
  if (pattern.endsWith('/')) return `${shown} ends with "/"; without it, what is below is hidden too`
  if (pattern.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return `${shown} has an empty, "." or ".." component, which no path has`
  }
  // A pattern that silently hides nothing is worse than none.
  if (/[[\]{}]|^!/.test(pattern)) {
    return `${shown}: only "*", "?" and "**" are special; write several patterns, and "?" for a bracket`
  }
  return undefined
}

function fold(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

function follow(segments: Segments, components: readonly string[]): { hidden: boolean; places: Places } {
  let places = placesAtTop(segments)
  for (const component of components) {
    places = step(segments, places, component)
    if (places[segments.length] === true) return { hidden: true, places }
  }
  return { hidden: false, places }
}
