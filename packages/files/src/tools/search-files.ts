import { closeSync, fstatSync } from 'node:fs'
import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { type LineMatch, matchLines } from '../content/match-lines.ts'
import { Needle } from '../content/needle.ts'
import { readAt } from '../content/page.ts'
import { decodeWhole } from '../content/whole-text.ts'
import { errnoOf, failureFromSystem, FileFailure, quoteName } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { createGlobMatcher } from '../glob.ts'
import { runSteps, type Steps } from '../pace.ts'
import { type CallerPath, lastOf, maxComponents, parsePath, readPathArgument } from '../walk/grammar.ts'
import { type Directory, readFlags } from '../walk/opener.ts'
import { hidesBelow, type TreeEntry, walkTree } from '../walk/tree.ts'
import { openForListing, openParent } from '../walk/walk.ts'
import { globSchema, maxContentBytes, maxPathLength, pathSchema } from './arguments.ts'

const defaultLimit = 50
/** Most characters shown of a line. */
const maxTextLength = 300
/** Most bytes of paths and lines in one answer. */
const maxBytesOfPage = 65_536
/** After this long a search answers with what it has, and a cursor to go on with. */
const budgetMs = 5000
const filesBetweenReports = 100
/** Names of one directory kept at a time; for more it is read again. */
const namesAtOnce = 4000

interface SearchArguments {
  readonly query: string
  readonly path?: string
  readonly glob?: string
  readonly ignore_case?: boolean
  readonly hidden?: boolean
  readonly cursor?: string
  readonly limit?: number
}

interface Found extends LineMatch {
  readonly path: string
}

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
        skipped_unreadable: { type: 'integer', minimum: 0, description: 'Files that could not be opened.' },
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

// One for all: nothing in it is needed after a pause.
const fileBuffer = Buffer.allocUnsafeSlow(maxContentBytes + 1)

/** One page of matches while it is filled. */
class SearchPage {
  complete = true
  readonly #matches: Found[] = []
  readonly #limit: number
  readonly #prefix: string
  readonly #hidden: boolean
  readonly #fits: (components: readonly string[]) => boolean
  readonly #needle: Needle | undefined
  readonly #ignoreCase: boolean
  readonly #call: Call
  readonly #nowMs: () => number
  readonly #endMs: number
  #bytes = 0
  #cursor: string | undefined
  #searched = 0
  #binary = 0
  #large = 0
  #unreadable = 0

  constructor(args: SearchArguments, path: CallerPath, nowMs: () => number, call: Call) {
    this.#call = call
    this.#limit = args.limit ?? defaultLimit
    this.#prefix = path.text === '' ? '' : `${path.text}/`
    this.#hidden = args.hidden ?? false
    this.#fits = args.glob === undefined ? () => true : createGlobMatcher(args.glob)
    this.#ignoreCase = args.ignore_case ?? false
    const query = this.#ignoreCase ? args.query.toLowerCase() : args.query
    // No line has a line end in it.
    this.#needle = query.includes('\n') ? undefined : new Needle(query)
    this.#nowMs = nowMs
    this.#endMs = nowMs() + budgetMs
  }

  wants({ components, isDirectory, isFile }: TreeEntry): boolean {
    if (!this.#hidden && components.at(-1)?.startsWith('.') === true) return false
    return isDirectory || (isFile && this.#fits(components))
  }

  *visit(parent: Directory, { components, isFile }: TreeEntry): Steps<boolean> {
    // Only after a first step forward: a page that ends where it began would never end.
    if (this.#cursor !== undefined && this.#nowMs() > this.#endMs) return false
    const path = this.#prefix + components.join('/')
    // Too deep or too long: no call could name it.
    if (!parsePath(path, 'refuse-root').ok) return true
    if (isFile && this.#fits(components)) return yield* this.searchFile(parent, path, lastOf(components), 0)
    this.#cursor = `0:${path}`
    return true
  }

  leaveOut(): void {
    this.#unreadable++
  }

  /** Answers whether there is room for more. */
  *searchFile(parent: Directory, path: string, name: string, afterLine: number): Steps<boolean> {
    const text = this.#readText(parent, name)
    let full = false
    if (text !== undefined && this.#needle !== undefined) {
      const lines = matchLines(text, this.#needle, this.#ignoreCase, maxTextLength, (match) => {
        if (match.line <= afterLine) return true
        full = !this.#add({ path, ...match })
        return !full
      })
      yield* lines
    }
    if (full) this.complete = false
    else this.#cursor = `0:${path}`
    if (this.#searched % filesBetweenReports === 0) this.#call.report(this.#searched, 'files searched')
    yield
    return !full
  }

  /** Answers false, and takes nothing, once the page is full. */
  #add(found: Found): boolean {
    const bytes = this.#bytes + Buffer.byteLength(found.path) + Buffer.byteLength(found.text)
    const isFirst = this.#matches.length === 0
    if (this.#matches.length === this.#limit || (!isFirst && bytes > maxBytesOfPage)) return false
    this.#matches.push(found)
    this.#bytes = bytes
    this.#cursor = `${found.line}:${found.path}`
    return true
  }

  #readText(parent: Directory, name: string): string | undefined {
    let fd: number | undefined
    try {
      fd = parent.openFile(name, readFlags)
      const stats = fstatSync(fd)
      if (!stats.isFile()) return undefined
      if (stats.size > maxContentBytes) return void this.#large++
      const bytes = fileBuffer.subarray(0, readAt(fd, fileBuffer, 0, stats.size))
      if (bytes.length > maxContentBytes) return void this.#large++
      const text = decodeWhole(bytes)?.text
      if (text === undefined) this.#binary++
      else this.#searched++
      return text
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return void this.#unreadable++
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  format(): ToolResult {
    const cursor = this.complete ? undefined : this.#cursor
    const lines = this.#matches.map(({ path, line, text }) => `${quoteName(path)}:${line}: ${text}`)
    if (lines.length === 0) lines.push(`[No match in ${this.#searched} files.]`)
    if (cursor !== undefined) lines.push(`[There may be more. Next page: cursor ${JSON.stringify(cursor)}]`)
    const skipped = [
      [this.#binary, 'not text'],
      [this.#large, 'larger than 5 MiB'],
      [this.#unreadable, 'not readable'],
    ].flatMap(([count, why]) => (count === 0 ? [] : [`${count} ${why}`]))
    if (skipped.length > 0) lines.push(`[Skipped: ${skipped.join(', ')}.]`)
    return {
      content: [{ type: 'text', text: lines.join('\n') }],
      structuredContent: {
        matches: this.#matches,
        files_searched: this.#searched,
        skipped_binary: this.#binary,
        skipped_large: this.#large,
        skipped_unreadable: this.#unreadable,
        ...(cursor !== undefined && { next_cursor: cursor }),
      },
    }
  }
}
