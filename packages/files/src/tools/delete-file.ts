import type { BigIntStats } from 'node:fs'
import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { failureFromSystem, notAFile, quoteName } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { nothing } from '../quota.ts'
import { type CallerPath, readPathArgument } from '../walk/grammar.ts'
import type { Directory } from '../walk/opener.ts'
import { syncDirectory } from '../walk/publish.ts'
import { leafOf, openParent, requireLeaf } from '../walk/walk.ts'
import { ifMatchSchema, pathSchema } from './arguments.ts'
import { type ChangeParts, requireMatch, withLocks } from './change.ts'

interface DeleteArguments {
  readonly path: string
  readonly if_match?: string
}

type Deleted = 'file' | 'directory' | 'symlink'

export function createDeleteFileTool(calls: Calls, parts: ChangeParts): FilesTool {
  return {
    name: 'delete_file',
    title: 'Delete a file',
    description:
      'Deletes a file, a symbolic link (never what it points to) or an empty directory, for good. ' +
      'Directories that are not empty are refused: delete what is in them first.',
    inputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path'],
      properties: {
        path: pathSchema,
        if_match: {
          ...ifMatchSchema,
          description: 'Delete only a file that still has this etag; otherwise fail with "conflict".',
        },
      },
    },
    outputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path', 'type'],
      properties: {
        path: { type: 'string' },
        type: { enum: ['file', 'directory', 'symlink'], description: 'What was deleted.' },
      },
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    call: calls.serve((args: DeleteArguments, call: Call) => deleteFile(args, call, parts)),
  }
}

async function deleteFile(args: DeleteArguments, call: Call, parts: ChangeParts): Promise<ToolResult> {
  const path = readPathArgument(args.path, 'refuse-root', call.root.deny)
  return withLocks(parts.locks, [path], call, async () => {
    const reservation = await parts.quota.reserve(call.root, nothing, call.signal)
    let taken = nothing
    try {
      const parent = openParent(call.root, path)
      try {
        const { type, bytes } = remove(parent, path, args, call)
        taken = { bytes: -bytes, entries: -1 }
        parts.onChange(call.root, path)
        await syncDirectory(parent)
        return format(path, type)
      } finally {
        parent.close()
      }
    } catch (error) {
      throw failureFromSystem(error, path.text)
    } finally {
      reservation.settle(taken)
    }
  })
}

function remove(
  parent: Directory,
  path: CallerPath,
  args: DeleteArguments,
  call: Call,
): { readonly type: Deleted; readonly bytes: number } {
  const stats = requireLeaf(parent, path)
  if (args.if_match !== undefined) requireMatch(stats, args.if_match, path)
  const type = typeOf(stats, path)
  call.throwIfStopped()
  if (type === 'directory') parent.removeDirectory(leafOf(path))
  else parent.unlink(leafOf(path))
  return { type, bytes: type === 'file' ? Number(stats.size) : 0 }
}

function typeOf(stats: BigIntStats, path: CallerPath): Deleted {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  // Sockets and the like belong to some program.
  throw notAFile(path.text)
}

function format(path: CallerPath, type: Deleted): ToolResult {
  return {
    content: [{ type: 'text', text: `Deleted ${type} ${quoteName(path.text)}.` }],
    structuredContent: { path: path.text, type },
  }
}
