import type { Named } from './table.ts'

export type GoJson<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string }

/** Parses JSON, and complains in the words of the language that Casdoor is written in. */
export function parseGoJson(text: string): GoJson<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, message: complain(text) }
  }
}

function complain(text: string): string {
  const whole = text.trim()
  if (whole === '' || isPrefix(whole)) return 'unexpected end of JSON input'
  return `invalid character '${whole.charAt(0)}' looking for beginning of value`
}

/** Whether some end would make the text JSON: the parser then has read all of it, and names no character. */
function isPrefix(text: string): boolean {
  try {
    JSON.parse(`${text}\u0000`)
    return false
  } catch (error) {
    const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined
    return position !== undefined && Number(position) >= text.length
  }
}

/**
 * Reads a row as Casdoor does: unknown members are left out, members that are not there are empty, and one of another
 * type makes the whole body unusable.
 */
export function parseRow<Row extends Named>(text: string, empty: Row, kind: string): GoJson<Row> {
  const parsed = parseGoJson(text)
  if (!parsed.ok) return parsed
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      ok: false,
      message: `json: cannot unmarshal ${goTypeOf(value)} into Go value of type object.${kind}`,
    }
  }
  const row: Record<string, unknown> = Object.fromEntries(Object.entries(empty))
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(empty, name) || given === null) continue
    const expected = row[name]
    const fits =
      expected === null || typeof expected === 'object'
        ? typeof given === 'object'
        : typeof given === typeof expected
    if (!fits) {
      const message = `json: cannot unmarshal ${goTypeOf(given)} into Go struct field ${kind}.${name} of type ${wantedType(expected)}`
      return { ok: false, message }
    }
    row[name] = given
  }
  return { ok: true, value: row as Row } // Each member has the type that it has in the empty row.
}

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function wantedType(expected: unknown): string {
  if (typeof expected === 'boolean') return 'bool'
  if (typeof expected === 'number') return 'int'
  return typeof expected === 'string' ? 'string' : '[]string'
}
