import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { etagOf } from '../etag.ts'
import { failureFromSystem, FileFailure, quoteName } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { runSteps } from '../pace.ts'
import { nothing } from '../quota.ts'
import { type CallerPath, readPathArgument } from '../walk/grammar.ts'
import { MadeDirectories } from '../walk/made-directories.ts'
import { type Moved, moveName } from '../walk/move.ts'
import type { Directory } from '../walk/opener.ts'
import { syncDirectory } from '../walk/publish.ts'
import { requireReachable } from '../walk/reach.ts'
import { leafOf, lstatIfThere, openParent, requireLeaf } from '../walk/walk.ts'
import { etagSchema, pathSchema } from './arguments.ts'
import { type ChangeParts, withLocks } from './change.ts'

interface MoveArguments {
  readonly from: string
  readonly to: string
}

export function createMoveFileTool(calls: Calls, parts: ChangeParts): FilesTool {
  return {
    name: 'move_file',
    title: 'Move or rename',
    description:
      'Moves or renames a file or a directory with all that is in it. Never replaces anything: if there is something ' +
      'at the new path it fails with "exists". Makes missing parent directories.',
    inputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['from', 'to'],
      properties: {
        from: { ...pathSchema, description: `What to move. ${pathSchema.description}` },
        to: { ...pathSchema, description: 'Its new path, name included.' },
      },
    },
    outputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['from', 'to', 'type'],
      properties: {
        from: { type: 'string' },
        to: { type: 'string' },
        type: { enum: ['file', 'directory'] },
        etag: { ...etagSchema, description: 'Names this version of the file from now on; of files only.' },
      },
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    call: calls.serve((args: MoveArguments, call: Call) => moveFile(args, call, parts)),
  }
}

async function moveFile(args: MoveArguments, call: Call, parts: ChangeParts): Promise<ToolResult> {
  const from = readPathArgument(args.from, 'refuse-root', call.root.deny)
  const to = readPathArgument(args.to, 'refuse-root', call.root.deny)
  if (to.text.startsWith(`${from.text}/`)) {
    const why = `lies inside ${quoteName(from.text)}, and nothing can be moved into itself`
    throw new FileFailure('invalid_path', `${quoteName(to.text)} ${why}. Choose a path outside it.`)
  }
  return withLocks(parts.locks, [from, to], call, async () => {
    const missing = lstatIfThere(call.root, to) === undefined ? to.components.length - 1 : 0
    const reservation = await parts.quota.reserve(call.root, { bytes: 0, entries: missing }, call.signal)
    let taken = nothing
    const made = new MadeDirectories()
    try {
      const moved = await moveLocked({ from, to, call }, made)
      taken = { bytes: 0, entries: made.count }
      parts.onChange(call.root, from)
      parts.onChange(call.root, to)
      return format(from, to, moved)
    } catch (error) {
      throw failureFromSystem(error, from.text)
    } finally {
      made.close()
      reservation.settle(taken)
    }
  })
}

interface Move {
  readonly from: CallerPath
  readonly to: CallerPath
  readonly call: Call
}

async function moveLocked(move: Move, made: MadeDirectories): Promise<Moved> {
  const { from, call } = move
  const source = openParent(call.root, from)
  try {
    // A source that cannot be moved is found out before anything is made for it.
    const stats = requireLeaf(source, from)
    if (stats.isDirectory()) {
      requireSameRules(move)
      await requireReachableFrom(source, move)
    }
    return await moveInto(source, move, made)
  } finally {
    source.close()
  }
}

async function moveInto(source: Directory, { from, to, call }: Move, made: MadeDirectories): Promise<Moved> {
  let target: Directory | undefined
  try {
    target = openParent(call.root, to, made)
    call.throwIfStopped()
    const moved = moveName(source, from, target, to)
    await made.sync()
    await syncDirectory(target)
    await syncDirectory(source)
    return moved
  } catch (error) {
    made.takeBack()
    throw error
  } finally {
    target?.close()
  }
}

/** What nobody can name can be neither read nor deleted. */
async function requireReachableFrom(source: Directory, { from, to, call }: Move): Promise<void> {
  const directory = source.openDirectory(leafOf(from))
  try {
    await runSteps(requireReachable(directory, from, to), call)
  } finally {
    directory.close()
  }
}

/** What is hidden in a directory must stay so under its new name, or a move would lay it open. */
function requireSameRules({ from, to, call }: Move): void {
  if (call.root.deny?.staysHidden(from.components, to.components) !== false) return
  const why = 'cannot be moved there: paths below it are subject to a rule of the operator'
  throw new FileFailure('invalid_path', `${quoteName(from.text)} ${why}. Move what is in it one by one.`)
}

function format(from: CallerPath, to: CallerPath, { stats }: Moved): ToolResult {
  const type = stats.isDirectory() ? 'directory' : 'file'
  const etag = type === 'file' ? etagOf(stats) : undefined
  return {
    content: [
      {
        type: 'text',
        text: `Moved ${type} ${quoteName(from.text)} to ${quoteName(to.text)}${etag === undefined ? '.' : `; etag ${etag}`}`,
      },
    ],
    structuredContent: { from: from.text, to: to.text, type, ...(etag !== undefined && { etag }) },
  }
}
