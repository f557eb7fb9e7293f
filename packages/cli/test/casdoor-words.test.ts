import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { CheckReport, ObjectPlan } from '@mcp-doorman/casdoor'
import { connectLines, parseClients } from '#internal/casdoor/clients'
import { readCredentials } from '#internal/casdoor/credentials'
import { formatClosing } from '#internal/casdoor/closing-text'
import { formatPlan } from '#internal/casdoor/plan-text'
import { readOrigin, readUrl } from '#internal/casdoor/reach'
import { formatReport } from '#internal/casdoor/report-text'
import { parseScopes, scopesOfFiles } from '#internal/casdoor/scopes'
import { UsageError } from '#internal/failure'

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof UsageError && message.test(error.message)

test('scopes are read with the words that people read, and those of files with their tools', () => {
  assert.deepEqual(parseScopes(' files:read = Read = it ; notes:x=X;'), [
    { name: 'files:read', displayName: 'Read = it', tools: ['read_file', 'edit_file', 'search_files'] },
    { name: 'notes:x', displayName: 'X', tools: [] },
  ])
})
for (const [text, message] of [
  ['', /names no scope/],
  [';', /names no scope/],
  ['files:read', /"files:read" must be NAME=WORDS/],
  ['=Read', /must be NAME=WORDS/],
  ['files:read=', /must be NAME=WORDS/],
  ['files read=x', /must be NAME=WORDS/],
] as const) {
  test(`${JSON.stringify(text)} is no list of scopes`, () => {
    assert.throws(() => parseScopes(text), refused(message))
  })
}
test('without a list, every tool of the files server has its scopes', () => {
  assert.deepEqual(
    scopesOfFiles.map(({ name, tools }) => [name, tools.length]),
    [
      ['files:list', 2],
      ['files:read', 3],
      ['files:write', 4],
    ],
  )
})

test('clients are known by word, once each, whatever their case', () => {
  assert.deepEqual(
    parseClients('claude, VSCode,claude,').map(({ word }) => word),
    ['claude', 'vscode'],
  )
  assert.throws(
    () => parseClients('claude,nobody'),
    refused(/"nobody" is no client.*Known are claude, claude-code/),
  )
  assert.throws(() => parseClients('constructor'), refused(/no client/))
})
test('every client is told its id and the URL of the server', () => {
  for (const client of parseClients(
    'claude,claude-code,chatgpt,codex,cursor,gemini,goose,inspector,mcp-remote,vscode,zed',
  )) {
    const line = connectLines(client, 'c0ffee', { name: 'notes', resource: 'https://mcp.example.com/mcp' }, [
      'files:read',
    ])
    assert.ok(line.includes('c0ffee') && line.includes('https://mcp.example.com/mcp'), line)
  }
})

test('what a Casdoor calls a client cannot become words of a shell', () => {
  for (const client of parseClients('claude-code,mcp-remote')) {
    const line = connectLines(
      client,
      "x'; rm -rf ~ #",
      { name: 'a b', resource: 'https://mcp.example.com/mcp' },
      [],
    )
    assert.match(line, /'[^']*x'\\''; rm -rf ~ #/)
  }
})

const folder = mkdtempSync(join(tmpdir(), 'doorman-'))
after(() => rmSync(folder, { recursive: true }))
function file(text: string): string {
  const path = join(folder, 'credentials')
  writeFileSync(path, text)
  return path
}

test('credentials come from a file before the environment, and a client before a person', () => {
  const environment = { CASDOOR_CLIENT_ID: 'env-id', CASDOOR_CLIENT_SECRET: 'env-secret' }
  const person = 'CASDOOR_ADMIN_USER=admin\nCASDOOR_ADMIN_PASSWORD="a b#c"\n'
  assert.deepEqual(readCredentials(file(person), environment), {
    kind: 'administrator',
    administrator: { user: 'admin', password: 'a b#c' },
  })
  assert.deepEqual(
    readCredentials(undefined, { ...environment, CASDOOR_ADMIN_USER: 'a', CASDOOR_ADMIN_PASSWORD: 'b' }),
    {
      kind: 'client',
      client: { clientId: 'env-id', clientSecret: 'env-secret' },
    },
  )
  assert.equal(readCredentials(undefined, {}), undefined)
  assert.equal(readCredentials(undefined, { CASDOOR_CLIENT_ID: ' ' }), undefined)
})
test('half a pair of credentials is a mistake, and no secret stands in what is said', () => {
  const check = (values: Record<string, string>, message: RegExp): void => {
    assert.throws(
      () => readCredentials(undefined, values),
      (error: unknown) => refused(message)(error) && !String(error).includes('hunter2'),
    )
  }
  check(
    { CASDOOR_CLIENT_SECRET: 'hunter2' },
    /environment has CASDOOR_CLIENT_SECRET without CASDOOR_CLIENT_ID/,
  )
  check({ CASDOOR_ADMIN_USER: 'admin' }, /CASDOOR_ADMIN_USER without CASDOOR_ADMIN_PASSWORD/)
  assert.throws(() => readCredentials(file('hunter2'), {}), refused(/names neither CASDOOR_CLIENT_ID/))
  assert.throws(() => readCredentials(join(folder, 'gone'), {}), refused(/gone cannot be read/))
})

