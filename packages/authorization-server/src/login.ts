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
  /** Whether a subject that logged in earlier may still act; and what its tokens say besides the standard claims. */
  findAccount(subject: string): { readonly claims: Readonly<Record<string, unknown>> } | undefined
}
