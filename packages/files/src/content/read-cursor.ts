import { hash } from 'node:crypto'
import { etagLength } from '../etag.ts'

/** Where the next page of a file starts. */
export interface ReadPosition {
  readonly offset: number
  /** Number of the line at the offset, from 1 or from -1 backwards. */
  readonly line: number
  /** The version of the file that the earlier pages showed. */
  readonly etag: string
}

/**
 * Writes a position as a cursor for one path of one root.
 *
 * The check at its end catches damage and mix-ups; it is no secret. Who forges a cursor gains nothing, as
 * it only says where to start in a file that the call must be allowed to read anyway.
 */
export function formatReadCursor(position: ReadPosition, rootKey: string, path: string): string {
  const body = `${position.etag}.${position.offset.toString(36)}.${position.line.toString(36)}`
  return `${body}.${checkOf(body, rootKey, path)}`
}

/** The position, or undefined if this is no cursor of this path and root. */
export function parseReadCursor(cursor: string, rootKey: string, path: string): ReadPosition | undefined {
  const match = shape.exec(cursor)
  if (match === null) return undefined
  const [, body = '', etag = '', offset = '', line = '', check] = match
  if (checkOf(body, rootKey, path) !== check) return undefined
  const position = { etag, offset: Number.parseInt(offset, 36), line: Number.parseInt(line, 36) }
  const exact = Number.isSafeInteger(position.offset) && Number.isSafeInteger(position.line)
  return exact ? position : undefined
}

/** Longest cursor that {@link formatReadCursor} can write. */
export const maxReadCursorLength = 64

const shape = new RegExp(`^(([\\w-]{${etagLength}})\\.([0-9a-z]{1,11})\\.(-?[0-9a-z]{1,11}))\\.([\\w-]{12})$`)

function checkOf(body: string, rootKey: string, path: string): string {
  return hash('sha256', `${rootKey}\0${path}\0${body}`, 'base64url').slice(0, 12)
}
