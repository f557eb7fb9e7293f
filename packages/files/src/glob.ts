/**
 * Tells whether a path matches. `*` and `?` stay within a component, `**` as a whole component spans
 * any number of them; nothing else is special.
 *
 * A pattern without `/` is matched against the last component, whatever the depth.
 */
export type GlobMatcher = (components: readonly string[]) => boolean

/** Longest pattern, in code units. A component takes at most pattern length times its own length of work. */
export const maxGlobLength = 256

/** The components of a pattern; `**` at its start lets it begin anywhere. */
export type Segments = readonly string[]

/** Which numbers of segments may have matched the components so far; more than one where there is a `**`. */
export type Places = readonly boolean[]

/**
 * One matcher for each walk: it remembers the places that each component of the last path led to, so that of a
 * path in the same directory only the name is looked at, however deep it lies.
 */
export function createGlobMatcher(pattern: string): GlobMatcher {
  const segments = segmentsOf(pattern)
  const top = placesAtTop(segments)
  let last: readonly string[] = []
  const placesAfter: Places[] = []
  return (components) => {
    let at = 0
    while (at < placesAfter.length && components[at] === last[at]) at++
    placesAfter.length = at
    last = components
    let places = placesAfter.at(-1) ?? top
    for (; at < components.length; at++) {
      places = step(segments, places, components[at] ?? '')
      placesAfter.push(places)
    }
    return places[segments.length] === true
  }
}

export function segmentsOf(pattern: string): Segments {
  const segments = pattern.split('/')
  return segments.length === 1 ? ['**', ...segments] : segments
}

export function placesAtTop(segments: Segments): Places {
  return passStars(segments, [true, ...segments.map(() => false)])
}

/** The places one component further down. */
export function step(segments: Segments, places: Places, component: string): Places {
  const next = places.map(() => false)
  for (let at = 0; at < segments.length; at++) {
    const segment = segments[at]
    if (segment === undefined || places[at] !== true) continue
    if (segment === '**') next[at] = true
    else if (matchesName(segment, component)) next[at + 1] = true
  }
  return passStars(segments, next)
}

/** `**` may also stand for no component at all. */
function passStars(segments: Segments, places: boolean[]): Places {
  for (let at = 0; at < segments.length; at++) {
    if (segments[at] === '**' && places[at] === true) places[at + 1] = true
  }
  return places
}

/*
 * Greedy with one place to come back to: after a later star has matched, an earlier one never needs another
 * length, since whatever it would take the later star can take as well.
 */

const star = 0x2a
const questionMark = 0x3f

/** Whether one name matches one segment: `*` is any run of characters, `?` is one. */
function matchesName(pattern: string, text: string): boolean {
  let at = 0
  let patternAt = 0
  let starAt = -1
  let starTook = 0
  while (at < text.length) {
    const symbol = pattern.charCodeAt(patternAt)
    if (symbol === star) {
      starAt = patternAt++
      starTook = at
    } else if (symbol === questionMark) {
      at += characterLength(text, at)
      patternAt++
    } else if (symbol === text.charCodeAt(at)) {
      at++
      patternAt++
    } else if (starAt !== -1) {
      starTook += characterLength(text, starTook)
      at = starTook
      patternAt = starAt + 1
    } else {
      return false
    }
  }
  while (pattern.charCodeAt(patternAt) === star) patternAt++
  return patternAt === pattern.length
}

/** Code units of the character here: two for a surrogate pair. */
function characterLength(text: string, at: number): 1 | 2 {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
