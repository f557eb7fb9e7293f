import { closeSync } from 'node:fs'
import type { ContentBlock, ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { decodeText, encodingOf, markLength, maxMarkLength, type TextEncoding } from '../content/encoding.ts'
import { findLine, findLineFromEnd, type LineStart } from '../content/find-line.ts'
import { mediaOf } from '../content/media.ts'
import { cutPage, maxPageBytes, maxRawPageBytes, readAt } from '../content/page.ts'
import {
  formatReadCursor,
  maxReadCursorLength,
  parseReadCursor,
  type ReadPosition,
} from '../content/read-cursor.ts'
import { etagOf } from '../etag.ts'
import { FileFailure, quoteName } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { formatFileUri } from '../file-uri.ts'
import { runSteps, type Steps } from '../pace.ts'
import { type CallerPath, readPathArgument } from '../walk/grammar.ts'
import { openFileForReading, type Root } from '../walk/walk.ts'
import { etagSchema, pathSchema } from './arguments.ts'

/** Largest file that is sent whole because it is not text. */
const maxBinaryBytes = 1_048_576
const defaultLimit = 1000
const maxLine = 1_000_000_000

interface ReadArguments {
  readonly path: string
  readonly line?: number
  readonly limit?: number
  readonly cursor?: string
}

export function createReadFileTool(calls: Calls): FilesTool {
  return {
    name: 'read_file',
    title: 'Read a file',
    description:
      'Reads a file. Text comes in pages of up to 1000 lines or 64 KiB; pass next_cursor as cursor for the next page. ' +
      'Images, audio and other binary files up to 1 MiB come whole. Symbolic links are not followed.',
    inputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path'],
      properties: {
        path: pathSchema,
        line: {
          type: 'integer',
          minimum: -maxLine,
          maximum: maxLine,
          not: { const: 0 },
          default: 1,
          description: 'First line to show, from 1; -1 is the last line, -20 shows the last 20.',
        },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 5000,
          default: defaultLimit,
          description: 'Most lines to show.',
        },
        cursor: {
          type: 'string',
          minLength: 1,
          maxLength: maxReadCursorLength,
          description: 'next_cursor of the page before, with the same path. Do not give line with it.',
        },
      },
    },
    outputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path', 'size', 'etag', 'encoding'],
      properties: {
        path: { type: 'string' },
        size: { type: 'integer', minimum: 0, description: 'Bytes of the whole file.' },
        etag: etagSchema,
        encoding: { enum: ['utf-8', 'utf-8-bom', 'utf-16le', 'utf-16be', 'binary'] },
        mime_type: { type: 'string', description: 'Of a file that is not text.' },
        text: { type: 'string', description: 'The page, without a byte order mark.' },
        first_line: {
          type: 'integer',
          description: 'Number of the first line shown, counted from the end (-1) if line was negative.',
        },
        last_line: { type: 'integer', description: 'Number of the last line shown, counted the same way.' },
        next_cursor: { type: 'string', description: 'Present if the file goes on after this page.' },
      },
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
    call: calls.serve(readFile),
  }
}

function readFile(args: ReadArguments, call: Call): ToolResult | Promise<ToolResult> {
  const path = readPathArgument(args.path, 'refuse-root', call.root.deny)
  return runSteps(readOpened(path, args, call.root), call)
}

interface FileFacts {
  readonly fd: number
  readonly path: CallerPath
  readonly root: Root
  readonly size: number
  readonly etag: string
}

function* readOpened(path: CallerPath, args: ReadArguments, root: Root): Steps<ToolResult> {
  const { fd, stats } = openFileForReading(root, path)
  try {
    const file: FileFacts = { fd, path, root, size: Number(stats.size), etag: etagOf(stats) }
    const limit = args.limit ?? defaultLimit
    if (args.cursor !== undefined) {
      const position = readCursorArgument(args, file)
      const encoding = encodingOf(readHead(file))
      return readPage(file, encoding, position, limit) ?? failNotText(file, position.offset)
    }
    const line = args.line ?? 1
    if (line === 1) return readFirstPage(file, limit) ?? readBinary(file, 0)
    const encoding = encodingOf(readHead(file))
    const find = line > 0 ? findLine : findLineFromEnd
    const start = yield* find(fd, file.size, encoding, line)
    return readPage(file, encoding, start, limit) ?? readBinary(file, start.offset)
  } finally {
    closeSync(fd)
  }
}

function readCursorArgument(args: ReadArguments, file: FileFacts): ReadPosition {
  const name = quoteName(file.path.text)
  if (args.line !== undefined) {
    throw new FileFailure('invalid_arguments', 'Give line or cursor, not both: a cursor knows its line.')
  }
  const position = parseReadCursor(args.cursor ?? '', file.root.key, file.path.text)
  if (position === undefined) {
    const advice = 'Pass next_cursor unchanged and with the same path, or start again without a cursor.'
    throw new FileFailure('invalid_path', `This cursor does not belong to ${name}. ${advice}`)
  }
  if (position.etag !== file.etag) {
    const advice = 'Start again without a cursor.'
    throw new FileFailure('conflict', `${name} has changed since the page before. ${advice}`)
  }
  return position
}

