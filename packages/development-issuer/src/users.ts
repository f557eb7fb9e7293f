import { createHash, timingSafeEqual } from 'node:crypto'

/** Somebody who can log in at the development issuer. */
export interface DevelopmentUser {
  /** What is typed at the login page, and the `sub` of the tokens. */
  readonly name: string
  /** Kept as it is: this is an issuer for development. */
  readonly password: string
  /** Further claims of this user's access tokens, such as `roles` or `groups`. @defaultValue none */
  readonly claims?: Readonly<Record<string, unknown>>
}

export const defaultUsers: readonly DevelopmentUser[] = [
  { name: 'alice', password: 'alice' },
  { name: 'bob', password: 'bob' },
]

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
