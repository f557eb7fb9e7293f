import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { failureFromSystem, FileFailure } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { runSteps, type Steps } from '../pace.ts'
import { type CallerPath, lastOf, maxComponents, parsePath, readPathArgument } from '../walk/grammar.ts'
import type { Directory } from '../walk/opener.ts'
import { hidesBelow, walkTree } from '../walk/tree.ts'
import { openForListing, openParent } from '../walk/walk.ts'
import { globSchema, maxPathLength, pathSchema } from './arguments.ts'
import { defaultLimit, type SearchArguments, SearchPage } from './search-page.ts'

/** Names of one directory kept at a time; for more it is read again. */
const namesAtOnce = 4000

export function createSearchFilesTool(calls: Calls, nowMs: () => number): FilesTool {
  return {
    name: 'search_files',
    title: 'Search in files',
    description:
      'Finds lines that contain a text, in all files below a directory or in one file. The query is literal, not a ' +
      'pattern. Files that are not text or larger than 5 MiB are skipped and counted. Links are not followed.',
    inputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['query'],
      properties: {
        query: { type: 'string', minLength: 1, maxLength: 1000, description: 'The text to find in a line.' },
        path: { ...pathSchema, default: '', description: 'Directory or file to search; "" is the root.' },
        glob: { ...globSchema, description: `Search only files that match. ${globSchema.description}` },
        ignore_case: { type: 'boolean', default: false, description: 'Do not tell upper from lower case.' },
        hidden: {
          type: 'boolean',
          default: false,
          description: 'Also search what starts with ".", and what is inside such directories.',
        },
        cursor: {
          type: 'string',
          minLength: 3,
          maxLength: maxPathLength,
          description: 'next_cursor of the page before, with the other arguments unchanged.',
        },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 200,
          default: defaultLimit,
          description: 'Most lines to show.',
        },
      },
    },
    outputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['matches', 'files_searched', 'skipped_binary', 'skipped_large', 'skipped_unreadable'],
      properties: {
        matches: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['path', 'line', 'text'],
            properties: {
              path: { type: 'string', description: 'Path from the root, as the other tools take it.' },
              line: { type: 'integer', minimum: 1 },
              text: { type: 'string', description: 'The line, or 300 characters around its first match.' },
            },
          },
        },
        files_searched: { type: 'integer', minimum: 0, description: 'For this page.' },
        skipped_binary: { type: 'integer', minimum: 0, description: 'Files that are not text.' },
        skipped_large: { type: 'integer', minimum: 0, description: 'Files larger than 5 MiB.' },
        skipped_unreadable: {
          type: 'integer',
          minimum: 0,
          description: 'Files and directories that could not be opened.',
        },
        next_cursor: { type: 'string', description: 'Present if there may be more.' },
      },
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
    call: calls.serve((args: SearchArguments, call: Call) => runSteps(search(args, call, nowMs), call)),
  }
}

function* search(args: SearchArguments, call: Call, nowMs: () => number): Steps<ToolResult> {
  const path = readPathArgument(args.path ?? '', 'accept-root', call.root.deny)
  const after = readCursorArgument(args.cursor, path)
  const page = new SearchPage(args, path, nowMs, call)
  const listed = openForListing(call.root, path)
  switch (listed.kind) {
    case 'nothing-yet':
      break
    case 'entry':
      if (listed.stats.isFile()) yield* searchOne(page, path, after?.line ?? 0, call)
      break
    case 'directory':
      try {
        yield* searchTree(page, path, listed.directory, after, call)
      } catch (error) {
        throw failureFromSystem(error, path.text)
      } finally {
        listed.directory.close()
      }
      break
  }
  return page.format()
}

function* searchTree(
  page: SearchPage,
  path: CallerPath,
  directory: Directory,
  after: SearchPosition | undefined,
  call: Call,
): Steps<void> {
  const { deny } = call.root
  if (after !== undefined && after.line > 0 && deny?.hides(after.path.components) !== true) {
    // Into the file where the page before was full.
    if (!(yield* searchOne(page, after.path, after.line, call))) return
  }
  const start = after?.path.components.slice(path.components.length)
  const range = { depth: maxComponents, after: start, namesAtOnce, hides: hidesBelow(path, deny) }
  page.complete = (yield* walkTree(directory, range, page)) && page.complete
}

/** Answers whether there is room for more. */
function* searchOne(page: SearchPage, path: CallerPath, afterLine: number, call: Call): Steps<boolean> {
  let parent: Directory | undefined
  try {
    parent = openParent(call.root, path)
    return yield* page.searchFile(parent, path.text, lastOf(path.components), afterLine)
  } catch (error) {
    // It is gone since the page before.
    if (error instanceof FileFailure && afterLine > 0) return true
    throw error
  } finally {
    parent?.close()
  }
}

interface SearchPosition {
  /** Lines of the file up to this one were looked at; 0 where all of them were. */
  readonly line: number
  readonly path: CallerPath
}

/** The path in it is a path like any other that a caller sends, and must lie below the searched one. */
function readCursorArgument(cursor: string | undefined, path: CallerPath): SearchPosition | undefined {
  if (cursor === undefined) return undefined
  const [, line, text = ''] = /^(\d{1,9}):(.*)$/s.exec(cursor) ?? []
  const parsed = parsePath(text, 'refuse-root')
  const isBelow = path.text === '' || text === path.text || text.startsWith(`${path.text}/`)
  if (line !== undefined && parsed.ok && isBelow) return { line: Number(line), path: parsed.value }
  const advice = 'Pass next_cursor unchanged and with the same path, or start again without a cursor.'
  throw new FileFailure('invalid_path', `This cursor does not belong to this search. ${advice}`)
}
