/**
 * Why something about a Casdoor could not be done. Names are permanent.
 *
 * - `unreachable`: no whole HTTP answer came back.
 * - `not_casdoor`: an answer came back that no Casdoor gives there, such as a web page.
 * - `wrong_credentials`: nobody can sign in with these.
 * - `not_allowed`: Casdoor takes the caller for nobody, or for somebody who may not.
 * - `refused`: Casdoor says why not.
 * - `unaffected`: Casdoor says that it went well, and changed nothing.
 * - `not_kept`: what was read back is not what was written.
 * - `in_the_way`: something is there already that must not be changed.
 */
export type CasdoorProblemCode =
  | 'unreachable'
  | 'not_casdoor'
  | 'wrong_credentials'
  | 'not_allowed'
  | 'refused'
  | 'unaffected'
  | 'not_kept'
  | 'in_the_way'

/** What went wrong, for an operator: it says what happened, why, and what to do. No secret is ever in it. */
export interface CasdoorProblem {
  readonly code: CasdoorProblemCode
  readonly message: string
}

export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: CasdoorProblem }

export function done<Value>(value: Value): Result<Value> {
  return { ok: true, value }
}

export function failed(code: CasdoorProblemCode, message: string): Result<never> {
  return { ok: false, problem: { code, message } }
}

const maxQuotedCharacters = 200

/** Somebody else's text for a terminal: on one line, bounded, without anything that a terminal would act on. */
export function quoted(text: string): string {
  const plain = text.replaceAll(/[\p{C}\s]+/gu, ' ').trim()
  return plain.length <= maxQuotedCharacters ? plain : `${plain.slice(0, maxQuotedCharacters)}…`
}
