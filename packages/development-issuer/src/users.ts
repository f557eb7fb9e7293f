import { createHash, timingSafeEqual } from 'node:crypto'

/** Somebody who can log in at the development issuer. */
export interface DevelopmentUser {
  /** What is typed at the login page, and the `sub` of the tokens. */
  readonly name: string
  /** Kept as it is: this is an issuer for development. */
  readonly password: string
  /** For people; claim `name`. @defaultValue none */
  readonly displayName?: string
  /** Claim `email`. @defaultValue none */
  readonly email?: string
  /** Which organization the user belongs to; claim `organization`. @defaultValue none */
  readonly organization?: string
  /** Claim `roles`. @defaultValue none */
  readonly roles?: readonly string[]
  /** Claim `groups`. @defaultValue none */
  readonly groups?: readonly string[]
  /**
   * The scopes of resources that this user can give to a client; others are shown as not available and not granted.
   *
   * @defaultValue every scope
   */
  readonly mayConsentTo?: readonly string[]
  /** Further claims of this user's access tokens; they go before those above. @defaultValue none */
  readonly claims?: Readonly<Record<string, unknown>>
}

export const defaultUsers: readonly DevelopmentUser[] = [
  { name: 'alice', password: 'alice' },
  { name: 'bob', password: 'bob' },
]

/** What the access tokens of a user say, beside the standard claims. */
export function claimsOf(user: DevelopmentUser): Readonly<Record<string, unknown>> {
  const { displayName, email, organization, roles, groups } = user
  return {
    ...(displayName !== undefined && { name: displayName }),
    ...(email !== undefined && { email }),
    ...(organization !== undefined && { organization }),
    ...(roles !== undefined && { roles: [...roles] }),
    ...(groups !== undefined && { groups: [...groups] }),
    ...user.claims,
  }
}

/** Finds the user whose name and password these are, in the same time whether the name exists or not. */
export function verifyPassword(
  users: readonly DevelopmentUser[],
  name: string,
  password: string,
): DevelopmentUser | undefined {
  const user = users.find((candidate) => candidate.name === name)
  const matches = equalTexts(password, user?.password ?? '')
  return matches ? user : undefined
}

/** Compares without telling by its time where two texts differ, nor how long either is. */
export function equalTexts(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
