import { closeSync } from 'node:fs'
import type { ToolResult } from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from '../calls.ts'
import { formatDiff } from '../content/diff.ts'
import { applyEdits, type Edit, type Edited } from '../content/edits.ts'
import { unifyLineEnds } from '../content/needle.ts'
import { readAt } from '../content/page.ts'
import { decodeWhole, encodeWhole, type WholeText } from '../content/whole-text.ts'
import { etagOf } from '../etag.ts'
import { failureFromSystem, FileFailure, quoteName } from '../failure.ts'
import type { FilesTool } from '../files-tool.ts'
import { runSteps } from '../pace.ts'
import { nothing } from '../quota.ts'
import { type CallerPath, readPathArgument } from '../walk/grammar.ts'
import type { Directory } from '../walk/opener.ts'
import { publishReplacing } from '../walk/publish.ts'
import { leafOf, openFileIn, openParent } from '../walk/walk.ts'
import { etagSchema, ifMatchSchema, maxContentBytes, pathSchema } from './arguments.ts'
import { type ChangeParts, requireMatch, withLocks } from './change.ts'

/** Most of a diff that is shown, in code units. */
const maxDiffLength = 16_384

interface EditArguments {
  readonly path: string
  readonly edits: readonly Edit[]
  readonly if_match?: string
  readonly dry_run?: boolean
}

export function createEditFileTool(calls: Calls, parts: ChangeParts): FilesTool {
  return {
    name: 'edit_file',
    title: 'Edit a file',
    description:
      'Replaces pieces of a text file, up to 5 MiB, and shows the difference. Each edit must match exactly one place ' +
      'unless it says all; edits apply in order, all of them or none. Encoding and line ends stay as they are.',
    inputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path', 'edits'],
      properties: {
        path: pathSchema,
        edits: {
          type: 'array',
          minItems: 1,
          maxItems: 50,
          description: 'What to replace, in order; each edit sees what those before it have done.',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['old', 'new'],
            properties: {
              old: {
                type: 'string',
                minLength: 1,
                maxLength: maxContentBytes,
                description: 'The text to replace, exactly as it is in the file; no pattern.',
              },
              new: {
                type: 'string',
                maxLength: maxContentBytes,
                description: 'The text to put there, literally; "" deletes.',
              },
              all: {
                type: 'boolean',
                default: false,
                description: 'Replace every place that matches, instead of the only one.',
              },
            },
          },
        },
        if_match: ifMatchSchema,
        dry_run: {
          type: 'boolean',
          default: false,
          description: 'Only show what the edits would change.',
        },
      },
    },
    outputSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['path', 'size', 'etag', 'replacements', 'diff', 'diff_complete', 'dry_run'],
      properties: {
        path: { type: 'string' },
        size: { type: 'integer', minimum: 0, description: 'Bytes of the file after the edits.' },
        etag: etagSchema,
        replacements: { type: 'integer', minimum: 1, description: 'Places replaced, by all edits.' },
        diff: { type: 'string', description: 'What changed, as a unified diff, or its first 16 KiB.' },
        diff_complete: { type: 'boolean' },
        dry_run: {
          type: 'boolean',
          description: 'Whether the file is as it was; then etag is that of the file as it is.',
        },
      },
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    call: calls.serve((args: EditArguments, call: Call) => editFile(args, call, parts)),
  }
}

async function editFile(args: EditArguments, call: Call, parts: ChangeParts): Promise<ToolResult> {
  const path = readPathArgument(args.path, 'refuse-root', call.root.deny)
  checkEdits(args.edits)
  return withLocks(parts.locks, [path], call, async () => {
    const parent = openParent(call.root, path)
    try {
      return await editIn(parent, path, args, call, parts)
    } catch (error) {
      throw failureFromSystem(error, path.text)
    } finally {
      parent.close()
    }
  })
}

