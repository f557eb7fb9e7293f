import { FileFailure } from '../failure.ts'
import type { Steps } from '../pace.ts'
import { type Change, compose, type Replacement } from './changes.ts'
import { type Match, Needle, unifyLineEnds } from './needle.ts'

export interface Edit {
  readonly old: string
  readonly new: string
  /** Replace every match instead of the only one. */
  readonly all?: boolean
}

export interface Edited {
  readonly text: string
  /** Where the text differs from what it was, in order. */
  readonly changes: readonly Change[]
  readonly replacements: number
}

/** Most places that an edit of all replaces. */
const maxPlaces = 100_000
/** Most places that are counted of what should be there once. */
const maxCounted = 100
/** Lines named in a failure. */
const maxLinesNamed = 5
/** Lines looked at before others get a turn: about a millisecond of work. */
const linesAtOnce = 10_000

/**
 * Applies edits one after the other, each to what those before it left.
 *
 * A line feed in `old` finds both kinds of line ends, and one in `new` is written as the place has them.
 *
 * @throws {FileFailure} `no_match`, `ambiguous_match`, `too_large`; then nothing of it counts
 */
export function* applyEdits(text: string, edits: readonly Edit[], maxLength: number): Steps<Edited> {
  let current = text
  let changes: readonly Change[] = []
  let replacements = 0
  for (const [index, edit] of edits.entries()) {
    const places = yield* findPlaces(current, edit, index + 1)
    const replaced = replacementsOf(current, edit, places)
    // Before any of it is built: a short request may ask for a text of many gigabytes.
    if (lengthAfter(current, replaced) > maxLength) {
      throw new FileFailure(
        'too_large',
        `After edit ${index + 1} the file is larger than ${maxLength} bytes.`,
      )
    }
    yield
    changes = compose(changes, replaced)
    yield
    current = replaceAll(current, replaced)
    replacements += places.length
    yield
  }
  return { text: current, changes, replacements }
}

function* findPlaces(text: string, edit: Edit, number: number): Steps<readonly Match[]> {
  const places: Match[] = []
  const all = edit.all ?? false
  const most = all ? maxPlaces : maxCounted
  yield* new Needle(edit.old).find(text, all ? 'apart' : 'overlapping', (match) => {
    places.push(match)
    return places.length <= most
  })
  if (places.length === 0) throw yield* noMatch(text, edit, number)
  if (!all && places.length > 1) throw yield* ambiguous(text, places, number)
  if (places.length > maxPlaces) {
    throw new FileFailure('too_large', `old of edit ${number} is there more than ${maxPlaces} times.`)
  }
  return places
}

/** All of them share one text for each kind of line end, however many there are. */
function replacementsOf(text: string, edit: Edit, places: readonly Match[]): readonly Replacement[] {
  if (!edit.new.includes('\n')) return places.map((place) => ({ ...place, text: edit.new }))
  const withCarriageReturns = unifyLineEnds(edit.new).replaceAll('\n', '\r\n')
  const usual = lineEndOf(text)
  return places.map((place) => {
    const lineEnd = lineEndOf(text.slice(place.start, place.end)) ?? usual
    return { ...place, text: lineEnd === '\r\n' ? withCarriageReturns : edit.new }
  })
}

/** The first line end, which the others are taken to be like. */
function lineEndOf(text: string): '\n' | '\r\n' | undefined {
  const at = text.indexOf('\n')
  if (at === -1) return undefined
  return text[at - 1] === '\r' ? '\r\n' : '\n'
}

function lengthAfter(text: string, replacements: readonly Replacement[]): number {
  return replacements.reduce(
    (length, { start, end, text }) => length + text.length - (end - start),
    text.length,
  )
}

function replaceAll(text: string, replacements: readonly Replacement[]): string {
  const parts: string[] = []
  let from = 0
  for (const { start, end, text: replacement } of replacements) {
    parts.push(text.slice(from, start), replacement)
    from = end
  }
  parts.push(text.slice(from))
  return parts.join('')
}

function* noMatch(text: string, { old }: Edit, number: number): Steps<FileFailure> {
  const why = `old of edit ${number} is not in the file. It must match exactly, white space too.`
  const like = yield* findLineLike(text, old)
  const hint =
    like === undefined
      ? 'Read the file again and copy from it.'
      : `Line ${like} differs from its first line only in white space at an end. Read from there and copy.`
  return new FileFailure('no_match', `${why} ${hint} Nothing was changed.`)
}

/** The number of a line that is like the first line of `old`, but for white space around it. */
function* findLineLike(text: string, old: string): Steps<number | undefined> {
  const [first] = old.trimStart().split('\n', 1)
  const wanted = first?.trim() ?? ''
  if (wanted === '') return undefined
  let number = 1
  for (let start = 0; start <= text.length; number++) {
    const end = text.indexOf('\n', start)
    const line = text.slice(start, end === -1 ? text.length : end)
    if (line.trim() === wanted) return number
    if (end === -1) return undefined
    if (number % linesAtOnce === 0) yield
    start = end + 1
  }
  return undefined
}

function* ambiguous(text: string, places: readonly Match[], number: number): Steps<FileFailure> {
  const count = places.length > maxCounted ? `more than ${maxCounted}` : String(places.length)
  const lines = (yield* lineNumbers(text, places.slice(0, maxLinesNamed))).join(', ')
  const more = places.length > maxLinesNamed ? ', …' : ''
  const advice = 'Give more of what is around it, or set all.'
  const what = `old of edit ${number} is there ${count} times (lines ${lines}${more}). ${advice}`
  return new FileFailure('ambiguous_match', `${what} Nothing was changed.`)
}

function* lineNumbers(text: string, places: readonly Match[]): Steps<readonly number[]> {
  const numbers: number[] = []
  let number = 1
  let at = 0
  for (const { start } of places) {
    for (let end = text.indexOf('\n', at); end !== -1 && end < start; end = text.indexOf('\n', at)) {
      number++
      at = end + 1
      if (number % linesAtOnce === 0) yield
    }
    numbers.push(number)
  }
  return numbers
}
