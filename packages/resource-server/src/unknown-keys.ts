/** What the value of an option may be, and the words that tell an operator. */
export interface Kind {
  readonly words: string
  readonly fits: (value: unknown) => boolean
}

/** The options of one object, and their kinds. */
export type Kinds<Options> = Readonly<Record<keyof Options, Kind>>

export const text: Kind = { words: 'a string', fits: (value) => typeof value === 'string' }
export const texts: Kind = {
  words: 'a list of strings',
  fits: (value) => Array.isArray(value) && value.every(text.fits),
}
export const number: Kind = { words: 'a number', fits: (value) => typeof value === 'number' }
export const flag: Kind = { words: 'true or false', fits: (value) => typeof value === 'boolean' }
export const callable: Kind = { words: 'a function', fits: (value) => typeof value === 'function' }
export const members: Kind = { words: 'an object', fits: isObject }
export const named: Kind = {
  words: 'an object with an object for each name',
  fits: (value) => isObject(value) && Object.values(value).every(isObject),
}
export const list: Kind = {
  words: 'a list of objects',
  fits: (value) => Array.isArray(value) && value.every(isObject),
}

export function oneOf(...values: readonly string[]): Kind {
  return {
    words: values.map((value) => `"${value}"`).join(' or '),
    fits: (value) => typeof value === 'string' && values.includes(value),
  }
}

export function either(first: Kind, second: Kind): Kind {
  return {
    words: `${first.words} or ${second.words}`,
    fits: (value) => first.fits(value) || second.fits(value),
  }
}

/**
 * Names every option that does not exist, and every one whose value is of another kind.
 *
 * A misspelt option is one that silently does nothing, and a string where a list belongs may match more than was
 * meant: both are mistakes at the start. `undefined` counts as absent.
 *
 * @param place - where the object stands, as `rules[0]`; empty for the outermost
 * @returns whether all values are of their kinds, so that they can be looked into
 */
export function checkKeys(
  place: string,
  options: object,
  kinds: Readonly<Record<string, Kind>>,
  problems: string[],
): boolean {
  let usable = true
  for (const [name, value] of Object.entries(options)) {
    const where = place === '' ? name : `${place}.${name}`
    if (!Object.hasOwn(kinds, name)) {
      const meant = closest(name, Object.keys(kinds))
      problems.push(
        `${where}: unknown option.${meant === undefined ? ' Remove it.' : ` Did you mean "${meant}"?`}`,
      )
      continue
    }
    const kind = kinds[name]
    if (value === undefined || kind?.fits(value) === true) continue
    problems.push(`${where}: must be ${kind?.words}, and is ${nameOf(value)}.`)
    usable = false
  }
  return usable
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a value is, without showing it: it may be a secret in the wrong place. */
function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const mostSlips = 2

function closest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, slips: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.slips - b.slips)
  const [best] = ranked
  return best !== undefined && best.slips <= mostSlips && best.slips < name.length
    ? best.candidate
    : undefined
}

/** How many characters to add, drop or change (Levenshtein). */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 0; row < from.length; row += 1) {
    const line = [row + 1]
    for (let column = 1; column <= to.length; column += 1) {
      const changed = (above[column - 1] ?? 0) + (from[row] === to[column - 1] ? 0 : 1)
      line.push(Math.min(changed, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
