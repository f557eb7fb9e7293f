import type { Era } from '../action.ts'

/** What of a call decides which headers its handler sees. */
export interface HeaderView {
  readonly era: Era
  /** The handler is handed less than was sent, so what was said of the length is no longer so. */
  readonly reduced: boolean
}

/** A handler could pass the token on, and need not know the proof of it. */
export const credentialHeaders: readonly string[] = ['authorization', 'dpop']

const length: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])
// Compared with the message in the newer era only; in the older one they may say anything.
const repeats: ReadonlySet<string> = new Set(['mcp-method', 'mcp-name'])

/**
 * Whether a handler must not see a header, its name in lower case: credentials, and what was not judged.
 *
 * The newer era has no sessions, so nobody was asked whose the session is; a server behind may serve it all the same.
 */
export function hidesHeader(name: string, { era, reduced }: HeaderView): boolean {
  if (credentialHeaders.includes(name)) return true
  if (reduced && length.has(name)) return true
  if (!name.startsWith('mcp-')) return false
  return era === 'modern' ? name === 'mcp-session-id' : repeats.has(name) || name.startsWith('mcp-param-')
}
