import type { BigIntStats } from 'node:fs'
import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { etagOf } from '../etag.ts'
import { failureFromSystem, FileFailure, quoteName } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { createGlobMatcher } from '../glob.ts'
import { modifiedOf } from '../modified.ts'
import { runSteps, type Steps } from '../pace.ts'
import { type CallerPath, lastOf, parsePath, readPathArgument } from '../walk/grammar.ts'
import type { Directory } from '../walk/opener.ts'
import { hidesBelow, lstatMet, type TreeEntry, walkTree } from '../walk/tree.ts'
import { openForListing } from '../walk/walk.ts'
import { etagSchema, globSchema, listCursorSchema, pathSchema } from './arguments.ts'

const defaultLimit = 200
/** Most bytes of paths in one answer, so that long names cannot make it huge. */
const maxPathBytesOfPage = 65_536
/** After this long a listing answers with what it has, and a cursor to go on with. */
const budgetMs = 5000

interface ListArguments {
  readonly path?: string
  readonly depth?: number
  readonly glob?: string
  readonly hidden?: boolean
  readonly cursor?: string
  readonly limit?: number
}

interface ListedEntry {
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  readonly modified: string
  readonly size?: number
  readonly etag?: string
}

export function createListFilesTool(calls: Calls, nowMs: () => number): FilesTool {
  return {
    name: 'list_files',
    title: 'List files',
    description:
      'Lists a directory, sorted, with type, size, time of modification and etag; given a file, only that file. ' +
      'Symbolic links are shown and not followed. Pass next_cursor as cursor for the next page.',
    inputSchema: {
      type: 'object',
      additionalProperties: false,
      properties: {
        path: { ...pathSchema, default: '', description: 'Directory to list; "" is the root.' },
        depth: {
          type: 'integer',
          minimum: 1,
          maximum: 16,
          default: 1,
          description:
            'Levels to list: 1 shows the entries of the directory, 2 also those of its directories.',
        },
        glob: { ...globSchema, description: `${globSchema.description} Needs depth to look deeper.` },
        hidden: {
          type: 'boolean',
          default: false,
          description: 'Also show names that start with ".", and what is inside such directories.',
        },
        cursor: listCursorSchema,
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: defaultLimit,
          description: 'Most entries to show.',
        },
      },
    },
    outputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['entries'],
      properties: {
        entries: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['path', 'type', 'modified'],
            properties: {
              path: { type: 'string', description: 'Path from the root, as the other tools take it.' },
              type: { enum: ['file', 'directory', 'symlink', 'other'] },
              modified: { type: 'string', description: 'Time of the last change (RFC 3339, UTC).' },
              size: { type: 'integer', minimum: 0, description: 'Bytes; of files only.' },
              etag: { ...etagSchema, description: 'Names this version of the file; of files only.' },
            },
          },
        },
        next_cursor: { type: 'string', description: 'Present if there may be more.' },
        left_out: {
          type: 'integer',
          minimum: 1,
          description:
            'Names met for this page that no path can express, such as those with control characters.',
        },
      },
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
    call: calls.serve((args: ListArguments, call: Call) => runSteps(list(args, call, nowMs), call)),
  }
}

function* list(args: ListArguments, call: Call, nowMs: () => number): Steps<ToolResult> {
  const path = readPathArgument(args.path ?? '', 'accept-root', call.root.deny)
  const after = readCursorArgument(args.cursor, path)
  const page = new ListPage(args, path, nowMs)
  const listed = openForListing(call.root, path)
  switch (listed.kind) {
    case 'nothing-yet':
      break
    case 'entry':
      page.entries.push(describe(path.text, listed.stats))
      break
    case 'directory':
      try {
        const hides = hidesBelow(path, call.root.deny)
        const range = { depth: args.depth ?? 1, after, namesAtOnce: page.limit + 1, hides }
        page.complete = yield* walkTree(listed.directory, range, page)
      } catch (error) {
        throw failureFromSystem(error, path.text)
      } finally {
        listed.directory.close()
      }
      break
  }
  return page.format()
}

