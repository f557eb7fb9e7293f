import { decodeHeader } from '@mcp-doorman/resource-server'
import { isFields } from '../fields.ts'
import type { Failed } from '../outcome.ts'
import type { JsonSchema } from '../json-schema.ts'

/** An argument that clients repeat in a header of their own. */
export interface ParamHeader {
  /** As the schema writes it. */
  readonly name: string
  /** Where the argument stands. */
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

const keyword = 'x-mcp-header'
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/

/**
 * Finds the arguments of a tool that have a header.
 *
 * @param problems - receives what no client could follow: names that are no field names or stand twice, values that
 *   are not a string, whole number or truth value, and places that not every call has
 * @see requirement G23
 */
export function findParamHeaders(
  schema: JsonSchema,
  place: string,
  problems: string[],
): readonly ParamHeader[] {
  const found: ParamHeader[] = []
  const names = new Set<string>()

  function visit(value: unknown, path: readonly string[], reachable: boolean): void {
    if (Array.isArray(value)) {
      for (const inner of value) visit(inner, path, false)
      return
    }
    if (!isFields(value)) return
    if (value[keyword] !== undefined) take(value, path, reachable)
    for (const [key, inner] of Object.entries(value)) {
      if (key === keyword || key === 'default' || key === 'examples' || key === 'const' || key === 'enum')
        continue
      if (key !== 'properties' || !isFields(inner)) {
        visit(inner, path, false)
        continue
      }
      for (const [name, property] of Object.entries(inner)) visit(property, [...path, name], reachable)
    }
  }

  function take(property: JsonSchema, path: readonly string[], reachable: boolean): void {
    const { [keyword]: name, type } = property
    const where = `${place}.${path.join('.') || '(root)'}.${keyword}`
    if (!reachable || path.length === 0) {
      problems.push(`${where}: only a property that is reached through "properties" alone may have a header`)
    } else if (typeof name !== 'string' || !token.test(name)) {
      problems.push(`${where}: must be the name of a header field, 1 to 128 letters, digits or "-"`)
    } else if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
      problems.push(`${where}: only a string, an integer or a boolean may have a header`)
    } else if (names.has(name.toLowerCase())) {
      problems.push(`${where}: "${name}" is the header of another property too`)
    } else {
      names.add(name.toLowerCase())
      found.push({ name, path, type })
    }
  }

  visit(schema, [], true)
  return found
}

/**
 * Compares headers with the arguments that they repeat: both there and equal, or neither (requirement G3).
 *
 * @returns the header that differs or is missing; `undefined` when all agree
 */
export function findDisagreement(
  declared: readonly ParamHeader[],
  args: unknown,
  headers: ReadonlyMap<string, string> | undefined,
): string | undefined {
  const wrong = declared.find(({ name, path, type }) => {
    const header = headers?.get(name.toLowerCase())
    const value = valueAt(args, path)
    if (value === undefined || value === null) return header !== undefined
    const decoded = decodeHeader(header)
    if (decoded === undefined) return true
    if (type !== 'integer') return decoded !== textOf(value)
    return !/^-?\d{1,16}(?:\.0{1,16})?$/.test(decoded) || Number(decoded) !== value
  })
  return wrong === undefined ? undefined : `Mcp-Param-${wrong.name}`
}

/** The error for headers that say something else than the arguments that they repeat. */
export function refuseDisagreement(...given: Parameters<typeof findDisagreement>): Failed | undefined {
  const header = findDisagreement(...given)
  if (header === undefined) return undefined
  const message = `The header ${header} and the argument that it repeats say different things.`
  return { kind: 'error', error: { code: -32020, message }, status: 400 }
}

/** The values of the headers for these arguments, by the names that a schema gave them. */
export function writeParamHeaders(
  declared: readonly ParamHeader[],
  args: unknown,
): Readonly<Record<string, string>> {
  const values = declared.flatMap(({ name, path, type }) => {
    const value = valueAt(args, path)
    const text = type === 'integer' && Number.isSafeInteger(value) ? String(value) : textOf(value)
    return text === undefined ? [] : [[name, text] as const]
  })
  return Object.fromEntries(values)
}

/** Only strings and truth values have a text that a header could repeat; the schema refuses the rest. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'boolean' ? String(value) : typeof value === 'string' ? value : undefined
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args
  for (const name of path) {
    if (!isFields(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}
