import { closeSync } from 'node:fs'
import {
  CallerError,
  type CallContext,
  type ResourceContents,
  type ResourceDescription,
  type ResourcePage,
  type ResourceTemplate,
} from '@mcp-doorman/mcp-endpoint'
import type { Call, Calls } from './calls.ts'
import { mediaOf } from './content/media.ts'
import { readAt } from './content/page.ts'
import { decodeWhole } from './content/whole-text.ts'
import { failureFromSystem, FileFailure, quoteName } from './failure.ts'
import { fileUriTemplate, formatFileUri, readFileUri } from './file-uri.ts'
import { modifiedOf } from './modified.ts'
import { runSteps, type Steps } from './pace.ts'
import { lastOf, parsePath, readPathArgument } from './walk/grammar.ts'
import { hidesBelow, lstatMet, type TreeEntry, type TreeVisitor, walkTree } from './walk/tree.ts'
import { openFileForReading, openForListing } from './walk/walk.ts'

/** Largest file that is sent as a resource, which has no pages. */
const maxResourceBytes = 1_048_576
/** Files of the only page that is listed; `list_files` has them all. */
const listedFiles = 200
const listedDepth = 16
/** One more than is passed on, so that it can be said that there are more. */
const completions = 101

/** The files as resources: read whole, listed in part, their paths completed. */
export function createFileTemplate(calls: Calls): ResourceTemplate {
  return {
    uriTemplate: fileUriTemplate,
    name: 'file',
    title: 'File',
    description: 'A file up to 1 MiB, by its path from the root. Tools read larger ones in pages.',
    read: async (uri, _variables, context) => {
      try {
        return await calls.run(readResource, uri, context)
      } catch (error) {
        if (isNoFile(error)) return undefined
        throw error instanceof FileFailure ? new CallerError(`${error.code}: ${error.message}`) : error
      }
    },
    list: (_cursor, context) => listResources(calls, context),
    complete: {
      path: async (value, _others, context) => {
        try {
          return await calls.run(completePath, value, context)
        } catch (error) {
          if (isNoFile(error)) return []
          throw error
        }
      },
    },
  }
}

const noFile: ReadonlySet<string> = new Set([
  'invalid_path',
  'not_found',
  'not_a_file',
  'not_a_directory',
  'symlink',
  'no_subject',
])

/** As a resource there is only what can be read; why something else cannot be is for the tools to say. */
function isNoFile(error: unknown): boolean {
  return error instanceof FileFailure && noFile.has(error.code)
}

function readResource(uri: string, call: Call): readonly ResourceContents[] {
  const path = readFileUri(uri, call.root.deny)
  const { fd, stats } = openFileForReading(call.root, path)
  try {
    const size = Number(stats.size)
    if (size > maxResourceBytes) throw tooLarge(path.text)
    const buffer = Buffer.allocUnsafe(maxResourceBytes + 1)
    const bytes = buffer.subarray(0, readAt(fd, buffer, 0, size))
    if (bytes.length > maxResourceBytes) throw tooLarge(path.text)
    const whole = decodeWhole(bytes)
    if (whole !== undefined) return [{ uri, mimeType: 'text/plain', text: whole.text }]
    return [{ uri, mimeType: mediaOf(bytes).mimeType, blob: bytes.toString('base64') }]
  } finally {
    closeSync(fd)
  }
}

function tooLarge(path: string): FileFailure {
  return new FileFailure('too_large', `${quoteName(path)} is larger than ${maxResourceBytes} bytes.`)
}

/** One page, for those who may list: nobody is asked a scope for the list itself, and it shows names. */
function listResources(calls: Calls, context: CallContext): ResourcePage | Promise<ResourcePage> {
  return context.mayUse({ kind: 'tool', name: 'list_files' })
    ? calls.run(listPage, undefined, context)
    : { resources: [] }
}

function listPage(_args: undefined, call: Call): ResourcePage | Promise<ResourcePage> {
  return runSteps(collectFiles(call), call)
}

function* collectFiles(call: Call): Steps<ResourcePage> {
  const resources: ResourceDescription[] = []
  yield* walkBelow('', listedDepth, call, {
    wants: ({ components, isDirectory, isFile }) =>
      (isDirectory || isFile) && components.at(-1)?.startsWith('.') === false,
    visit: (parent, { components, isFile }) => {
      const parsed = parsePath(components.join('/'), 'refuse-root')
      if (!parsed.ok || !isFile) return true
      const name = lastOf(components)
      const stats = lstatMet(parent, name)
      if (stats?.isFile() === true) {
        resources.push({
          uri: formatFileUri(parsed.value),
          name,
          size: Number(stats.size),
          annotations: { lastModified: modifiedOf(stats) },
        })
      }
      return resources.length < listedFiles
    },
  })
  return { resources }
}

function completePath(value: string, call: Call): readonly string[] | Promise<readonly string[]> {
  return runSteps(collectCompletions(value, call), call)
}

/** Names in the directory that is written out already; of a directory with a slash, so that it can go on from there. */
function* collectCompletions(value: string, call: Call): Steps<readonly string[]> {
  const above = value.slice(0, value.lastIndexOf('/') + 1)
  const start = value.slice(above.length)
  const found: string[] = []
  const begins = ({ components }: TreeEntry): boolean => {
    const name = lastOf(components)
    return name.startsWith(start) && (start !== '' || !name.startsWith('.'))
  }
  yield* walkBelow(above.slice(0, -1), 1, call, {
    wants: (entry) => (entry.isFile || entry.isDirectory) && begins(entry),
    visit: (_parent, { components, isDirectory }) => {
      const path = above + lastOf(components)
      if (parsePath(path, 'refuse-root').ok) found.push(isDirectory ? `${path}/` : path)
      return found.length < completions
    },
  })
  return found
}

function* walkBelow(
  text: string,
  depth: number,
  call: Call,
  visitor: Pick<TreeVisitor, 'wants' | 'visit'>,
): Steps<void> {
  const path = readPathArgument(text, 'accept-root', call.root.deny)
  const listed = openForListing(call.root, path)
  if (listed.kind !== 'directory') return
  try {
    const hides = hidesBelow(path, call.root.deny)
    const range = { depth, after: undefined, namesAtOnce: completions, hides }
    yield* walkTree(listed.directory, range, {
      ...visitor,
      leaveOut: () => undefined,
      cannotEnter: () => undefined,
    })
  } catch (error) {
    throw failureFromSystem(error, text)
  } finally {
    listed.directory.close()
  }
}
