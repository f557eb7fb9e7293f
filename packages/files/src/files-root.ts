import { closeSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Caller, ResourceTemplate } from '@mcp-doorman/mcp-endpoint'
import { type Calls, createCalls } from './calls.ts'
import { errnoOf } from './failure.ts'
import { createFileTemplate } from './file-resources.ts'
import { formatFileUri } from './file-uri.ts'
import type { FilesTool } from './files-tool.ts'
import { checkOptions, type CheckedOptions, type FilesRootOptions } from './options.ts'
import { runSteps } from './pace.ts'
import { createQuota, type QuotaLimits } from './quota.ts'
import { createFindRoot, createPrepareRoot } from './roots.ts'
import { type ResourceScopes, scopesOfResources, scopesOfTools } from './scopes.ts'
import type { ChangeParts } from './tools/change.ts'
import { createDeleteFileTool } from './tools/delete-file.ts'
import { createEditFileTool } from './tools/edit-file.ts'
import { createListFilesTool } from './tools/list-files.ts'
import { createMoveFileTool } from './tools/move-file.ts'
import { createReadFileTool } from './tools/read-file.ts'
import { createSearchFilesTool } from './tools/search-files.ts'
import { createWriteFileTool } from './tools/write-file.ts'
import { createTurns } from './turns.ts'
import { createDeny } from './walk/deny.ts'
import { canWalkDescriptors, descriptorWalk } from './walk/descriptor-walk.ts'
import type { Directory, OpenerKind } from './walk/opener.ts'
import { realpathOpener } from './walk/realpath-opener.ts'
import { readSkeleton, type Skeleton } from './walk/skeleton.ts'
import { sweepTemps } from './walk/sweep.ts'

/** A file is not what it was. */
export interface FileChange {
  /** Of the file, in the root of those whom it concerns. */
  readonly uri: string
  /** Whether it is a caller's root that the file is in. @throws {FileFailure} `no_subject` */
  readonly concerns: (caller: Caller | undefined) => boolean
}

/** An open directory and the tools over it. */
export interface FilesServer {
  /** In a fixed order. Without tools that write if the root is read-only. */
  readonly tools: readonly FilesTool[]
  /** The scopes that a call of each offered tool needs, by the tool's name. Nothing here enforces them. */
  readonly scopesOf: ReadonlyMap<string, readonly string[]>
  /** The files as resources. */
  readonly template: ResourceTemplate
  /** The scopes that the use of resources needs. Nothing here enforces them either. */
  readonly resourceScopes: readonly ResourceScopes[]
  /**
   * Has a listener told of every file that a call has changed, made or taken away; of a directory that was moved,
   * but not of what is in it. What others do to the directory is not noticed.
   */
  readonly onChange: (listener: (change: FileChange) => void) => void
  /** How paths are opened here. Beyond loopback, `realpath` should be refused unless asked for. */
  readonly opener: OpenerKind
  /** The resolved directory, to be announced to the operator; no tool ever shows it. */
  readonly directory: string
  /** Whether each caller has a root of their own, so that callers without a subject are of no use. */
  readonly perUser: boolean
  /** Resolves with how many unpublished files of killed processes were removed after the start. */
  readonly swept: Promise<number>
  /**
   * Refuses new calls, stops running ones, and closes the directory when the last has let go of it.
   * Does not wait for a disk that never answers.
   */
  readonly close: () => Promise<void>
}

/**
 * Opens a directory and builds the tools over it.
 *
 * Paths that callers send never leave it: see `walk/`. Not checked: mounts and hard links inside it,
 * which are acts of people with an account on the host, and the scopes of callers.
 *
 * @throws {TypeError} naming every wrong option
 * @throws {Error} if the directory is missing, no directory, unreadable or `/`, or if only the weak
 *   opener works here and it is not allowed
 */
export function openFilesRoot(given: FilesRootOptions): FilesServer {
  const options = checkOptions(given)
  if (process.platform === 'win32') {
    throw new Error('The files server runs on Linux and macOS; Windows has too many names for one file.')
  }
  const directory = resolveDirectory(options.directory)
  const { base, kind } = openBase(directory, options)
  const skeleton = loadSkeleton(options.skeleton, base, kind)

  const nowMs = (): number => performance.now()
  const stopSweeping = new AbortController()
  const swept = sweep(base, options, stopSweeping.signal)
  const { perUser, directoryMode } = options
  const findRoot = createFindRoot({ base, perUser, directoryMode, deny: createDeny(options.deny) })
  const listeners: Array<(change: FileChange) => void> = []
  const calls = createCalls({
    findRoot,
    prepareRoot: createPrepareRoot(skeleton),
    maxConcurrentCallsPerCaller: options.maxConcurrentCallsPerCaller,
    maxWaitingCallsPerCaller: options.maxWaitingCallsPerCaller,
    callTimeLimitMs: options.callTimeLimitSeconds * 1000,
    nowMs,
  })
  const parts: ChangeParts = {
    locks: createTurns({ atOnce: 1, waiting: Number.POSITIVE_INFINITY }),
    quota: createQuota(limitsOf(options), nowMs),
    fileMode: options.fileMode,
    onChange: ({ key }, path) => {
      const uri = formatFileUri(path)
      const concerns: FileChange['concerns'] = (caller) => findRoot(caller).key === key
      for (const listener of listeners) listener({ uri, concerns })
    },
  }
  const tools = createTools(calls, parts, nowMs).filter(
    ({ annotations }) => !options.readOnly || annotations?.readOnlyHint === true,
  )

  let closed: Promise<void> | undefined
  async function close(): Promise<void> {
    stopSweeping.abort()
    await Promise.all([calls.close(), swept])
    await parts.quota.close()
    closeSync(base.fd)
  }
  return {
    tools,
    scopesOf: new Map([...scopesOfTools].filter(([name]) => tools.some((tool) => tool.name === name))),
    template: createFileTemplate(calls),
    resourceScopes: scopesOfResources,
    onChange: (listener) => void listeners.push(listener),
    opener: kind,
    directory,
    perUser: options.perUser,
    swept,
    close: () => (closed ??= close()),
  }
}

