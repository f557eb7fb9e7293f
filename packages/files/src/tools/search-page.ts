import { closeSync, fstatSync } from 'node:fs'
import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call } from '../calls.ts'
import { type LineMatch, matchLines } from '../content/match-lines.ts'
import { Needle } from '../content/needle.ts'
import { readAt } from '../content/page.ts'
import { decodeWhole } from '../content/whole-text.ts'
import { quoteName } from '../failure.ts'
import { createGlobMatcher } from '../glob.ts'
import type { Steps } from '../pace.ts'
import { type CallerPath, lastOf, parsePath } from '../walk/grammar.ts'
import { missedBecauseOf } from '../walk/missed.ts'
import { type Directory, readFlags } from '../walk/opener.ts'
import type { TreeEntry, TreeVisitor } from '../walk/tree.ts'
import { maxContentBytes } from './arguments.ts'

export const defaultLimit = 50
/** Most characters shown of a line. */
const maxTextLength = 300
/** Most bytes of paths and lines in one answer. */
const maxBytesOfPage = 65_536
/** After this long a search answers with what it has, and a cursor to go on with. */
const budgetMs = 5000
const filesBetweenReports = 100

export interface SearchArguments {
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

// One for all: nothing in it is needed after a pause.
const fileBuffer = Buffer.allocUnsafeSlow(maxContentBytes + 1)

/** One page of matches while it is filled. */
export class SearchPage implements TreeVisitor {
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

  cannotEnter(): void {
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
      missedBecauseOf(error)
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
