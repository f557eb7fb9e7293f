import { maxGlobLength } from '../glob.ts'

/** Bounds and words that the schemas of several tools share. */

/**
 * Longest path that the schemas let through, in code points.
 *
 * The grammar's own limit is in bytes and lower; it should be the one to answer, as it says what to do.
 */
export const maxPathLength = 8192

/** Largest content of one write, and largest file that is edited or searched, in bytes. */
export const maxContentBytes = 5_242_880

export const pathSchema = {
  type: 'string',
  maxLength: maxPathLength,
  description: 'Path relative to the root, components separated with "/", for example "notes/today.md".',
} as const

export const etagSchema = {
  type: 'string',
  description: 'Names this version of the file. Pass it as if_match to write only over this version.',
} as const

export const ifMatchSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  description: 'Write only if the file still has this etag; otherwise fail with "conflict".',
} as const

export const globSchema = {
  type: 'string',
  minLength: 1,
  maxLength: maxGlobLength,
  description:
    'Only what matches: * and ? within a name, ** across directories. Without "/" it is matched against names ' +
    '("*.md"), with "/" against paths below the given one ("docs/**/*.md").',
} as const

/** A place in a listing is the last path that was looked at. */
export const listCursorSchema = {
  type: 'string',
  minLength: 1,
  maxLength: maxPathLength,
  description: 'next_cursor of the page before, with the other arguments unchanged.',
} as const
