import { printable } from './printable.ts'

/** What a token says of itself. Nothing of it is proven. */
export interface TokenInspection {
  readonly type: string | undefined
  readonly algorithm: string | undefined
  readonly keyId: string | undefined
  readonly issuer: string | undefined
  readonly subject: string | undefined
  readonly client: string | undefined
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  readonly issuedAt: string | undefined
  readonly expiresAt: string | undefined
  /** Negative once it has ended. */
  readonly secondsLeft: number | undefined
  /** What a resource server would object to, or its owner should know. */
  readonly remarks: readonly string[]
}

/**
 * Reads what a JWT grants. Does not check its signature.
 *
 * @throws {Error} when the input is no JWT; the message does not repeat it
 */
export function inspectToken(input: string, nowSeconds: number): TokenInspection {
  const parts = input
    .trim()
    .replace(/^bearer +/i, '')
    .split('.')
  if (parts.length === 5) throw new Error('This is an encrypted token (JWE): only its audience can read it.')
  const header = parts.length === 3 ? parseObject(parts[0]) : undefined
  const claims = parts.length === 3 ? parseObject(parts[1]) : undefined
  if (header === undefined || claims === undefined) {
    throw new Error(
      'The input is no JWT. Give one token on standard input; opaque tokens say nothing by themselves.',
    )
  }
  const expires = number(claims['exp'])
  return {
    type: string(header['typ']),
    algorithm: string(header['alg']),
    keyId: string(header['kid']),
    issuer: string(claims['iss']),
    subject: string(claims['sub']),
    client: string(claims['client_id']) ?? string(claims['azp']),
    audience: [claims['aud']].flat().flatMap((entry) => string(entry) ?? []),
    scopes: (string(claims['scope']) ?? '').split(' ').filter((scope) => scope !== ''),
    issuedAt: time(claims['iat']),
    expiresAt: time(expires),
    secondsLeft: expires === undefined ? undefined : Math.round(expires - nowSeconds),
    remarks: remarksOn(header, claims, nowSeconds),
  }
}

type Json = Readonly<Record<string, unknown>>

/** The claims of a JWT, of which nothing is proven; `undefined` when it is none. */
export function parseClaims(token: string): Json | undefined {
  return parseObject(token.split('.')[1])
}

function remarksOn(header: Json, claims: Json, now: number): readonly string[] {
  const remarks: string[] = []
  const expires = number(claims['exp'])
  const use = Object.entries(claims).filter(([name]) => name.toLowerCase() === 'tokentype')
  if (expires === undefined) remarks.push('It has no end ("exp"): servers should refuse it.')
  else if (expires <= now) remarks.push('It has ended.')
  if ((number(claims['nbf']) ?? 0) > now) remarks.push('It is not valid yet ("nbf").')
  if (claims['aud'] === undefined) remarks.push('It names no audience ("aud"): servers should refuse it.')
  if (header['alg'] === 'none') remarks.push('It is not signed.')
  if (use.some(([, value]) => value !== 'access-token'))
    remarks.push('It says that it is no access token (tokenType).')
  if (claims['events'] !== undefined) remarks.push('It is an event such as a logout, no access token.')
  if (claims['cnf'] !== undefined)
    remarks.push('It is bound to a key ("cnf"): it is worth nothing without proof of that key.')
  const secrets = ['passwordSalt', 'totpSecret', 'recoveryCodes'].filter((name) =>
    Object.hasOwn(claims, name),
  )
  if (secrets.length > 0) {
    remarks.push(
      `It carries secrets of the user's account (${secrets.join(', ')}): choose the token format JWT-Custom.`,
    )
  }
  return remarks
}

/** The inspection for people. */
export function formatInspection(inspection: TokenInspection): string {
  const { type, algorithm, keyId, secondsLeft } = inspection
  const left =
    secondsLeft === undefined
      ? ''
      : secondsLeft > 0
        ? ` (${span(secondsLeft)} left)`
        : ` (${span(-secondsLeft)} ago)`
  const rows: readonly (readonly [string, string | undefined])[] = [
    [
      'Kind',
      `${type ?? 'no typ'}, ${algorithm ?? 'no alg'}, ${keyId === undefined ? 'no key id' : `key ${keyId}`}`,
    ],
    ['Issuer', inspection.issuer],
    ['Subject', inspection.subject],
    ['Client', inspection.client],
    ['Audience', inspection.audience.join(', ') || undefined],
    ['Scopes', inspection.scopes.join(' ') || undefined],
    ['Issued', inspection.issuedAt],
    ['Expires', inspection.expiresAt === undefined ? undefined : inspection.expiresAt + left],
  ]
  const lines = rows.map(([name, value]) => `${name.padEnd(10)}${printable(value ?? '(none)')}`)
  return `${[...lines, ...inspection.remarks.map((remark) => `Note      ${remark}`), 'The signature was not checked.'].join('\n')}\n`
}

function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

function parseObject(part: string | undefined): Json | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'))
    // An object that is neither null nor an array is a record of unknown values.
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Math.abs(value) < 1e11 ? value : undefined
}

function time(value: unknown): string | undefined {
  const seconds = number(value)
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString()
}
