import type { Steps } from '../pace.ts'

/** Where a text was found: code units from `start` up to `end`. */
export interface Match {
  readonly start: number
  readonly end: number
}

/** Whether a match may begin inside the one before. */
export type Overlap = 'overlapping' | 'apart'

/** Code units looked through before others get a turn: about a millisecond of work. */
const stretchLength = 262_144
/** What the engine's own search looks for: so short that even its worst case is a small multiple of the text. */
const maxHeadLength = 8

const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * A text to be found, literally, in time that grows with the text searched and never with the product of both
 * (Knuth, Morris, Pratt): what is searched for and what is searched through may both come from an attacker, and
 * the engine's own search takes minutes for the worst pairs.
 *
 * A line feed in it also finds a carriage return with a line feed; `\r\n` in it is taken for a line feed.
 */
export class Needle {
  readonly #units: string
  readonly #head: string
  #fallback: Int32Array | undefined

  /** @param text - not empty */
  constructor(text: string) {
    this.#units = unifyLineEnds(text)
    const lineEnd = this.#units.indexOf('\n')
    const headLength = lineEnd === -1 ? maxHeadLength : Math.min(Math.max(lineEnd, 1), maxHeadLength)
    this.#head = this.#units.slice(0, headLength)
  }

  /** Reports each match in order, until there is none or the report answers false. */
  *find(text: string, overlap: Overlap, report: (match: Match) => boolean): Steps<void> {
    const units = this.#units
    const fallback = (this.#fallback ??= yield* fallbacksOf(units))
    // Only there may a match be longer than what it matches.
    const hasBothEnds = units.includes('\n') && text.includes('\r\n')
    let matched = 0
    let start = 0 // Where in the text the units matched so far begin; kept only where it takes a walk to tell.
    let pauseAt = stretchLength
    for (let at = 0; at < text.length;) {
      if (matched === 0) {
        at = text.indexOf(this.#head, at)
        if (at === -1) return
        start = hasBothEnds && isPairBefore(text, at + 1) ? at - 1 : at
      }
      const unitStart = at
      let unit = text.charCodeAt(at++)
      if (unit === carriageReturn && text.charCodeAt(at) === lineFeed) {
        unit = lineFeed
        at++
      }
      const before = matched
      while (matched > 0 && units.charCodeAt(matched) !== unit) matched = fallback[matched - 1] ?? 0
      if (matched === 0 && before > 0) start = unitStart
      else if (hasBothEnds && matched < before) start = skipUnits(text, start, before - matched)
      if (units.charCodeAt(matched) === unit) matched++
      if (matched === units.length) {
        if (!report({ start: hasBothEnds ? start : at - units.length, end: at })) return
        matched = overlap === 'overlapping' ? (fallback[matched - 1] ?? 0) : 0
        if (hasBothEnds && matched > 0) start = skipUnits(text, start, units.length - matched)
      }
      if (at >= pauseAt) {
        yield
        pauseAt = at + stretchLength
      }
    }
  }
}

/** Whether what ends here is a carriage return with a line feed. */
function isPairBefore(text: string, end: number): boolean {
  return text.charCodeAt(end - 1) === lineFeed && text.charCodeAt(end - 2) === carriageReturn
}

/** Goes on from a place in the text by a number of units. A search never goes back, so all its walks are one. */
function skipUnits(text: string, from: number, count: number): number {
  let at = from
  for (let left = count; left > 0; left--) {
    at += text.charCodeAt(at) === carriageReturn && text.charCodeAt(at + 1) === lineFeed ? 2 : 1
  }
  return at
}

/** Every `\r\n` as `\n`. */
export function unifyLineEnds(text: string): string {
  return text.includes('\r\n') ? text.replaceAll('\r\n', '\n') : text
}

/** For each length of a beginning: how long the longest shorter one is that also ends there. */
function* fallbacksOf(units: string): Steps<Int32Array> {
  const fallback = new Int32Array(units.length)
  let length = 0
  for (let at = 1; at < units.length; at++) {
    while (length > 0 && units.charCodeAt(at) !== units.charCodeAt(length)) length = fallback[length - 1] ?? 0
    if (units.charCodeAt(at) === units.charCodeAt(length)) length++
    fallback[at] = length
    if (at % stretchLength === 0) yield
  }
  return fallback
}
