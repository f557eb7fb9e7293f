/** An object as JSON has it: members of unknown values by name. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value if it is an object, else one without members. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}
