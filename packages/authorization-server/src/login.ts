import type { Html } from './page.ts'

/** What a login page has to say and where its form goes. */
export interface LoginView {
  /** Absolute path; the form is posted there. */
  readonly action: string
  /** Hidden fields that the form must carry. */
  readonly hiddenFields: Html
  /** Who wants access, for the heading; not proven. */
  readonly clientName: string
  /** What was typed before, or what the client suggests; not proven. */
  readonly username: string
  /** The last attempt was refused. */
  readonly failed: boolean
}

/**
 * Finds out who is there. The authorization server asks it, shows its page, and never sees how it knows.
 *
 * The form must send its fields url-encoded. A field `decision` with the value `deny` ends the request.
 */
export interface Login {
  /** The content of the page. */
  page(view: LoginView): { readonly title: string; readonly content: Html }
  /** The subject that the form proves, or undefined. The same time and the same words for every reason. */
  verify(form: URLSearchParams): Promise<string | undefined>
  /** Whether a subject that logged in earlier may still act; and what is known of it. */
  findAccount(subject: string): Account | undefined
}

/** What is known of somebody who may act. */
export interface Account {
  /** What the access tokens say besides the standard claims. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The scopes of resources that this person can give to a client. @defaultValue every scope */
  readonly mayConsentTo?: readonly string[]
}

/** Which of the scopes that a client asks for this person can give it, and which not. */
export function divideScopes(
  account: Account | undefined,
  scopes: readonly string[],
): { readonly available: readonly string[]; readonly refused: readonly string[] } {
  if (account === undefined) return { available: [], refused: scopes }
  const may = (scope: string): boolean => account.mayConsentTo?.includes(scope) ?? true
  return { available: scopes.filter(may), refused: scopes.filter((scope) => !may(scope)) }
}
