import type { BigIntStats } from 'node:fs'
import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { etagOf } from '../etag.ts'
import { errnoOf, failureFromSystem, FileFailure, notAFile, quoteName, symlinkFailure } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { formatFileUri } from '../file-uri.ts'
import { nothing } from '../quota.ts'
import { type CallerPath, readPathArgument } from '../walk/grammar.ts'
import { MadeDirectories } from '../walk/made-directories.ts'
import type { Directory } from '../walk/opener.ts'
import {
  appendInPlace,
  type NewContent,
  publishCreating,
  publishReplacing,
  type RequireCurrent,
} from '../walk/publish.ts'
import { leafOf, lstatIfThere, lstatLeaf, openParent } from '../walk/walk.ts'
import { etagSchema, ifMatchSchema, maxContentBytes, pathSchema } from './arguments.ts'
import { type ChangeParts, requireMatch, withLocks } from './change.ts'

interface WriteArguments {
  readonly path: string
  readonly content: string
  readonly encoding?: 'utf-8' | 'base64'
  readonly if_exists?: 'replace' | 'fail' | 'append'
  readonly if_match?: string
}

export function createWriteFileTool(calls: Calls, parts: ChangeParts): FilesTool {
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

async function writeFile(args: WriteArguments, call: Call, parts: ChangeParts): Promise<ToolResult> {
  const path = readPathArgument(args.path, 'refuse-root', call.root.deny)
  const bytes = decodeContent(args)
  if (args.if_exists === 'fail' && args.if_match !== undefined) {
    const why = 'if_match expects a file and if_exists "fail" expects none. Give only one of them.'
    throw new FileFailure('invalid_arguments', why)
  }
  const write: Write = { args, path, bytes, call, fileMode: parts.fileMode }
  return withLocks(parts.locks, [path], call, async () => {
    const result = await writeWithinQuota(write, parts)
    parts.onChange(call.root, path)
    return result
  })
}

interface Write {
  readonly args: WriteArguments
  readonly path: CallerPath
  readonly bytes: Buffer
  readonly call: Call
  readonly fileMode: number
}

interface Written {
  readonly stats: BigIntStats
  readonly created: boolean
}

async function writeWithinQuota(write: Write, { quota }: ChangeParts): Promise<ToolResult> {
  const { args, path, bytes, call } = write
  const before = lstatIfThere(call.root, path)
  const sizeBefore = before?.isFile() === true ? Number(before.size) : 0
  const reservation = await quota.reserve(
    call.root,
    {
      bytes: args.if_exists === 'append' ? bytes.length : bytes.length - sizeBefore,
      // How many directories are missing is not known yet; all of them is the most.
      entries: before === undefined ? path.components.length : 0,
    },
    call.signal,
  )
  let taken = nothing
  const made = new MadeDirectories()
  try {
    const written = await writeLocked(write, made)
    const bytesTaken = Number(written.stats.size) - sizeBefore
    taken = { bytes: bytesTaken, entries: Number(written.created) + made.count }
    return format(write, written)
  } finally {
    made.close()
    reservation.settle(taken)
  }
}

async function writeLocked(write: Write, made: MadeDirectories): Promise<Written> {
  const { args, path, call } = write
  let parent: Directory | undefined
  try {
    // What must exist cannot lie in a directory that does not.
    parent = openParent(call.root, path, args.if_match === undefined ? made : undefined)
    const written = await writeInto(parent, write)
    await made.sync()
    return written
  } catch (error) {
    made.takeBack()
    throw failureFromSystem(error, path.text)
  } finally {
    parent?.close()
  }
}

async function writeInto(parent: Directory, write: Write): Promise<Written> {
  const { args, path, bytes, call, fileMode } = write
  const existing = lstatLeaf(parent, path)
  if (existing?.isSymbolicLink() === true) throw symlinkFailure(path.text)
  if (existing !== undefined && !existing.isFile()) throw notAFile(path.text)
  const { if_match: etag } = args
  // Asked at once, and once more at the last moment: a file may get another path, which is another lock.
  const requireCurrent: RequireCurrent | undefined =
    etag === undefined ? undefined : (found) => requireMatch(found, etag, path)
  requireCurrent?.(existing)

  const name = leafOf(path)
  const mode = existing === undefined ? fileMode : Number(existing.mode) & 0o777
  const content: NewContent = { parent, name, shown: path.text, bytes, mode, call }
  switch (args.if_exists ?? 'replace') {
    case 'replace':
      return { stats: await publishReplacing(content, requireCurrent), created: existing === undefined }
    case 'fail':
      if (existing !== undefined) throw failExists(path)
      return { stats: await createOrFail(content, path), created: true }
    case 'append': {
      const created = existing === undefined ? await tryCreate(content) : undefined
      if (created !== undefined) return { stats: created, created: true }
      return { stats: await appendInPlace(content, requireCurrent), created: false }
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

function failExists(path: CallerPath): FileFailure {
  const advice = 'Choose another name, or use if_exists "replace" or "append".'
  return new FileFailure('exists', `${quoteName(path.text)} exists already. ${advice}`)
}

function decodeContent({ content, encoding }: WriteArguments): Buffer {
  if (encoding !== 'base64' && !content.isWellFormed()) {
    throw new FileFailure('invalid_arguments', 'content is not well-formed Unicode; send bytes as base64.')
  }
  const bytes = Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8')
  if (bytes.length > maxContentBytes) {
    const limits = `${bytes.length} bytes; at most ${maxContentBytes} are written at once`
    throw new FileFailure('too_large', `${limits}. Write the first part, then append the rest.`)
  }
  // Node's decoder passes over what it does not understand; only what encodes back was base64.
  if (encoding === 'base64' && bytes.toString('base64') !== content) {
    const form = 'the alphabet with "+" and "/", padding, no spaces or line breaks (RFC 4648 section 4)'
    throw new FileFailure('invalid_arguments', `content is not base64: ${form}.`)
  }
  return bytes
}

function format({ path, bytes }: Write, { stats, created }: Written): ToolResult {
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
