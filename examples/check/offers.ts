import type { Json } from '../../test/end-to-end/mcp-wire.ts'

/** What an example of a kind offers. */
export interface Offer {
  readonly scopes: readonly string[]
  /** What a first login is asked for. */
  readonly challenge: readonly string[]
  /** What a first login shows of the tools. */
  readonly tools: readonly string[]
  readonly read: Call
  /** Needs a scope that the first login does not bring. */
  readonly write: Call
  /** What a call is repeated with until it is too much, and about how many go through in a minute. */
  readonly limit: { readonly call: Call; readonly perMinute: number }
}

export interface Call {
  readonly name: string
  readonly args: Json
  readonly scope: string
  /** What the result says. */
  readonly says: RegExp
}

/** The limit that examples of files are given. */
export const callsPerMinute = 120

const readFile: Call = {
  name: 'read_file',
  args: { path: 'notes.txt' },
  scope: 'files:read',
  says: /milk and bread/,
}
const writeFile: Call = {
  name: 'write_file',
  args: { path: 'new.txt', content: 'Buy bread' },
  scope: 'files:write',
  says: /new\.txt/,
}
const addNote: Call = { name: 'add_note', args: { text: 'Buy bread' }, scope: 'notes:write', says: /Added/ }

export const offers: Readonly<Record<'files' | 'notes', Offer>> = {
  files: {
    scopes: ['files:list', 'files:read', 'files:write'],
    challenge: ['files:list', 'files:read'],
    tools: ['read_file', 'list_files'],
    read: readFile,
    write: writeFile,
    limit: { call: readFile, perMinute: callsPerMinute },
  },
  notes: {
    scopes: ['notes:read', 'notes:write'],
    challenge: ['notes:read'],
    tools: ['read_notes'],
    read: { name: 'read_notes', args: {}, scope: 'notes:read', says: /Buy apples/ },
    write: addNote,
    limit: { call: addNote, perMinute: 30 },
  },
}
