/** Where a value stands in a text. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The members of an object in a text that is known to be JSON, so that what is passed on stays as it was written: a
 * number of twenty digits does not survive being parsed.
 *
 * @param at - where the object begins
 * @returns `undefined` for an object that has a name twice: whoever reads it next may read the other one
 */
export function membersOf(text: string, at = 0): ReadonlyMap<string, Span> | undefined {
  const members = new Map<string, Span>()
  let place = skipSpace(text, skipSpace(text, at) + 1)
  while (text.charCodeAt(place) === quote) {
    const nameEnd = endOfString(text, place)
    const name = JSON.parse(text.slice(place, nameEnd)) as string // A string in JSON.
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1) // Over the colon.
    const end = endOfValue(text, start)
    if (members.has(name)) return undefined
    members.set(name, { start, end })
    place = afterComma(text, end)
  }
  return members
}

/** The same of the elements of an array. */
export function elementsOf(text: string, at = 0): readonly Span[] {
  const elements: Span[] = []
  let place = skipSpace(text, skipSpace(text, at) + 1)
  while (text.charCodeAt(place) !== bracketClose) {
    const end = endOfValue(text, place)
    elements.push({ start: place, end })
    place = afterComma(text, end)
  }
  return elements
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const bracketOpen = 0x5b
const bracketClose = 0x5d
const braceOpen = 0x7b
const braceClose = 0x7d

function skipSpace(text: string, at: number): number {
  let place = at
  // All that JSON has of white space is below, and nothing else of it.
  while (text.charCodeAt(place) <= 0x20) place += 1
  return place
}

function afterComma(text: string, at: number): number {
  const place = skipSpace(text, at)
  return text.charCodeAt(place) === comma ? skipSpace(text, place + 1) : place
}

function endOfString(text: string, at: number): number {
  let place = at
  for (;;) {
    place = text.indexOf('"', place + 1)
    let backslashes = 0
    while (text.charCodeAt(place - 1 - backslashes) === backslash) backslashes += 1
    if (backslashes % 2 === 0) return place + 1
  }
}

function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === quote) return endOfString(text, at)
  if (first !== braceOpen && first !== bracketOpen) return endOfWord(text, at)
  let depth = 0
  for (let place = at; ; place += 1) {
    switch (text.charCodeAt(place)) {
      case quote:
        place = endOfString(text, place) - 1
        break
      case braceOpen:
      case bracketOpen:
        depth += 1
        break
      case braceClose:
      case bracketClose:
        depth -= 1
        if (depth === 0) return place + 1
        break
      default:
    }
  }
}

function endOfWord(text: string, at: number): number {
  let place = at
  while (place < text.length && !/[\s,\]}]/.test(text.charAt(place))) place += 1
  return place
}
