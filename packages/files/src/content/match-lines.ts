import type { Steps } from '../pace.ts'
import type { Needle } from './needle.ts'

export interface LineMatch {
  /** From 1. */
  readonly line: number
  /** The line without its end, or the part of it around its first match. */
  readonly text: string
}

/**
 * Reports each line that contains the needle, once, until the report answers false.
 *
 * @param needle - in lower case where case is ignored; without a line end
 * @param maxLength - of the text that is shown of a line, in code units
 */
export function* matchLines(
  text: string,
  needle: Needle,
  ignoreCase: boolean,
  maxLength: number,
  report: (match: LineMatch) => boolean,
): Steps<void> {
  // Lower case may be longer than the text; the number of line ends is the same, so lines are told by that.
  const searched = ignoreCase ? text.toLowerCase() : text
  let line = 1
  let searchedStart = 0
  let searchedEnd = endOfLine(searched, 0)
  let shownStart = 0
  yield* needle.find(searched, 'apart', ({ start }) => {
    if (line > 1 && start < searchedStart) return true // In a line that was reported already.
    while (start > searchedEnd) {
      line++
      searchedStart = searchedEnd + 1
      searchedEnd = endOfLine(searched, searchedStart)
      shownStart = endOfLine(text, shownStart) + 1
    }
    const shown = excerpt(text, shownStart, start - searchedStart, maxLength)
    const goOn = report({ line, text: shown })
    line++
    searchedStart = searchedEnd + 1
    searchedEnd = endOfLine(searched, searchedStart)
    shownStart = endOfLine(text, shownStart) + 1
    return goOn
  })
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

function excerpt(text: string, lineStart: number, column: number, maxLength: number): string {
  let lineEnd = endOfLine(text, lineStart)
  if (text[lineEnd - 1] === '\r' && lineEnd > lineStart) lineEnd--
  if (lineEnd - lineStart <= maxLength) return text.slice(lineStart, lineEnd)
  // A third of it before the match, so that what follows is seen too; a mark on each side that is cut.
  const room = maxLength - 2
  const latest = lineEnd - room
  const start = Math.max(lineStart, Math.min(lineStart + column - Math.floor(room / 3), latest))
  const end = Math.min(lineEnd, start + room)
  const cut = text.slice(start, end).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
  return `${start > lineStart ? '…' : ''}${cut}${end < lineEnd ? '…' : ''}`
}
