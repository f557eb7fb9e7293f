/**
 * Tells whether a path matches. `*` and `?` stay within a component, `**` as a whole component spans
 * any number of them; nothing else is special.
 *
 * A pattern without `/` is matched against the last component, whatever the depth.
 */
export type GlobMatcher = (components: readonly string[]) => boolean

/**
 * Longest pattern, in code units.
 *
 * Work is at most pattern length times path length, never more: nothing is tried twice.
 */
export const maxGlobLength = 256

export function createGlobMatcher(pattern: string): GlobMatcher {
  const segments = pattern.split('/')
  const [only] = segments
  if (only !== undefined && segments.length === 1) {
    return (components) => matchesName(only, components.at(-1) ?? '')
  }
  return (components) => matchesComponents(segments, components)
}

/*
 * Both matchers are greedy with one place to come back to: after a later star has matched, an earlier
 * one never needs another length, since whatever it would take the later star can take as well.
 */

function matchesComponents(pattern: readonly string[], components: readonly string[]): boolean {
  let at = 0
  let patternAt = 0
  let star = -1
  let starTook = 0
  while (at < components.length) {
    const segment = pattern[patternAt]
    if (segment === '**') {
      star = patternAt++
      starTook = at
    } else if (segment !== undefined && matchesName(segment, components[at] ?? '')) {
      at++
      patternAt++
    } else if (star !== -1) {
      at = ++starTook
      patternAt = star + 1
    } else {
      return false
    }
  }
  while (pattern[patternAt] === '**') patternAt++
  return patternAt === pattern.length
}

/** Whether one name matches one segment: `*` is any run of characters, `?` is one. */
export function matchesName(pattern: string, text: string): boolean {
  let at = 0
  let patternAt = 0
  let star = -1
  let starTook = 0
  while (at < text.length) {
    const symbol = pattern[patternAt]
    if (symbol === '*') {
      star = patternAt++
      starTook = at
    } else if (symbol === '?') {
      at += characterLength(text, at)
      patternAt++
    } else if (symbol !== undefined && symbol === text[at]) {
      at++
      patternAt++
    } else if (star !== -1) {
      starTook += characterLength(text, starTook)
      at = starTook
      patternAt = star + 1
    } else {
      return false
    }
  }
  while (pattern[patternAt] === '*') patternAt++
  return patternAt === pattern.length
}

/** Code units of the character here: two for a surrogate pair. */
function characterLength(text: string, at: number): 1 | 2 {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