/**
 * The cursor is a path like any other that a caller sends, and must lie below the listed one.
 *
 * It only says where in the order to go on. What is hidden there stays so.
 */
function readCursorArgument(cursor: string | undefined, path: CallerPath): readonly string[] | undefined {
  if (cursor === undefined) return undefined
  const parsed = parsePath(cursor, 'refuse-root')
  const below = path.text === '' ? '' : `${path.text}/`
  if (parsed.ok && cursor.startsWith(below)) return parsed.value.components.slice(path.components.length)
  const advice = 'Pass next_cursor unchanged and with the same path, or start again without a cursor.'
  throw new FileFailure('invalid_path', `This cursor does not belong to this listing. ${advice}`)
}

/** One page of a listing while it is filled. */
class ListPage {
  readonly entries: ListedEntry[] = []
  readonly limit: number
  complete = true
  readonly #prefix: string
  readonly #hidden: boolean
  readonly #matches: (components: readonly string[]) => boolean
  readonly #depth: number
  readonly #nowMs: () => number
  readonly #endMs: number
  #lastLookedAt: string | undefined
  #pathBytes = 0
  #leftOut = 0

  constructor(args: ListArguments, path: CallerPath, nowMs: () => number) {
    this.limit = args.limit ?? defaultLimit
    this.#prefix = path.text === '' ? '' : `${path.text}/`
    this.#hidden = args.hidden ?? false
    this.#matches = args.glob === undefined ? () => true : createGlobMatcher(args.glob)
    this.#depth = args.depth ?? 1
    this.#nowMs = nowMs
    this.#endMs = nowMs() + budgetMs
  }

  wants({ components, isDirectory }: TreeEntry): boolean {
    if (!this.#hidden && components.at(-1)?.startsWith('.') === true) return false
    return (isDirectory && components.length < this.#depth) || this.#matches(components)
  }

  visit(parent: Directory, { components }: TreeEntry): boolean {
    // Only after a first step forward: a page that ends where it began would never end.
    if (this.#lastLookedAt !== undefined && this.#nowMs() > this.#endMs) return false
    const path = this.#prefix + components.join('/')
    if (this.#matches(components)) {
      if (!parsePath(path, 'refuse-root').ok) {
        this.#leftOut++ // Too deep or too long: no call could name it.
        return true
      }
      const pathBytes = this.#pathBytes + Buffer.byteLength(path)
      if (this.entries.length === this.limit || (this.entries.length > 0 && pathBytes > maxPathBytesOfPage)) {
        return false
      }
      const stats = lstatMet(parent, lastOf(components))
      if (stats !== undefined) this.entries.push(describe(path, stats))
      this.#pathBytes = pathBytes
    }
    this.#lastLookedAt = path
    return true
  }

  leaveOut(): void {
    this.#leftOut++
  }

  cannotEnter(): void {
    // It is shown itself, and what is in it is not for this server.
  }

  format(): ToolResult {
    const cursor = this.complete ? undefined : this.#lastLookedAt
    const lines = this.entries.map(formatEntry)
    if (lines.length === 0) lines.push('[Nothing to show.]')
    if (cursor !== undefined) lines.push(`[There is more. Next page: cursor ${JSON.stringify(cursor)}]`)
    if (this.#leftOut > 0) lines.push(`[${this.#leftOut} names left out that no path can express.]`)
    return {
      content: [{ type: 'text', text: lines.join('\n') }],
      structuredContent: {
        entries: this.entries,
        ...(cursor !== undefined && { next_cursor: cursor }),
        ...(this.#leftOut > 0 && { left_out: this.#leftOut }),
      },
    }
  }
}

function describe(path: string, stats: BigIntStats): ListedEntry {
  const modified = modifiedOf(stats)
  if (stats.isFile()) return { path, type: 'file', modified, size: Number(stats.size), etag: etagOf(stats) }
  if (stats.isDirectory()) return { path, type: 'directory', modified }
  return { path, type: stats.isSymbolicLink() ? 'symlink' : 'other', modified }
}

function formatEntry({ path, type, modified, size }: ListedEntry): string {
  return `${type} ${size ?? '-'} ${modified} ${quoteName(path)}`
}
