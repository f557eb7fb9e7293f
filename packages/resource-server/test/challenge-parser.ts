export interface Challenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const tokenPattern = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
// RFC 9110 §5.6.4, without what lies beyond ASCII.
const quotedPattern = /"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t -\x7e])*)"/y

/**
 * Reads a `WWW-Authenticate` value by RFC 9110 §11.6.1, strictly: every value quoted, one comma and one space between
 * parameters and between challenges, no parameter twice in one. Throws at anything else.
 */
export function parseChallenges(value: string): readonly Challenge[] {
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

  const challenges: Challenge[] = []
  let parameters = new Map<string, string>()
  for (;;) {
    const [word] = take(tokenPattern)
    if (value[place] !== '=') {
      // A word that no "=" follows is the scheme of the next challenge.
      literal(' ')
      parameters = new Map()
      challenges.push({ scheme: word, parameters })
      continue
    }
    const name = word.toLowerCase()
    literal('=')
    const [, quoted = ''] = take(quotedPattern)
    if (challenges.length === 0 || parameters.has(name)) throw new Error(`${name} is out of its place`)
    parameters.set(name, quoted.replace(/\\(.)/g, '$1'))
    if (place === value.length) return challenges
    literal(', ')
  }
}

/** Reads a value that must be exactly one challenge. */
export function parseChallenge(value: string): Challenge {
  const [challenge, ...others] = parseChallenges(value)
  if (challenge === undefined || others.length > 0) throw new Error(`not one challenge: ${value}`)
  return challenge
}