/** In the order in which clients are shown them. */
function createTools(calls: Calls, parts: ChangeParts, nowMs: () => number): readonly FilesTool[] {
  return [
    createReadFileTool(calls),
    createListFilesTool(calls, nowMs),
    createWriteFileTool(calls, parts),
    createEditFileTool(calls, parts),
    createSearchFilesTool(calls, nowMs),
    createMoveFileTool(calls, parts),
    createDeleteFileTool(calls, parts),
  ]
}

function limitsOf({ quotaBytes, quotaEntries }: CheckedOptions): QuotaLimits | undefined {
  const unlimited = quotaBytes === Number.POSITIVE_INFINITY && quotaEntries === Number.POSITIVE_INFINITY
  return unlimited ? undefined : { maxBytes: quotaBytes, maxEntries: quotaEntries }
}

/** Reads the operator's skeleton. If it cannot be used, the base is closed again. */
function loadSkeleton(given: string | undefined, base: Directory, kind: OpenerKind): Skeleton | undefined {
  if (given === undefined) return undefined
  const opener = kind === 'descriptor-walk' ? descriptorWalk : realpathOpener
  let top: Directory | undefined
  try {
    top = opener.openBase(resolveDirectory(given))
    return readSkeleton(top)
  } catch (error) {
    closeSync(base.fd)
    const reason = errnoOf(error) ?? (error instanceof Error ? error.message : String(error))
    throw new Error(`The skeleton ${given} cannot be copied: ${reason}`, { cause: error })
  } finally {
    if (top !== undefined) closeSync(top.fd)
  }
}

function resolveDirectory(given: string): string {
  const asked = resolve(given)
  let directory: string
  try {
    directory = realpathSync.native(asked)
    if (!statSync(directory).isDirectory())
      throw new Error(`${asked} is not a directory. Name a directory to serve.`)
  } catch (error) {
    switch (errnoOf(error)) {
      case undefined:
        throw error
      case 'ENOENT':
        throw new Error(`${asked} does not exist. Make the directory first, or name another.`, {
          cause: error,
        })
      default:
        throw cannotOpen(asked, error)
    }
  }
  if (directory === '/') {
    throw new Error(
      'The root of the file system (/) is never served. Name a directory that holds only what agents may see.',
    )
  }
  return directory
}

function cannotOpen(directory: string, error: unknown): Error {
  const reason = `cannot be opened (${errnoOf(error)})`
  return new Error(`${directory} ${reason}. Let the user that runs this server read it.`, { cause: error })
}

function openBase(directory: string, options: CheckedOptions): { base: Directory; kind: OpenerKind } {
  let base: Directory
  try {
    base = descriptorWalk.openBase(directory)
  } catch (error) {
    throw cannotOpen(directory, error)
  }
  const wanted = options.opener
  if (wanted !== 'realpath' && canWalkDescriptors(base.fd)) return { base, kind: 'descriptor-walk' }
  closeSync(base.fd)
  if (wanted === 'descriptor-walk') {
    throw new Error('/proc is missing or hidden here, and the opener "descriptor-walk" needs it.')
  }
  if (!options.allowWeakOpener) {
    const reason =
      wanted === 'realpath'
        ? 'The opener "realpath"'
        : '/proc is missing or hidden here; without it the files server'
    throw new Error(
      `${reason} can be outrun by local processes that swap directories for links. Allow it with allowWeakOpener.`,
    )
  }
  return { base: realpathOpener.openBase(directory), kind: 'realpath' }
}

async function sweep(base: Directory, options: CheckedOptions, signal: AbortSignal): Promise<number> {
  if (options.readOnly) return 0
  try {
    return await runSteps(sweepTemps(base, Date.now), { throwIfStopped: () => signal.throwIfAborted() })
  } catch (error) {
    if (signal.aborted || errnoOf(error) !== undefined) return 0
    throw error
  }
}
