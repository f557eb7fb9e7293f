import type { CallerPath } from './walk/grammar.ts'

/** The `file:` URI of a path in a virtual tree whose top is the caller's root (RFC 8089). */
export function formatFileUri(path: CallerPath): string {
  return `file:///${path.components.map(encodeURIComponent).join('/')}`
}
