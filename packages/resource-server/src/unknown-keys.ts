import { closestName } from './closest-name.ts'

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
      const meant = closestName(name, Object.keys(kinds))
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
