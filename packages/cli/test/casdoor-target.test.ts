import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readTarget, type TargetWords } from '#internal/casdoor/target'
import { UsageError } from '#internal/failure'

const folder = mkdtempSync(join(tmpdir(), 'doorman-'))
after(() => rmSync(folder, { recursive: true }))

const servers = `
servers:
  notes:
    path: /notes/mcp
    command: [node, server.js]
    scopes:
      notes:read: {}
      notes:write: { implies: [notes:read] }
    rules:
      - { tools: [read_note, 'search_*'], require: { scopes: [notes:read] } }
      - { tools: [write_note], require: { anyScope: [notes:write, notes:read], anyRole: [editors] } }
  files:
    path: /files/mcp
    files: .
`
const one = `
issuers:
  - casdoor: https://auth.example.com
    application: mcp-notes
`
function file(issuers = one, rest = servers): string {
  const path = join(folder, 'doorman.yaml')
  writeFileSync(path, `version: 1\npublicUrl: https://mcp.example.com\n${issuers}${rest}`)
  return path
}
const target = (words: Partial<TargetWords>) => readTarget({ roles: false, ...words })
const refused = (words: Partial<TargetWords>, message: RegExp): void => {
  assert.throws(
    () => target(words),
    (error: unknown) => error instanceof UsageError && message.test(error.message),
  )
}

test('without a file, Casdoor, application and URL are named, and all that is missing is told at once', () => {
  const url = 'https://auth.example.com/'
  const { target: named, notice } = target({
    url,
    application: 'mcp files',
    resource: 'https://mcp.example.com',
  })
  assert.equal(named.origin, 'https://auth.example.com')
  assert.deepEqual(named.servers, [{ name: 'files', resource: 'https://mcp.example.com/mcp' }])
  assert.match(notice ?? '', /^--resource https:\/\/mcp\.example\.com has no path, so \/mcp was appended/)
  assert.equal(
    named.command,
    "doorman files DIR --casdoor https://auth.example.com --casdoor-application 'mcp files' --public-url https://mcp.example.com/mcp",
  )
  refused({ application: 'x' }, /^--url, --resource: must be given/)
})

test('a file names Casdoor, application, servers, scopes with their tools, and whether roles are needed', () => {
  const config = file()
  const { target: configured } = target({ config })
  assert.equal(configured.origin, 'https://auth.example.com')
  assert.equal(configured.application, 'mcp-notes')
  assert.equal(configured.command, `doorman gateway --config ${config}`)
  assert.equal(configured.roles, true)
  assert.deepEqual(configured.servers, [
    { name: 'notes', resource: 'https://mcp.example.com/notes/mcp' },
    { name: 'files', resource: 'https://mcp.example.com/files/mcp' },
  ])
  assert.deepEqual(
    configured.scopes.map(({ name, displayName, tools }) => [name, displayName, [...tools].sort()]),
    [
      ['notes:read', 'notes:read', ['read_note', 'write_note']],
      ['notes:write', 'notes:write', ['write_note']],
      ['files:list', 'See which files there are', ['list_files', 'search_files']],
      ['files:read', 'Read files', ['edit_file', 'read_file', 'search_files']],
      [
        'files:write',
        'Write, move and delete files',
        ['delete_file', 'edit_file', 'move_file', 'write_file'],
      ],
    ],
  )
})

test('words for the scopes of a file are given beside it', () => {
  const { scopes } = target({ config: file(), scopes: 'notes:read=Read notes' }).target
  assert.deepEqual(
    scopes.slice(0, 2).map(({ displayName }) => displayName),
    ['Read notes', 'notes:write'],
  )
  refused({ config: file(), scopes: 'notes:reed=x' }, /has no scope notes:reed/)
})

test('without rules that ask for them, roles are not needed', () => {
  const plain = servers.replace(', anyRole: [editors]', '')
  assert.equal(target({ config: file(one, plain) }).target.roles, false)
  assert.equal(target({ config: file(one, plain), roles: true }).target.roles, true)
})

const other = '\n  - casdoor: https://other.example.com\n    application: mcp-notes\n'
const none = '\nissuers:\n  - issuer: https://issuer.example.com\n'
const clients = '\nissuers:\n  - casdoor: https://auth.example.com\n    allowedClients: [cli]\n'
for (const [name, words, issuers, message] of [
  ['no Casdoor in the file', {}, none, /accepts tokens of no Casdoor/],
  ['two of them', {}, one + other.slice(1), /names several: https:\/\/auth\.example\.com, https:\/\/other/],
  [
    'another Casdoor',
    { url: 'https://x.example' },
    one,
    /tokens of https:\/\/auth\.example\.com, not of https:\/\/x/,
  ],
  ['another application', { application: 'x' }, one, /pins the application mcp-notes, not x/],
  ['no application', {}, clients, /pins no application/],
  [
    'another server',
    { resource: 'https://x.example/mcp' },
    one,
    /serves https:\/\/mcp\.example\.com\/notes\/mcp/,
  ],
] as const) {
  test(`a file and words that do not fit are refused: ${name}`, () => {
    refused({ config: file(issuers), ...words }, message)
  })
}

test('of two Casdoors one is chosen by its URL, and an application may be named beside the file', () => {
  const both = file(one + other.slice(1))
  assert.equal(
    target({ config: both, url: 'https://other.example.com' }).target.origin,
    'https://other.example.com',
  )
  assert.equal(target({ config: file(clients), application: 'x' }).target.application, 'x')
})

test('a file with mistakes stops it, and is no wrong usage of the command', (t) => {
  const told = t.mock.method(process.stderr, 'write', () => true)
  assert.throws(
    () => target({ config: file(one, '\nservers: {}\nextra: 1\n') }),
    (error: unknown) =>
      !(error instanceof UsageError) && /mistakes?, so nothing was done/.test(String(error)),
  )
  assert.match(String(told.mock.calls[0]?.arguments[0]), /extra/)
})
