import type { Change } from './changes.ts'

/** Lines around a change that are shown. */
const contextLines = 3

/** A change grown to whole lines, in both texts by the same characters. */
type LineChange = Change

/**
 * Shows changes as a unified diff without file names, or its beginning if it is longer than `maxLength`.
 *
 * @param changes - in order, not overlapping; outside of them both texts are the same
 */
export function formatDiff(
  oldText: string,
  newText: string,
  changes: readonly Change[],
  maxLength: number,
): { readonly text: string; readonly complete: boolean } {
  const lines: string[] = []
  let length = 0
  for (const line of diffLines(oldText, newText, changes)) {
    length += line.length
    if (length > maxLength) return { text: lines.join(''), complete: false }
    lines.push(line)
  }
  return { text: lines.join(''), complete: true }
}

function* diffLines(oldText: string, newText: string, changes: readonly Change[]): Generator<string> {
  const oldLines = new LineCounter(oldText)
  const newLines = new LineCounter(newText)
  for (const hunk of groupHunks(oldText, growToLines(oldText, newText, changes))) {
    const first = hunk[0]
    const last = hunk.at(-1)
    if (first === undefined || last === undefined) continue
    const start = linesBefore(oldText, first.oldStart, contextLines)
    const end = linesAfter(oldText, last.oldEnd, contextLines)
    const before = first.oldStart - start
    const after = end - last.oldEnd
    const oldRange = oldLines.range(start, end)
    const newRange = newLines.range(first.newStart - before, last.newEnd + after)
    yield `@@ -${oldRange} +${newRange} @@\n`
    let at = start
    for (const change of hunk) {
      yield* prefixed(' ', oldText.slice(at, change.oldStart))
      yield* prefixed('-', oldText.slice(change.oldStart, change.oldEnd))
      yield* prefixed('+', newText.slice(change.newStart, change.newEnd))
      at = change.oldEnd
    }
    yield* prefixed(' ', oldText.slice(at, end))
  }
}

/** Counts on from where it was asked last, so that a whole diff costs one pass. */
class LineCounter {
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  /** First line and number of lines, as the header of a hunk has them. */
  range(start: number, end: number): string {
    const first = this.#lineAt(start)
    const count = this.#lineAt(end) - first + (end > start && this.#text[end - 1] !== '\n' ? 1 : 0)
    return `${count === 0 ? first - 1 : first},${count}`
  }

  #lineAt(offset: number): number {
    for (;;) {
      const end = this.#text.indexOf('\n', this.#at)
      if (end === -1 || end >= offset) return this.#line
      this.#at = end + 1
      this.#line++
    }
  }
}

/**
 * Each step looks no further back than to the end of the one before, and ahead only from there, so that a hundred
 * thousand changes in one long line cost one pass over it.
 */
function growToLines(oldText: string, newText: string, changes: readonly Change[]): readonly LineChange[] {
  const grown: LineChange[] = []
  for (const change of changes) {
    const previous = grown.at(-1)
    const reach = previous?.oldEnd ?? 0
    const after =
      change.oldEnd < reach ? reach - change.oldEnd : charactersToLineEnd(oldText, newText, change)
    const end = { oldEnd: change.oldEnd + after, newEnd: change.newEnd + after }
    const before = change.oldStart < reach ? 0 : change.oldStart - lineStart(oldText, change.oldStart)
    const start = { oldStart: change.oldStart - before, newStart: change.newStart - before }
    // What is taken away is shown before what comes, so changes without a line between them are one.
    if (previous !== undefined && start.oldStart <= reach) {
      grown[grown.length - 1] = { ...end, oldStart: previous.oldStart, newStart: previous.newStart }
    } else {
      grown.push({ ...start, ...end })
    }
  }
  return grown
}

function charactersToLineEnd(oldText: string, newText: string, { oldEnd, newEnd }: Change): number {
  const atLineStart = isLineStart(oldText, oldEnd) && isLineStart(newText, newEnd)
  if (atLineStart) return 0
  const end = oldText.indexOf('\n', oldEnd)
  return (end === -1 ? oldText.length : end + 1) - oldEnd
}

function groupHunks(oldText: string, changes: readonly LineChange[]): readonly (readonly LineChange[])[] {
  const hunks: LineChange[][] = []
  let reach = -1
  for (const change of changes) {
    const hunk = hunks.at(-1)
    if (hunk !== undefined && linesBefore(oldText, change.oldStart, contextLines) <= reach) hunk.push(change)
    else hunks.push([change])
    reach = linesAfter(oldText, change.oldEnd, contextLines)
  }
  return hunks
}

function* prefixed(sign: ' ' | '-' | '+', text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at)
    if (end === -1) {
      yield `${sign}${text.slice(at)}\n\\ No newline at end of file\n`
      return
    }
    yield sign + text.slice(at, end + 1)
    at = end + 1
  }
}

function isLineStart(text: string, at: number): boolean {
  return at === 0 || text[at - 1] === '\n'
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
}

/** Where the line starts that is `count` lines before the one starting here, or the text. */
function linesBefore(text: string, from: number, count: number): number {
  let at = from
  for (let seen = 0; seen < count && at > 0; seen++) at = lineStart(text, at - 1)
  return at
}

/** Where the line ends that is `count` lines after the place, or the text. */
function linesAfter(text: string, from: number, count: number): number {
  let at = from
  for (let seen = 0; seen < count && at < text.length; seen++) {
    const end = text.indexOf('\n', at)
    at = end === -1 ? text.length : end + 1
  }
  return at
}
