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
  /** For each length of a beginning: how long the longest shorter one is that also ends there. */
  readonly #fallback: Int32Array
  readonly #head: string

  /** @param text - not empty */
  constructor(text: string) {
    this.#units = unifyLineEnds(text)
    this.#fallback = fallbacksOf(this.#units)
    const lineEnd = this.#units.indexOf('\n')
    const headLength = lineEnd === -1 ? maxHeadLength : Math.min(Math.max(lineEnd, 1), maxHeadLength)
    this.#head = this.#units.slice(0, headLength)
  }

  /** Reports each match in order, until there is none or the report answers false. */
  *find(text: string, overlap: Overlap, report: (match: Match) => boolean): Steps<void> {
    const units = this.#units
    const fallback = this.#fallback
    // Only there may a match be longer than what it matches.
    const hasBothEnds = units.includes('\n') && text.includes('\r\n')
    let matched = 0
    let pauseAt = stretchLength
    for (let at = 0; at < text.length;) {
      if (matched === 0) {
        at = text.indexOf(this.#head, at)
        if (at === -1) return
      }
      let unit = text.charCodeAt(at++)
      if (unit === carriageReturn && text.charCodeAt(at) === lineFeed) {
        unit = lineFeed
        at++
      }
      while (matched > 0 && units.charCodeAt(matched) !== unit) matched = fallback[matched - 1] ?? 0
      if (units.charCodeAt(matched) === unit) matched++
      if (matched === units.length) {
        const start = hasBothEnds ? this.#startOf(text, at) : at - units.length
        if (!report({ start, end: at })) return
        matched = overlap === 'overlapping' ? (fallback[matched - 1] ?? 0) : 0
      }
      if (at >= pauseAt) {
        yield
        pauseAt = at + stretchLength
      }
    }
  }

  /** Goes back over the match, whose line ends may be longer in the text than here: a step for each unit of it. */
  #startOf(text: string, end: number): number {
    let at = end
    for (let index = this.#units.length - 1; index >= 0; index--) {
      at--
      const isLineEnd = this.#units.charCodeAt(index) === lineFeed
      if (isLineEnd && text.charCodeAt(at - 1) === carriageReturn) at--
    }
    return at
  }
}

/** Every `\r\n` as `\n`. */
export function unifyLineEnds(text: string): string {
  return text.includes('\r\n') ? text.replaceAll('\r\n', '\n') : text
}

function fallbacksOf(units: string): Int32Array {
  const fallback = new Int32Array(units.length)
  let length = 0
  for (let at = 1; at < units.length; at++) {
    while (length > 0 && units.charCodeAt(at) !== units.charCodeAt(length)) length = fallback[length - 1] ?? 0
    if (units.charCodeAt(at) === units.charCodeAt(length)) length++
    fallback[at] = length
  }
  return fallback
}
