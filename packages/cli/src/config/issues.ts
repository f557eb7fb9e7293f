import { closestName } from '@mcp-doorman/resource-server'
import type * as z from 'zod'
import type { Path, Problem } from './problems.ts'

/** The mistakes that the schema finds, in our words, below `place`. */
export function problemsOf(error: z.ZodError, value: unknown, place: Path = []): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const inside = issue.path.filter((step) => typeof step !== 'symbol')
    const path = [...place, ...inside]
    if (issue.code !== 'unrecognized_keys')
      return [{ path, message: sayIssue(issue, valueAt(value, inside)) }]
    return issue.keys.map((key) => ({
      path: [...path, key],
      at: 'key' as const,
      message: sayUnknownKey(key, issue.message.split(' ')),
    }))
  })
}

/** What is said of a field that does not exist. */
export function sayUnknownKey(key: string, known: readonly string[]): string {
  const meant = closestName(key, known)
  return meant === undefined
    ? `is no field here. Remove it; there are ${known.join(', ')}.`
    : `is no field here. Did you mean "${meant}"?`
}

function sayIssue(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_type') return sayWrongType(issue, value)
  if (issue.code === 'invalid_value') return sayWrongValue(issue.values.map(String), value)
  const isNumber = typeof value === 'number'
  if (issue.code === 'too_small') {
    return isNumber
      ? `must be at least ${issue.minimum}, and is ${value}.`
      : 'is empty. Give it a value, or remove it.'
  }
  if (issue.code === 'too_big') {
    const what = typeof value === 'string' ? 'characters' : 'entries'
    return isNumber
      ? `must be at most ${issue.maximum}, and is ${value}.`
      : `is too long: at most ${issue.maximum} ${what} are read.`
  }
  // All others carry a sentence of ours.
  return issue.message
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
}

function sayWrongType(issue: z.core.$ZodIssueInvalidType, value: unknown): string {
  // Zod's own messages begin in this way; a message of ours stands by itself.
  if (!issue.message.startsWith('Invalid input')) return issue.message
  const { expected } = issue
  const wanted = words[expected] ?? expected
  if (value === undefined) return `is missing. It must be ${wanted}.`
  if (value === null) return `is empty. Write ${wanted}, or remove the key.`
  const fix =
    expected === 'array' && typeof value !== 'object'
      ? ' Put it in brackets, as [value].'
      : expected === 'string' && typeof value !== 'object'
        ? ' Put it in quotes.'
        : ''
  return `must be ${wanted}, and is ${kindOf(value)}.${fix}`
}

function sayWrongValue(allowed: readonly string[], value: unknown): string {
  const list = alternatives(allowed)
  if (value === undefined) return `is missing. Write ${list}.`
  if (typeof value === 'string' && allowed.includes(value)) return `must be ${value}, without quotes.`
  const meant = typeof value === 'string' ? closestName(value, allowed) : undefined
  return `must be ${list}.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`
}

/** `a, b or c`. */
export function alternatives(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`
}

/** What a value is, without showing it: it may be a secret in the wrong place. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, step)) return undefined
    return (inner as Readonly<Record<string | number, unknown>>)[step] // Object.hasOwn has seen it.
  }, value)
}
