import { FileFailure } from './failure.ts'
import { type CallerPath, readPathArgument } from './walk/grammar.ts'
import type { Deny } from './walk/deny.ts'

/** Addresses in a virtual tree whose top is the caller's root (RFC 8089). */
export const fileUriTemplate = 'file:///{+path}'

const top = 'file:///'

/** The URI of a path, spelled as the template's expansion spells it (RFC 6570, reserved expansion). */
export function formatFileUri(path: CallerPath): string {
  return top + encodeURI(path.text).replace(/[?#]/g, encodeURIComponent)
}

/**
 * Reads the path from a URI: decoded once, then held to the grammar like any other.
 *
 * A slash that is encoded is no way to write two components, and is refused.
 *
 * @throws {FileFailure} `invalid_path`, `not_found`
 */
export function readFileUri(uri: string, deny: Deny | undefined): CallerPath {
  const components = uri.startsWith(top) && !/[?#]/.test(uri) ? uri.slice(top.length).split('/') : []
  const names = components.map(decodeComponent)
  if (names.length === 0 || names.some((name) => name === undefined || name.includes('/'))) {
    throw new FileFailure('invalid_path', 'The URI is not file:/// and a path below the root.')
  }
  return readPathArgument(names.join('/'), 'refuse-root', deny)
}

function decodeComponent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // A "%" that begins no byte, or bytes that are no UTF-8.
  }
}
