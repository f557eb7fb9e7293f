import { problemOfDenyPattern } from './walk/deny.ts'
import type { OpenerKind } from './walk/opener.ts'

/** What {@link openFilesRoot} needs to know. */
export interface FilesRootOptions {
  /** The directory to serve. Made absolute and resolved once; its own symbolic links are the operator's. */
  readonly directory: string
  /**
   * Gives each verified user a child of the directory of their own, made with mode 0700 on their first
   * write. Calls without a caller (stdio) get the directory itself.
   *
   * @defaultValue false: all callers share the directory
   */
  readonly perUser?: boolean
  /**
   * Offers no tool that writes, and removes nothing.
   *
   * @defaultValue false
   */
  readonly readOnly?: boolean
  /**
   * What no tool shows, opens, makes or moves, as if it were not there: at most 1000 patterns of at most
   * 256 characters. `*` and `?` stay within a name, `**` spans directories; without `/` a pattern hides every
   * such name at any depth (`.env`), with `/` it counts from the caller's root (`build/**`). What is below is
   * hidden too. Case and Unicode form are not told apart. Not checked: other names of the same file that only
   * the disk knows, as FAT has.
   *
   * @defaultValue []: nothing
   */
  readonly deny?: readonly string[]
  /**
   * Most bytes that the files of one root may have together, as their sizes say. Whole number, 1 to 2^53 - 1.
   *
   * @defaultValue Infinity
   */
  readonly quotaBytes?: number
  /**
   * Most names (files, directories, links) that one root may have. Whole number, 1 to 2^53 - 1.
   *
   * @defaultValue Infinity
   */
  readonly quotaEntries?: number
  /**
   * A directory whose content new users find in their root, made when they first call. Read once, at start:
   * files and directories only, at most 1000 of them and 16 MiB. Needs {@link FilesRootOptions.perUser}.
   *
   * @defaultValue undefined: new roots are empty
   */
  readonly skeleton?: string | undefined
  /**
   * How paths are opened. `auto` is the descriptor walk, or `realpath` where `/proc` is missing.
   *
   * @defaultValue 'auto'
   */
  readonly opener?: 'auto' | OpenerKind
  /**
   * Permits the opener `realpath`, which local processes that swap directories for links can outrun.
   *
   * @defaultValue false: refuse to start without `/proc`
   */
  readonly allowWeakOpener?: boolean
  /**
   * Calls of one caller that run at once. Whole number, 1 to 1000.
   *
   * @defaultValue 8
   */
  readonly maxConcurrentCallsPerCaller?: number
  /**
   * Calls of one caller that wait for others of theirs; more are answered `busy`. Whole number, 0 to 10000.
   *
   * @defaultValue 64
   */
  readonly maxWaitingCallsPerCaller?: number
  /**
   * How long a call may take, waiting included, in seconds. 0.1 to 600.
   *
   * @defaultValue 10
   */
  readonly callTimeLimitSeconds?: number
  /**
   * Permissions of new files; files that are replaced keep theirs. 0 to 0o777, owner must read and write.
   *
   * @defaultValue 0o644
   */
  readonly fileMode?: number
  /**
   * Permissions of directories made for new files, before the process's umask. 0 to 0o777, owner must
   * have all.
   *
   * @defaultValue 0o755
   */
  readonly directoryMode?: number
}

export type CheckedOptions = Required<FilesRootOptions>

const defaults: Omit<CheckedOptions, 'directory'> = {
  perUser: false,
  readOnly: false,
  deny: [],
  quotaBytes: Number.POSITIVE_INFINITY,
  quotaEntries: Number.POSITIVE_INFINITY,
  skeleton: undefined,
  opener: 'auto',
  allowWeakOpener: false,
  maxConcurrentCallsPerCaller: 8,
  maxWaitingCallsPerCaller: 64,
  callTimeLimitSeconds: 10,
  fileMode: 0o644,
  directoryMode: 0o755,
}

/** Copies the options with defaults filled in. @throws {TypeError} naming every mistake */
export function checkOptions(given: FilesRootOptions): CheckedOptions {
  const options: CheckedOptions = { directory: '', ...defaults }
  // Callers without types may pass anything; `undefined` means the default.
  for (const [key, value] of Object.entries(given)) {
    if (value !== undefined) Object.assign(options, { [key]: Array.isArray(value) ? [...value] : value })
  }
  const problems = [
    ...Object.keys(given)
      .filter((key) => key !== 'directory' && !Object.hasOwn(defaults, key))
      .map((key) => `${key}: unknown option`),
    ...problemsOf(options),
  ]
  if (problems.length > 0) throw new TypeError(`openFilesRoot: ${problems.join('; ')}`)
  return Object.freeze(options)
}

function* problemsOf(options: CheckedOptions): Generator<string> {
  const { directory, opener, fileMode, directoryMode } = options
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    yield 'directory: must be the path of a directory'
  }
  for (const key of ['perUser', 'readOnly', 'allowWeakOpener'] as const) {
    if (typeof options[key] !== 'boolean') yield `${key}: must be true or false`
  }
  yield* problemsOfDeny(options.deny)
  for (const key of ['quotaBytes', 'quotaEntries'] as const) {
    const most = options[key]
    if (most !== Number.POSITIVE_INFINITY && !isWhole(most, 1, Number.MAX_SAFE_INTEGER)) {
      yield `${key}: must be a whole number from 1, or Infinity`
    }
  }
  yield* problemsOfSkeleton(options)
  if (!['auto', 'descriptor-walk', 'realpath'].includes(opener)) {
    yield 'opener: must be "auto", "descriptor-walk" or "realpath"'
  }
  if (!isWhole(options.maxConcurrentCallsPerCaller, 1, 1000)) {
    yield 'maxConcurrentCallsPerCaller: must be a whole number from 1 to 1000'
  }
  if (!isWhole(options.maxWaitingCallsPerCaller, 0, 10_000)) {
    yield 'maxWaitingCallsPerCaller: must be a whole number from 0 to 10000'
  }
  const seconds = options.callTimeLimitSeconds
  if (typeof seconds !== 'number' || !(seconds >= 0.1 && seconds <= 600)) {
    yield 'callTimeLimitSeconds: must be a number from 0.1 to 600'
  }
  if (!isWhole(fileMode, 0, 0o777) || (fileMode & 0o600) !== 0o600) {
    yield 'fileMode: must be from 0o600 to 0o777 and let the owner read and write'
  }
  if (!isWhole(directoryMode, 0, 0o777) || (directoryMode & 0o700) !== 0o700) {
    yield 'directoryMode: must be from 0o700 to 0o777 and let the owner do all'
  }
}

function* problemsOfDeny(patterns: readonly string[]): Generator<string> {
  if (!Array.isArray(patterns) || patterns.length > 1000) {
    yield 'deny: must be a list of at most 1000 patterns'
    return
  }
  for (const pattern of patterns) {
    const problem = problemOfDenyPattern(pattern)
    if (problem !== undefined) yield `deny: ${problem}`
  }
}

function* problemsOfSkeleton({ skeleton, perUser, readOnly }: CheckedOptions): Generator<string> {
  if (skeleton === undefined) return
  if (typeof skeleton !== 'string' || skeleton === '' || skeleton.includes('\0')) {
    yield 'skeleton: must be the path of a directory'
  }
  if (!perUser) yield 'skeleton: has no effect without perUser, as there are no new roots'
  if (readOnly) yield 'skeleton: cannot be copied with readOnly'
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most
}