// Shared by all calls: filled and decoded without a pause in between.
const headBuffer = Buffer.allocUnsafeSlow(16)
// One byte more than a page tells whether the file goes on, whatever its size claims.
const pageBuffer = Buffer.allocUnsafeSlow(maxPageBytes + maxMarkLength + 1)

function readHead(file: FileFacts): Buffer {
  return headBuffer.subarray(0, readAt(file.fd, headBuffer, 0, file.size))
}

/** The page at the start of the file, with one look for both the encoding and the text. */
function readFirstPage(file: FileFacts, limit: number): ToolResult | undefined {
  const bytes = pageBuffer.subarray(0, readAt(file.fd, pageBuffer, 0, file.size))
  const encoding = encodingOf(bytes)
  const offset = markLength[encoding]
  const page = bytes.subarray(offset, offset + maxRawPageBytes(encoding) + 1)
  return formatPage(file, encoding, { offset, line: 1 }, page, limit)
}

function readPage(file: FileFacts, encoding: TextEncoding, start: LineStart, limit: number) {
  const wanted = pageBuffer.subarray(0, maxRawPageBytes(encoding) + 1)
  const page = wanted.subarray(0, readAt(file.fd, wanted, start.offset, file.size))
  return formatPage(file, encoding, start, page, limit)
}

/** What the bytes from `start` on show, or undefined if they are not text. */
function formatPage(
  file: FileFacts,
  encoding: TextEncoding,
  start: LineStart,
  bytes: Buffer,
  limit: number,
): ToolResult | undefined {
  const cut = cutPage(bytes, encoding, limit, maxRawPageBytes(encoding))
  const text = decodeText(bytes.subarray(0, cut.length), encoding)
  if (text === undefined) return undefined

  const lastLine = start.line + Math.max(cut.lines - 1, 0)
  const next = { offset: start.offset + cut.length, line: cut.insideLine ? lastLine : lastLine + 1 }
  const cursor =
    cut.length < bytes.length
      ? formatReadCursor({ ...next, etag: file.etag }, file.root.key, file.path.text)
      : undefined
  const content: ContentBlock[] = [{ type: 'text', text }]
  if (cursor !== undefined) {
    const note = `[Lines ${start.line} to ${lastLine} shown; the file goes on. Next page: cursor "${cursor}"]`
    content.push({ type: 'text', text: note })
  } else if (cut.lines === 0) {
    content.push({ type: 'text', text: noteOnNothing(file, start.line) })
  }
  return {
    content,
    structuredContent: {
      path: file.path.text,
      size: file.size,
      etag: file.etag,
      encoding,
      text,
      ...(cut.lines > 0 && { first_line: start.line, last_line: lastLine }),
      ...(cursor !== undefined && { next_cursor: cursor }),
    },
  }
}

function noteOnNothing(file: FileFacts, line: number): string {
  if (line <= 1) return '[The file is empty.]'
  return `[Nothing to show: ${quoteName(file.path.text)} has only ${line - 1} lines.]`
}

function readBinary(file: FileFacts, offset: number): ToolResult {
  const { path, size, etag } = file
  if (size > maxBinaryBytes) {
    const why = `is not text at byte ${offset} or soon after, and too large to send whole`
    const limits = `(${size} bytes; at most ${maxBinaryBytes})`
    throw new FileFailure('too_large', `${quoteName(path.text)} ${why} ${limits}.`)
  }
  const buffer = Buffer.allocUnsafe(maxBinaryBytes + 1)
  const bytes = buffer.subarray(0, readAt(file.fd, buffer, 0, size))
  if (bytes.length > maxBinaryBytes) {
    throw new FileFailure('too_large', `${quoteName(path.text)} is not text and grew while it was read.`)
  }
  const { kind, mimeType } = mediaOf(bytes)
  const data = bytes.toString('base64')
  const block: ContentBlock =
    kind === 'other'
      ? { type: 'resource', resource: { uri: formatFileUri(path), mimeType, blob: data } }
      : { type: kind, data, mimeType }
  const note = `${quoteName(path.text)} is not text: ${mimeType}, ${size} bytes.`
  return {
    content: [block, { type: 'text', text: note }],
    structuredContent: { path: path.text, size, etag, encoding: 'binary', mime_type: mimeType },
  }
}

function failNotText(file: FileFacts, offset: number): never {
  const why = `is not text after byte ${offset}; what the pages before showed is`
  throw new FileFailure('not_text', `${quoteName(file.path.text)} ${why}.`)
}
