import type { BigIntStats } from 'node:fs'
import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { etagOf } from '../etag.ts'
import { errnoOf, failureFromSystem, FileFailure, notAFile, quoteName, symlinkFailure } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { formatFileUri } from '../file-uri.ts'
import type { Turns } from '../turns.ts'
import { type CallerPath, readPathArgument } from '../walk/grammar.ts'
import type { Directory } from '../walk/opener.ts'
import { appendInPlace, type NewContent, publishCreating, publishReplacing } from '../walk/publish.ts'
import { leafOf, lstatLeaf, openParent } from '../walk/walk.ts'
import { etagSchema, ifMatchSchema, pathSchema } from './arguments.ts'

/** Largest content of one write, decoded. */
const maxContentBytes = 5_242_880

interface WriteArguments {
  readonly path: string
  readonly content: string
  readonly encoding?: 'utf-8' | 'base64'
  readonly if_exists?: 'replace' | 'fail' | 'append'
  readonly if_match?: string
}

export interface WriteFileParts {
  /** One writer at a time for each file of each root. */
  readonly locks: Turns
  /** Permissions of files that did not exist before. */
  readonly fileMode: number
}

export function createWriteFileTool(calls: Calls, parts: WriteFileParts): FilesTool {
  return {
    name: 'write_file',
    title: 'Write a file',
    description:
      'Writes a whole file at once, up to 5 MiB; readers see the old or the new content, never a mixture. ' +
      'Makes missing parent directories. Replaces what is there unless if_exists says otherwise.',
    inputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path', 'content'],
      properties: {
        path: pathSchema,
        content: {
          type: 'string',
          maxLength: 8_388_608,
          description: 'The content, at most 5 MiB decoded.',
        },
        encoding: {
          enum: ['utf-8', 'base64'],
          default: 'utf-8',
          description:
            'How content is given: as text, or as bytes in base64 with padding (RFC 4648 section 4).',
        },
        if_exists: {
          enum: ['replace', 'fail', 'append'],
          default: 'replace',
          description: 'What to do if the file exists: replace it, fail with "exists", or add to its end.',
        },
        if_match: ifMatchSchema,
      },
    },
    outputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path', 'size', 'etag', 'created'],
      properties: {
        path: { type: 'string' },
        size: { type: 'integer', minimum: 0, description: 'Bytes of the file as it is now.' },
        etag: etagSchema,
        created: { type: 'boolean', description: 'Whether the file did not exist before.' },
      },
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    call: calls.serve((args: WriteArguments, call: Call) => writeFile(args, call, parts)),
  }
}

async function writeFile(args: WriteArguments, call: Call, parts: WriteFileParts): Promise<ToolResult> {
  const path = readPathArgument(args.path, 'refuse-root')
  const bytes = decodeContent(args)
  if (args.if_exists === 'fail' && args.if_match !== undefined) {
    const why = 'if_match expects a file and if_exists "fail" expects none. Give only one of them.'
    throw new FileFailure('invalid_argument', why)
  }
  const lock = `${call.root.key}\0${path.text}`
  await parts.locks.take(lock, call.signal)
  try {
    return await writeLocked({ args, path, bytes, call, fileMode: parts.fileMode })
  } finally {
    parts.locks.give(lock)
  }
}

interface Write {
  readonly args: WriteArguments
  readonly path: CallerPath
  readonly bytes: Buffer
  readonly call: Call
  readonly fileMode: number
}

async function writeLocked(write: Write): Promise<ToolResult> {
  const { args, path, call } = write
  // What must exist cannot lie in a directory that does not.
  const missing = args.if_match === undefined ? 'create' : 'refuse'
  const parent = openParent(call.root, path, missing)
  try {
    return await writeInto(parent, write)
  } catch (error) {
    throw failureFromSystem(error, path.text)
  } finally {
    parent.close()
  }
}

async function writeInto(parent: Directory, write: Write): Promise<ToolResult> {
  const { args, path, bytes, call, fileMode } = write
  const existing = lstatLeaf(parent, path)
  if (existing?.isSymbolicLink() === true) throw symlinkFailure(path.text)
  if (existing !== undefined && !existing.isFile()) throw notAFile(path.text)
  if (args.if_match !== undefined) requireMatch(existing, args.if_match, path)

  const name = leafOf(path)
  const mode = existing === undefined ? fileMode : Number(existing.mode) & 0o777
  const content: NewContent = { parent, name, bytes, mode, call }
  switch (args.if_exists ?? 'replace') {
    case 'replace':
      return format(write, await publishReplacing(content), existing === undefined)
    case 'fail':
      if (existing !== undefined) throw failExists(path)
      return format(write, await createOrFail(content, path), true)
    case 'append': {
      const created = existing === undefined ? await tryCreate(content) : undefined
      if (created !== undefined) return format(write, created, true)
      return format(write, await appendInPlace({ ...content, shown: path.text }), false)
    }
  }
}

async function createOrFail(content: NewContent, path: CallerPath): Promise<BigIntStats> {
  const created = await tryCreate(content)
  if (created === undefined) throw failExists(path)
  return created
}

/** Undefined if somebody else made the name first. */
async function tryCreate(content: NewContent): Promise<BigIntStats | undefined> {
  try {
    return await publishCreating(content)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined
    throw error
  }
}

function requireMatch(existing: BigIntStats | undefined, etag: string, path: CallerPath): void {
  if (existing !== undefined && etagOf(existing) === etag) return
  const what = existing === undefined ? 'does not exist any more' : 'has changed'
  const advice = 'Read it again, then write with its new etag.'
  throw new FileFailure('conflict', `${quoteName(path.text)} ${what}. ${advice}`)
}

function failExists(path: CallerPath): FileFailure {
  const advice = 'Choose another name, or use if_exists "replace" or "append".'
  return new FileFailure('exists', `${quoteName(path.text)} exists already. ${advice}`)
}

function decodeContent({ content, encoding }: WriteArguments): Buffer {
  if (encoding !== 'base64' && !content.isWellFormed()) {
    throw new FileFailure('invalid_argument', 'content is not well-formed Unicode; send bytes as base64.')
  }
  const bytes = Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8')
  if (bytes.length > maxContentBytes) {
    const limits = `${bytes.length} bytes; at most ${maxContentBytes} are written at once`
    throw new FileFailure('too_large', `${limits}. Write the first part, then append the rest.`)
  }
  // Node's decoder passes over what it does not understand; only what encodes back was base64.
  if (encoding === 'base64' && bytes.toString('base64') !== content) {
    const form = 'the alphabet with "+" and "/", padding, no spaces or line breaks (RFC 4648 section 4)'
    throw new FileFailure('invalid_argument', `content is not base64: ${form}.`)
  }
  return bytes
}

function format({ path, bytes }: Write, stats: BigIntStats, created: boolean): ToolResult {
  const size = Number(stats.size)
  const etag = etagOf(stats)
  const done = created ? 'Created' : 'Wrote'
  const text = `${done} ${quoteName(path.text)}: ${bytes.length} bytes written, ${size} in all; etag ${etag}`
  return {
    content: [
      { type: 'text', text },
      { type: 'resource_link', uri: formatFileUri(path), name: leafOf(path) },
    ],
    structuredContent: { path: path.text, size, etag, created },
  }
}
