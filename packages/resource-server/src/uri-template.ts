/** What the variables of a template stand for in one address, percent-decoded. */
export type Variables = Readonly<Record<string, string>>

/** A parsed URI template. */
export interface UriTemplate {
  /**
   * The variables of a URI that fits; `undefined` for one that does not. Linear in the length of the URI.
   *
   * A value has one spelling only, the one that `expand` writes: otherwise a rule could be walked around by writing the
   * same value in another way.
   */
  readonly match: (uri: string) => Variables | undefined
  /** Whether a URI would fit if its values were written in the one spelling that is taken. */
  readonly resembles: (uri: string) => boolean
  /** The URI for values; `undefined` while one is missing or cannot stand where it would. */
  readonly expand: (values: Variables) => string | undefined
  readonly variables: readonly string[]
}

interface Variable {
  readonly name: string
  /** `{+name}`: may hold any character. */
  readonly reserved: boolean
  /** What follows it, up to the next variable or the end. */
  readonly literal: string
}

const expression = /\{([^{}]*)\}/
const variableName = /^(\+?)([A-Za-z_][A-Za-z0-9_]{0,63})$/
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const control = /[\x00-\x1f\x7f]/

/**
 * Parses `{name}` and `{+name}` of RFC 6570; everything else of it is refused, since it cannot be matched in one way.
 *
 * @returns what is wrong with it, as a string
 */
export function parseUriTemplate(template: string): UriTemplate | string {
  const [start = '', ...rest] = template.split(expression)
  if (/[{}*]/.test(start) || !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(start)) {
    return 'must begin with a scheme and hold no "*"'
  }
  const variables: Variable[] = []
  for (let index = 0; index < rest.length; index += 2) {
    const [, plus, name] = variableName.exec(rest[index] ?? '') ?? []
    const literal = rest[index + 1] ?? ''
    if (name === undefined) return `{${rest[index] ?? ''}} is not {name} or {+name}`
    if (variables.some((other) => other.name === name)) return `{${name}} stands in it twice`
    if (/[{}*]/.test(literal)) return 'holds a brace or "*" outside of its variables'
    if (literal === '' && index + 2 < rest.length) return `needs a literal after {${name}}`
    variables.push({ name, reserved: plus === '+', literal })
  }
  if (variables.length === 0) return 'has no variable, so it is a resource and no template'

  /** Cuts a URI at the literals; `undefined` where they do not stand. */
  function cut(uri: string): readonly (Variable & { readonly text: string })[] | undefined {
    if (!uri.startsWith(start)) return undefined
    const pieces: (Variable & { readonly text: string })[] = []
    let place = start.length
    for (const [index, variable] of variables.entries()) {
      const { literal, reserved } = variable
      const last = index === variables.length - 1
      const end = last ? uri.length - literal.length : uri.indexOf(literal, place)
      if (end < place || !uri.startsWith(literal, end)) return undefined
      const text = uri.slice(place, end)
      if (!reserved && (text === '' || /[/?#]/.test(text))) return undefined
      pieces.push({ ...variable, text })
      place = end + literal.length
    }
    return pieces
  }

  function match(uri: string): Variables | undefined {
    const values: Record<string, string> = Object.create(null) as Record<string, string>
    const pieces = cut(uri)
    for (const { name, reserved, text } of pieces ?? []) {
      const value = readValue(text, reserved)
      if (value === undefined) return undefined
      values[name] = value
    }
    return pieces && values
  }

  function expand(values: Variables): string | undefined {
    let uri = start
    for (const { name, reserved, literal } of variables) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      const text = value === undefined ? undefined : writeValue(value, reserved)
      if (text === undefined) return undefined
      uri += text + literal
    }
    // What cannot be read back would name something else.
    const read = match(uri)
    return read !== undefined && variables.every(({ name }) => read[name] === values[name]) ? uri : undefined
  }

  return {
    match,
    resembles: (uri) => cut(uri) !== undefined,
    expand,
    variables: variables.map(({ name }) => name),
  }
}

function writeValue(value: string, reserved: boolean): string | undefined {
  try {
    return reserved ? encodeURI(value).replace(/[?#]/g, encodeURIComponent) : encodeURIComponent(value)
  } catch {
    return undefined // Half of a character.
  }
}

function readValue(text: string, reserved: boolean): string | undefined {
  try {
    const value = decodeURIComponent(text)
    if (control.test(value) || (!reserved && /[/\\?#]/.test(value))) return undefined
    return writeValue(value, reserved) === text ? value : undefined
  } catch {
    return undefined // A "%" that begins no byte.
  }
}