test('a Casdoor is named by its bare origin, by https or on loopback', () => {
  assert.equal(readOrigin('--url', 'https://auth.example.com/'), 'https://auth.example.com')
  assert.equal(readOrigin('--url', 'http://localhost:8000'), 'http://localhost:8000')
  assert.throws(
    () => readOrigin('--url', 'https://auth.example.com/x'),
    refused(/Write https:\/\/auth\.example\.com, without/),
  )
  assert.throws(
    () => readOrigin('--url', 'http://auth.example.com'),
    refused(/credentials would travel readable/),
  )
  assert.throws(() => readOrigin('--url', 'auth.example.com'), refused(/is no URL/))
  assert.throws(() => readUrl('--url', 'https://a:b@auth.example.com'), refused(/no user/))
  assert.throws(() => readUrl('--url', 'https://auth.example.com?'), refused(/query/))
  assert.throws(() => readUrl('--url', 'ftp://auth.example.com'), refused(/is no URL/))
})

test('a plan shows what goes and what comes, of lists only what differs, and moves no cursor', () => {
  const plan: ObjectPlan = {
    kind: 'application',
    name: 'mcp-files',
    action: 'update',
    changes: [
      { field: 'tokenFormat', before: 'JWT', after: 'JWT-Custom' },
      { field: 'grantTypes', before: ['a', 'b\u001b[2J\u202e'], after: ['a', 'c'] },
      { field: 'customScopes', before: null, after: [{ scope: 'x' }] },
      { field: 'expireInHours', before: 0, after: 0.5 },
    ],
    notices: ['Tokens end.'],
    body: { clientSecret: 'hunter2' },
  }
  assert.equal(
    formatPlan(plan, true),
    [
      'application   mcp-files: would be corrected',
      '  - tokenFormat           "JWT"',
      '  + tokenFormat           "JWT-Custom"',
      '  - grantTypes            "b\\u001b[2J\\u202e"',
      '  + grantTypes            "c"',
      '  + customScopes          {"scope":"x"}',
      '  - expireInHours         0',
      '  + expireInHours         0.5',
      '  ! Tokens end.',
      '',
    ].join('\n'),
  )
  const kept = { ...plan, action: 'keep', changes: [], notices: [] } as const
  assert.equal(formatPlan(kept, false), 'application   mcp-files: is as it should be\n')
})

test('a report says what was seen, why, where to change it, and what was not looked at', () => {
  const report: CheckReport = {
    origin: 'https://auth.example.com',
    application: 'mcp-files',
    findings: [
      {
        id: 'tokens_end_at_once',
        severity: 'error',
        title: 'Access tokens have ended when they arrive',
        evidence: 'expireInHours is 0\u001b[2J',
        why: 'They end.',
        setting: { page: 'Applications → mcp-files', field: 'Token expire (expireInHours)', to: '0.5' },
        setup: '--application mcp-files',
      },
    ],
    notSeen: ['a token'],
    requests: 1,
  }
  assert.equal(
    formatReport(report),
    [
      'ERROR    Access tokens have ended when they arrive (tokens_end_at_once)',
      '  Seen    expireInHours is 0\\u001b[2J',
      '  Why     They end.',
      '  Change  Applications → mcp-files: Token expire (expireInHours) → 0.5',
      '  Or run  doorman casdoor setup … --application mcp-files',
      '',
      '1 error, 0 warnings, 0 notes about the application mcp-files of https://auth.example.com.',
      'Not looked at: a token.',
      '1 request sent.',
      '',
    ].join('\n'),
  )
  const silent = formatReport({ ...report, findings: [], notSeen: [], requests: 10 })
  assert.match(silent, /^Nothing is wrong with the application mcp-files .*\n10 requests sent\.\n$/)
})

test('set-up ends with the line that starts the server, and the client id', () => {
  const text = formatClosing(
    {
      clients: parseClients('claude-code,zed'),
      scopes: scopesOfFiles,
      servers: [{ name: 'files', resource: 'https://mcp.example.com/mcp' }],
      command: 'doorman files DIR --casdoor https://a.example',
    },
    { clientId: 'c0ffee', clientSecret: 'hunter2' },
  )
  assert.match(text, /^ {2}doorman files DIR --casdoor https:\/\/a\.example$/m)
  assert.match(text, /client id: c0ffee\n/)
  assert.match(text, /claude mcp add --transport http --client-id c0ffee/)
  assert.match(text, /Zed registers itself/)
  assert.doesNotMatch(text, /hunter2/)
})
