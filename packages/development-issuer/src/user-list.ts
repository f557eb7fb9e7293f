import type { DevelopmentUser } from './users.ts'

/** One mistake in a list of users, and where it stands: the place of the user, then the names of members. */
export interface UserMistake {
  readonly path: readonly (string | number)[]
  /** The end of a sentence that begins with the place. */
  readonly problem: string
}

export type UserListAnswer =
  | { readonly ok: true; readonly users: readonly DevelopmentUser[] }
  | { readonly ok: false; readonly mistakes: readonly UserMistake[] }

type Check = (value: unknown) => string | undefined

const isText: Check = (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a text')
const isTextList: Check = (value) =>
  Array.isArray(value) && value.every((item) => isText(item) === undefined)
    ? undefined
    : 'must be a list of texts'
// RFC 6749 §3.3: printable ASCII but for space, quotation mark and backslash.
const isScopeList: Check = (value) =>
  Array.isArray(value) &&
  value.every((item) => typeof item === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(item))
    ? undefined
    : 'must be a list of scopes'
const isObject: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? undefined
    : 'must be claims, by their names'

const members: Readonly<Record<keyof DevelopmentUser, Check>> = {
  name: isText,
  password: isText,
  displayName: isText,
  email: isText,
  organization: isText,
  roles: isTextList,
  groups: isTextList,
  mayConsentTo: isScopeList,
  claims: isObject,
}

/** What the issuer says itself: a user that had such a claim would be another user, or a token of another kind. */
const reservedClaims: ReadonlySet<string> = new Set([
  'aud',
  'client_id',
  'cnf',
  'exp',
  'iat',
  'iss',
  'jti',
  'scope',
  'sub',
])

/**
 * Reads a list of users that came from outside, as from a file, and finds every mistake at once. Copies what it gives.
 *
 * Does not check that scopes exist at any resource.
 */
export function parseUsers(given: unknown): UserListAnswer {
  if (!Array.isArray(given))
    return { ok: false, mistakes: [{ path: [], problem: 'must be a list of users' }] }
  if (given.length === 0)
    return { ok: false, mistakes: [{ path: [], problem: 'must have at least one user' }] }
  const mistakes = given.flatMap((user: unknown, index) =>
    userMistakes(user, given.slice(0, index)).map(({ path, problem }) => ({
      path: [index, ...path],
      problem,
    })),
  )
  if (mistakes.length > 0) return { ok: false, mistakes }
  // Every member has passed its check.
  return { ok: true, users: structuredClone(given) as DevelopmentUser[] }
}

function userMistakes(user: unknown, earlier: readonly unknown[]): readonly UserMistake[] {
  if (isObject(user) !== undefined) return [{ path: [], problem: 'must be a user, with name and password' }]
  const given: Readonly<Record<string, unknown>> = { ...Object(user) }
  const required = { name: given['name'], password: given['password'], ...given }
  const mistakes: UserMistake[] = Object.entries(required).flatMap(([name, value]) => {
    const problem = judge(name, value)
    return problem === undefined ? [] : [{ path: [name], problem }]
  })
  const taken = earlier.some((other) => isObject(other) === undefined && Object(other).name === given['name'])
  if (taken && isText(given['name']) === undefined)
    mistakes.push({ path: ['name'], problem: 'is there twice' })
  for (const claim of Object.keys(Object(given['claims']))) {
    if (reservedClaims.has(claim))
      mistakes.push({ path: ['claims', claim], problem: 'is said by the issuer itself' })
  }
  return mistakes
}

function judge(name: string, value: unknown): string | undefined {
  if (!isMember(name)) return `is unknown; known: ${Object.keys(members).join(', ')}`
  if (value !== undefined) return members[name](value)
  return name === 'name' || name === 'password' ? 'is missing' : undefined
}

function isMember(name: string): name is keyof DevelopmentUser {
  return Object.hasOwn(members, name)
}

/** One line for a mistake in the option `users`, or in any list of that name. */
export function formatUserMistake({ path, problem }: UserMistake): string {
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')
  return `users${place}: ${problem}.`
}