function checkEdits(edits: readonly Edit[]): void {
  for (const [index, edit] of edits.entries()) {
    if (!edit.new.isWellFormed()) {
      throw new FileFailure('invalid_arguments', `new of edit ${index + 1} is not well-formed Unicode.`)
    }
    if (unifyLineEnds(edit.old) === unifyLineEnds(edit.new)) {
      const why =
        'changes nothing: old and new are the same, line ends aside (those stay as the file has them).'
      throw new FileFailure('invalid_arguments', `Edit ${index + 1} ${why}`)
    }
  }
}

async function editIn(
  parent: Directory,
  path: CallerPath,
  args: EditArguments,
  call: Call,
  { quota, onChange }: ChangeParts,
): Promise<ToolResult> {
  const file = readWhole(parent, path, args)
  const edited = await runSteps(applyEdits(file.text, args.edits, maxContentBytes), call)
  const bytes = encodeWhole({ encoding: file.encoding, text: edited.text })
  if (bytes.length > maxContentBytes) {
    const limits = `(${bytes.length} bytes; at most ${maxContentBytes})`
    throw new FileFailure('too_large', `The edits would make ${quoteName(path.text)} too large ${limits}.`)
  }
  const result = { path, file, edited, size: bytes.length }
  if (args.dry_run === true) return format({ ...result, etag: file.etag, dryRun: true })

  const growth = { bytes: bytes.length - file.size, entries: 0 }
  const reservation = await quota.reserve(call.root, growth, call.signal)
  let taken = nothing
  try {
    const content = { parent, name: leafOf(path), shown: path.text, bytes, mode: file.mode, call }
    // What was written since it was read, by whatever path or program, is not in the edited text.
    const stats = await publishReplacing(content, (found) => requireMatch(found, file.etag, path))
    taken = growth
    onChange(call.root, path)
    return format({ ...result, etag: etagOf(stats), dryRun: false })
  } finally {
    reservation.settle(taken)
  }
}

interface FileToEdit extends WholeText {
  readonly size: number
  readonly mode: number
  readonly etag: string
}

function readWhole(parent: Directory, path: CallerPath, args: EditArguments): FileToEdit {
  const { fd, stats } = openFileIn(parent, path)
  try {
    if (args.if_match !== undefined) requireMatch(stats, args.if_match, path)
    const size = Number(stats.size)
    const buffer = Buffer.allocUnsafe(Math.min(size, maxContentBytes) + 1)
    const bytes = size > maxContentBytes ? buffer : buffer.subarray(0, readAt(fd, buffer, 0, -1))
    if (bytes.length > maxContentBytes || size > maxContentBytes) throw tooLarge(path, size)
    const whole = decodeWhole(bytes)
    if (whole === undefined) {
      const advice = 'Only text can be edited; write it as a whole instead.'
      throw new FileFailure('not_text', `${quoteName(path.text)} is not text. ${advice}`)
    }
    return { ...whole, size: bytes.length, mode: Number(stats.mode) & 0o777, etag: etagOf(stats) }
  } finally {
    closeSync(fd)
  }
}

function tooLarge(path: CallerPath, size: number): FileFailure {
  const limits = `(${size} bytes; at most ${maxContentBytes})`
  return new FileFailure('too_large', `${quoteName(path.text)} is too large to be edited ${limits}.`)
}

interface EditOutcome {
  readonly path: CallerPath
  readonly file: FileToEdit
  readonly edited: Edited
  readonly size: number
  readonly etag: string
  readonly dryRun: boolean
}

function format({ path, file, edited, size, etag, dryRun }: EditOutcome): ToolResult {
  const { replacements } = edited
  const diff = formatDiff(file.text, edited.text, edited.changes, maxDiffLength)
  const done = dryRun ? 'Would edit' : 'Edited'
  const places = replacements === 1 ? '1 place' : `${replacements} places`
  const cut = diff.complete ? '' : '[The difference goes on; only its beginning is shown.]\n'
  const text = `${done} ${quoteName(path.text)}: ${places}, ${size} bytes in all; etag ${etag}\n${diff.text}${cut}`
  return {
    content: [{ type: 'text', text }],
    structuredContent: {
      path: path.text,
      size,
      etag,
      replacements,
      diff: diff.text,
      diff_complete: diff.complete,
      dry_run: dryRun,
    },
  }
}
