import type { ToolResult } from '@mcp-doorman/mcp-endpoint'

/**
 * Why a call failed. The text of a failed result starts with one of these and a colon.
 *
 * Names are permanent: models and programs decide by them how to go on.
 */
export type FailureCode =
  | 'invalid_path'
  | 'invalid_arguments'
  | 'not_found'
  | 'not_a_file'
  | 'not_a_directory'
  | 'symlink'
  | 'exists'
  | 'not_empty'
  | 'conflict'
  | 'no_match'
  | 'ambiguous_match'
  | 'not_text'
  | 'too_large'
  | 'quota'
  | 'no_subject'
  | 'busy'
  | 'io_error'

/** A failure that the caller is told about. Its message never holds a path of the host. */
export class FileFailure extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string) {
    super(message)
    this.name = 'FileFailure'
    this.code = code
  }
}

/** Turns a failure into the result of a call. Anything else is a fault of ours and is thrown on. */
export function formatFailure(error: unknown): ToolResult {
  if (!(error instanceof FileFailure)) throw error
  return { content: [{ type: 'text', text: `${error.code}: ${error.message}` }], isError: true }
}

/** The system's name of an error (`ENOENT`), or undefined if the system did not raise it. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  // Node's own codes (`ERR_…`) are faults in our use of it, except that the permission model refused.
  return error.code.startsWith('ERR_') && error.code !== 'ERR_ACCESS_DENIED' ? undefined : error.code
}

/**
 * The failure that stands for an error of the system.
 *
 * The system's own message is dropped, because it names the path on the host.
 * An error that the system did not raise is thrown as it is.
 */
export function failureFromSystem(error: unknown, path: string): FileFailure {
  if (error instanceof FileFailure) return error
  const errno = errnoOf(error)
  const name = quoteName(path)
  switch (errno) {
    case undefined:
      throw error
    case 'ENOENT':
      return notFoundFailure(path)
    case 'ELOOP':
      return symlinkFailure(path)
    case 'ENOTDIR':
      return notADirectory(path)
    case 'EISDIR':
    case 'ENXIO': // A socket, or a FIFO that nobody reads.
    case 'ENODEV':
      return notAFile(path)
    case 'EEXIST':
      return new FileFailure('exists', `${name} exists already. Choose another name, or replace it.`)
    case 'ENOTEMPTY':
      return notEmptyFailure(path)
    case 'ENAMETOOLONG':
      return new FileFailure('invalid_path', `${name} has a name too long for this disk. Use a shorter one.`)
    case 'EMFILE':
    case 'ENFILE':
    case 'EAGAIN':
      return new FileFailure('busy', `The server has too many files open (${errno}). Try again shortly.`)
    case 'EACCES':
    case 'EPERM':
    case 'ERR_ACCESS_DENIED':
      return ioError(path, errno, 'the server is not permitted to do this; its operator must change that')
    case 'EXDEV':
      return ioError(path, errno, 'it lies on another disk than the new place; write a copy and delete it')
    case 'EROFS':
      return ioError(path, errno, 'the disk is read-only; nothing can be written there')
    case 'ENOSPC':
    case 'EDQUOT':
      return ioError(path, errno, 'the disk is full; what was there before is unchanged')
    default:
      return ioError(path, errno, 'the disk did not do what was asked; trying once more may help')
  }
}

export function notFoundFailure(path: string): FileFailure {
  const advice = 'Look at its directory with list_files.'
  return new FileFailure('not_found', `${quoteName(path)} does not exist. ${advice}`)
}

export function symlinkFailure(path: string): FileFailure {
  const name = quoteName(path)
  // One text whether the target exists or not, so that links tell nothing about what they point to.
  return new FileFailure('symlink', `${name} is a symbolic link; links are never followed. Use another path.`)
}

export function notADirectory(path: string): FileFailure {
  return new FileFailure('not_a_directory', `${quoteName(path)} is not a directory. See list_files.`)
}

export function notAFile(path: string): FileFailure {
  const name = quoteName(path)
  return new FileFailure('not_a_file', `${name} is not a regular file. Use list_files to see what it is.`)
}

export function notEmptyFailure(path: string): FileFailure {
  const advice = 'Delete or move what is in it first; names that are not shown count too.'
  return new FileFailure('not_empty', `${quoteName(path)} is a directory that is not empty. ${advice}`)
}

function ioError(path: string, errno: string, why: string): FileFailure {
  return new FileFailure('io_error', `${quoteName(path)}: ${why} (${errno}).`)
}

/**
 * A name as a JSON string in which characters that cannot be seen are written as escapes.
 *
 * A newline, a right-to-left mark or a narrow space in a name must not look like something else.
 */
export function quoteName(name: string): string {
  const shown = name.length > 300 ? `${name.slice(0, 300)}…` : name
  return JSON.stringify(shown).replace(/[\u007f-\u009f]|[^\P{Z} ]|\p{Cf}/gu, escapeUnits)
}

function escapeUnits(text: string): string {
  let escaped = ''
  for (let at = 0; at < text.length; at++) {
    escaped += `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`
  }
  return escaped
}
