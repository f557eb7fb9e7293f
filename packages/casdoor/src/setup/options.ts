import { builtInApplication, builtInOrganization } from '../administrator.ts'
import { redirectUriMistake } from '../redirect-uris.ts'

/** A scope that clients may ask for. */
export interface ScopeOption {
  /** As tokens have it: `files:read`. */
  readonly name: string
  /** What the person who is asked reads. */
  readonly displayName: string
  /** The tools that need it, for the application's list; Casdoor does not judge by them. */
  readonly tools: readonly string[]
}

/** Somebody who is to be able to log in. */
export interface UserOption {
  readonly name: string
  /** For a new account only; the password of one that is there stays. */
  readonly password: string
}

/** What a Casdoor is to have when it has been set up. */
export interface SetupOptions {
  /** Whose users may log in. Never `built-in`, whose users administer all of Casdoor. */
  readonly organization: string
  /** The application that tokens for the MCP server come from. */
  readonly application: string
  /** At least one: an application without a list grants every scope that a client makes up. */
  readonly scopes: readonly ScopeOption[]
  /** Exact; those on loopback need not be listed. Default: none. */
  readonly redirectUris?: readonly string[]
  /** Default: nobody. */
  readonly users?: readonly UserOption[]
  /** Put the names of roles, and groups, into tokens. Default: false. */
  readonly roles?: boolean
}

/** The options, checked, copied and complete. */
export type WantedState = Required<SetupOptions>

const forbiddenInNames = /[/?:#&%=+;\p{C}]/u
const maxNameCharacters = 100
// RFC 6749 §3.3. Casdoor separates scopes by spaces only.
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** @throws {TypeError} that lists every mistake */
export function readSetupOptions(options: SetupOptions): WantedState {
  const { organization, application, scopes, redirectUris = [], users = [], roles = false } = options
  const mistakes = [
    ...nameMistakes('organization', organization),
    ...nameMistakes('application', application),
    ...users.flatMap(({ name }) => nameMistakes('user', name)),
  ]
  if (organization === builtInOrganization) {
    mistakes.push(
      `organization: every user of ${builtInOrganization} administers all of Casdoor, so agents would too. Name another; it is made if it is not there.`,
    )
  }
  if (application === builtInApplication) {
    mistakes.push(`application: ${builtInApplication} is how Casdoor is administered. Name another.`)
  }
  if (scopes.length === 0) {
    mistakes.push(
      'scopes: at least one is needed, since an application without any grants whatever is asked for.',
    )
  }
  for (const { name, displayName } of scopes) {
    if (!scopeToken.test(name)) {
      mistakes.push(`scope "${name}": a scope has no spaces, quotes or backslashes, and is plain ASCII.`)
    }
    if (displayName.trim() === '') {
      mistakes.push(`scope "${name}": says nothing to the person who is asked. Write ${name}=What it allows.`)
    }
  }
  for (const [what, names] of [
    ['scope', scopes.map(({ name }) => name)],
    ['user', users.map(({ name }) => name)],
  ] as const) {
    for (const name of doubles(names)) mistakes.push(`${what} "${name}": is named twice.`)
  }
  for (const redirectUri of redirectUris) {
    const mistake = redirectUriMistake(redirectUri)
    if (mistake !== undefined) mistakes.push(`redirect URI "${redirectUri}": ${mistake}.`)
  }
  for (const { name, password } of users) {
    if (password === '') mistakes.push(`user "${name}": the password is empty.`)
  }
  if (mistakes.length > 0) throw new TypeError(mistakes.join('\n'))
  return {
    organization,
    application,
    scopes: scopes.map((scope) => ({ ...scope, tools: [...scope.tools] })),
    redirectUris: [...new Set(redirectUris)],
    users: users.map((user) => ({ ...user })),
    roles,
  }
}

/** What Casdoor does not take in a name, or what would be another path in its URLs. */
function nameMistakes(what: string, name: string): readonly string[] {
  if (name === '' || name.trim() !== name)
    return [`${what} "${name}": must be a name without spaces around it.`]
  if (name.length > maxNameCharacters) return [`${what}: has more than ${maxNameCharacters} characters.`]
  if (forbiddenInNames.test(name)) {
    return [`${what} "${name}": Casdoor takes none of / ? : # & % = + ; and no control characters in names.`]
  }
  // A URL takes a backslash for a slash.
  return /^\.{1,2}$|\\/.test(name) ? [`${what} "${name}": is no name in a URL.`] : []
}

function doubles(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, place) => names.indexOf(name) !== place))]
}
