import type { Named } from '../rows/table.ts'

export type GoJson<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string }

/** Parses JSON, and complains in the words of the language that Casdoor is written in. */
export function parseGoJson(text: string): GoJson<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    return { ok: false, message: complain(text, error instanceof Error ? error.message : '') }
  }
}

/** The parser names a position in some of its complaints; one at the end means that more should have come. */
function complain(text: string, complaint: string): string {
  const position = Number(/position (\d+)/.exec(complaint)?.[1] ?? 0)
  const endedEarly = complaint.startsWith('Unexpected end') || position >= text.length
  return endedEarly
    ? 'unexpected end of JSON input'
    : `invalid character '${text.trim().charAt(0)}' looking for beginning of value`
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
