export interface Challenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const tokenPattern = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
// RFC 9110 §5.6.4, without what lies beyond ASCII.
const quotedPattern = /"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t -\x7e])*)"/y

/**
 * Reads a `WWW-Authenticate` value of one challenge by RFC 9110 §11.6.1, strictly: every value quoted, one comma and
 * one space between parameters, no parameter twice. Throws at anything else.
 */
export function parseChallenge(value: string): Challenge {
  let place = 0
  const take = (pattern: RegExp): RegExpExecArray => {
    pattern.lastIndex = place
    const found = pattern.exec(value)
    if (found === null) throw new Error(`not a challenge at ${place}: ${JSON.stringify(value)}`)
    place = pattern.lastIndex
    return found
  }
  const literal = (text: string): void => {
    if (!value.startsWith(text, place))
      throw new Error(`no ${JSON.stringify(text)} at ${place}: ${JSON.stringify(value)}`)
    place += text.length
  }

  const [scheme] = take(tokenPattern)
  const parameters = new Map<string, string>()
  literal(' ')
  for (;;) {
    const name = take(tokenPattern)[0].toLowerCase()
    literal('=')
    const [, quoted = ''] = take(quotedPattern)
    if (parameters.has(name)) throw new Error(`${name} stands there twice`)
    parameters.set(name, quoted.replace(/\\(.)/g, '$1'))
    if (place === value.length) return { scheme, parameters }
    literal(', ')
  }
}
