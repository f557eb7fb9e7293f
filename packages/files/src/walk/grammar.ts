import { FileFailure, notFoundFailure, quoteName } from '../failure.ts'
import type { Deny } from './deny.ts'

/** Longest path, in bytes of UTF-8. */
export const maxPathBytes = 4096
/** Longest name of one file or directory, in bytes of UTF-8. */
const maxNameBytes = 255
/** Most components of one path. */
export const maxComponents = 64

/**
 * How our own unpublished files begin.
 *
 * No caller can express such a name, so no caller can see, read or overwrite one.
 */
export const tempPrefix = '.doorman-tmp-'

/** Where the command keeps keys and secrets unless it is told otherwise; in any case, for disks that ignore it. */
const stateFolder = '.doorman'

/** Whether a name belongs to the server, wherever it stands below a root. */
export function isReservedName(name: string): boolean {
  return (
    name.startsWith(tempPrefix) || (name.length === stateFolder.length && name.toLowerCase() === stateFolder)
  )
}

declare const accepted: unique symbol

/**
 * A path that passed the grammar. Only {@link parsePath} makes one.
 *
 * What the operator hides is refused by {@link readPathArgument}, through which every argument comes.
 *
 * One file has one spelling, so `text` serves as the key of a lock.
 */
export interface CallerPath {
  readonly text: string
  /** The names from the root down; empty only for the root itself. */
  readonly components: readonly string[]
  readonly [accepted]: true
}

export type ParsedPath =
  | { readonly ok: true; readonly value: CallerPath }
  | { readonly ok: false; readonly problem: string }

/** Whether the root itself, written `""` or `"."`, is a possible answer. */
export type RootSpelling = 'accept-root' | 'refuse-root'

/**
 * Reads a path as a caller wrote it, before any system call.
 *
 * Nothing is trimmed, unquoted, percent-decoded, case-folded or normalised: the string that is judged
 * is the string that is opened.
 */
export function parsePath(text: string, root: RootSpelling): ParsedPath {
  if (root === 'accept-root' && (text === '' || text === '.')) return accept('', [])
  const problem = problemOfPath(text)
  if (problem !== undefined) return { ok: false, problem }
  const components = text.split('/')
  if (components.length > maxComponents) {
    return { ok: false, problem: `has more than ${maxComponents} components` }
  }
  for (const component of components) {
    const fault = problemOfName(component)
    if (fault !== undefined) return { ok: false, problem: fault }
  }
  return accept(text, components)
}

/**
 * Like {@link parsePath}, for the argument of a call.
 *
 * @throws {FileFailure} `invalid_path`; `not_found` for what the operator hides
 */
export function readPathArgument(text: string, spelling: RootSpelling, deny: Deny | undefined): CallerPath {
  const parsed = parsePath(text, spelling)
  if (parsed.ok) {
    if (deny?.hides(parsed.value.components) === true) throw notFoundFailure(text)
    return parsed.value
  }
  const advice = 'Give a path relative to the root, such as "notes/today.md".'
  // An absolute path is the host's, and not repeated, whoever wrote it.
  const shown = text.startsWith('/') ? 'The path' : quoteName(text)
  throw new FileFailure('invalid_path', `${shown} ${parsed.problem}. ${advice}`)
}

/** The last of the names. The root has none, and nothing that needs one accepts the root. */
export function lastOf(components: readonly string[]): string {
  const last = components.at(-1)
  if (last === undefined) throw new Error('the root was given where a name below it is needed')
  return last
}

/** Why a caller could never write this as one component, or undefined if they could. */
export function problemOfName(name: string): string | undefined {
  if (name === '') return 'has an empty component ("//", or "/" at an end)'
  if (name === '.' || name === '..') return 'has "." or ".." as a component'
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at)
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return 'has a control character'
    if (unit === 0x5c) return 'has a backslash; components are separated with "/"'
  }
  // A code unit takes at most three bytes, so most names need no count.
  if (name.length * 3 > maxNameBytes && Buffer.byteLength(name) > maxNameBytes) {
    return `has a component longer than ${maxNameBytes} bytes`
  }
  if (isReservedName(name)) return 'uses a name that is reserved for the server'
  return undefined
}

function problemOfPath(text: string): string | undefined {
  if (text === '') return 'is empty'
  // A lone surrogate would be written as U+FFFD, which is another name.
  if (!text.isWellFormed()) return 'is not well-formed Unicode'
  if (text.length > maxPathBytes || Buffer.byteLength(text) > maxPathBytes) {
    return `is longer than ${maxPathBytes} bytes`
  }
  if (text.startsWith('/')) return 'is absolute'
  if (text.startsWith('~/')) return 'starts with "~/", which is not expanded'
  if (/^[A-Za-z]:(?:\/|$)/.test(text)) return 'starts with a drive letter'
  return undefined
}

function accept(text: string, components: readonly string[]): ParsedPath {
  // The brand has no value at run time; this is the one place that grants it.
  return { ok: true, value: { text, components } as CallerPath }
}
