import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { openLab, type Ended } from './doorman-process.ts'

const lab = openLab({ after })
const folder = lab.makeFolder()

function configFile(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const notes = configFile(
  'notes.yaml',
  `version: 1
publicUrl: https://mcp.example.com
issuers:
  - issuer: https://issuer.example.com
    roleClaims: [/realm/roles]
  - { casdoor: https://auth.example.com, application: notes, introspection: { clientId: a, clientSecret: env:NOT_SET } }
servers:
  notes:
    path: /notes/mcp
    command: [python3, server.py]
    scopes: { read: {}, write: { implies: [read] } }
    rules:
      - tools: [read_note]
        require: { scopes: [read] }
      - id: writing
        tools: ["write_*"]
        require: { scopes: [write], anyRole: [editor, owner] }
        when: size(args.text) < 10
      - tools: [purge]
        require: { anyClient: [console] }
        otherwise: hide
`,
)

const explain = (...words: string[]): Promise<Ended> =>
  lab.run(['config', 'explain', '--config', notes, ...words], { env: { NOT_SET: 'here it is' } })

test('the file that init writes is one that check finds fine, and is never overwritten', async () => {
  const file = join(folder, 'new.yaml')
  const written = await lab.run(['config', 'init', file])
  assert.deepEqual(
    { ...written, stderr: '' },
    {
      code: 0,
      stdout: `Wrote ${file}. Change it to what you have, then run "doorman config check".\n`,
      stderr: '',
    },
  )
  const text = readFileSync(file, 'utf8')
  assert.match(text, /^# yaml-language-server: \$schema=doorman\.schema\.json\n/)
  const checked = await lab.run(['config', 'check', '--config', file])
  assert.deepEqual(checked, {
    code: 0,
    stdout: `${file} is fine, and the 3 cases it expects: notes at http://127.0.0.1:8080/notes/mcp.\n`,
    stderr: '',
  })
  const again = await lab.run(['config', 'init', file])
  assert.equal(again.code, 1)
  assert.equal(
    again.stderr,
    `doorman: ${file} is there already, and is not overwritten. Name another, or remove it.\n`,
  )
  assert.equal(readFileSync(file, 'utf8'), text)
})

test('check tells all mistakes, and ends with 1', async () => {
  const file = configFile('wrong.yaml', 'version: 1\nisuers: []\nservers:\n  a: { path: a, comand: [x] }\n')
  assert.deepEqual(await lab.run(['config', 'check', '--config', file]), {
    code: 1,
    stdout: '',
    stderr: `${file}:1:1  issuers: is missing. It must be a list.
${file}:2:1  isuers: is no field here. Did you mean "issuers"?
${file}:4:3  servers.a: does not say what it is. Give it command, url or files.
doorman: ${file} has 3 mistakes.
`,
  })
})

test('secrets that are elsewhere are told and are no mistake, and none is ever shown', async () => {
  const absent = await lab.run(['config', 'check', '--config', notes])
  assert.equal(absent.code, 0)
  assert.match(
    absent.stderr,
    /issuers\[1\]\.introspection\.clientSecret: the variable NOT_SET is empty or not there\. Set it/,
  )
  const present = await lab.run(['config', 'check', '--config', notes], { env: { NOT_SET: 'hunter2' } })
  assert.deepEqual([present.code, present.stderr], [0, ''])
  assert.doesNotMatch(present.stdout, /hunter2/)
})

test('what is no file of a configuration is told so', async () => {
  mkdirSync(join(folder, 'a-folder'))
  execFileSync('mkfifo', [join(folder, 'a-pipe')])
  writeFileSync(join(folder, 'huge.yaml'), 'x'.repeat(5_000_000))
  for (const [name, message] of [
    ['nowhere.yaml', /does not exist\. Name a file with --config, or write one with "doorman config init"\./],
    ['a-folder', /is not a file/],
    ['a-pipe', /is not a file/],
    ['huge.yaml', /has 5000000 bytes, which is no configuration/],
  ] as const) {
    const { code, stderr } = await lab.run(['config', 'check', '--config', join(folder, name)])
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
  assert.equal(existsSync(join(folder, 'nowhere.yaml')), false)
})

test('explain says which rule, which requirement, and what would unlock it', async () => {
  const missing = await explain('--tool', 'read_note')
  assert.deepEqual(missing, {
    code: 0,
    stdout: `Outcome               challenge: HTTP asks for a login that can help
Rule                  notes.rules[0], which names it by "read_note"
UNMET scopes          wants read; has none of them
Unlock                the scopes read
`,
    stderr: '',
  })
  const writing = ['--tool', 'write_note', '--scope', 'write', '--arguments', '{"text":"short"}']
  const { stdout: allowed } = await explain(...writing, '--role', 'owner')
  assert.equal(
    allowed,
    `Outcome               allow: it would run
Rule                  notes.writing, which names it by "write_*"
met   anyRole         wants editor, owner; has owner
met   when
met   scopes          wants write; has write
`,
  )
  const { stdout: strange } = await explain(...writing)
  assert.match(strange, /^Outcome +refuse: /)
  assert.match(strange, /^UNMET anyRole +wants editor, owner; has none of them$/m)
  assert.match(strange, /^Unlock +one of anyRole editor, owner$/m)
  const { stdout: failed } = await explain('--tool', 'write_note', '--scope', 'write', '--role', 'owner')
  assert.match(failed, /^UNMET when +it could not be evaluated: no such key: text$/m)
  const { stdout: long } = await explain(
    ...writing.slice(0, 4),
    '--role',
    'owner',
    '--arguments',
    '{"text":"much too long"}',
  )
  assert.match(long, /^UNMET when +it is not true of this call$/m)
  const { stdout: hidden } = await explain('--tool', 'purge', '--client', 'other')
  assert.match(hidden, /^Outcome +hide: [^]*^Unlock +one of anyClient console$/m)
  const { stdout: unnamed } = await explain('--resource', 'note:///1')
  assert.match(unnamed, /^Rule +\(none\)/m)
})

test('explain reads the claims of a token as its issuer means them, and says when nobody trusts it', async () => {
  const run = (claims: object): Promise<Ended> =>
    lab.run(
      [
        'config',
        'explain',
        '--config',
        notes,
        '--tool',
        'write_note',
        '--arguments',
        '{"text":"a"}',
        '--claims',
        '--json',
      ],
      { env: { NOT_SET: 'x' } },
      JSON.stringify(claims),
    )
  const claims = { iss: 'https://issuer.example.com', sub: 'a', client_id: 'c', scope: 'write' }
  const mapped = await run({ ...claims, realm: { roles: ['editor'] } })
  assert.equal((parse(mapped.stdout) as { outcome: string }).outcome, 'allow')
  // In the claim that this issuer does not use for roles.
  const unmapped = await run({ ...claims, roles: ['editor'] })
  assert.equal((parse(unmapped.stdout) as { outcome: string }).outcome, 'refuse')
  const casdoor = await run({
    iss: 'https://auth.example.com',
    sub: 'a',
    azp: 'c',
    scope: 'write',
    roles: [{ name: 'owner' }],
  })
  assert.equal((parse(casdoor.stdout) as { outcome: string }).outcome, 'allow')
  const stranger = await run({ ...claims, iss: 'https://else.example.com' })
  assert.equal(stranger.code, 2)
  assert.match(stranger.stderr, /of an issuer \("iss"\) that this configuration does not trust/)
  const jwt = [
    'e30',
    Buffer.from(JSON.stringify({ ...claims, realm: { roles: ['owner'] } })).toString('base64url'),
    'x',
  ]
  const token = await lab.run(
    ['config', 'explain', '--config', notes, '--tool', 'write_note', '--claims'],
    {},
    `Bearer ${jwt.join('.')}\n`,
  )
  assert.match(token.stdout, /^met   anyRole +wants editor, owner; has owner$/m)
})

const misuses: readonly (readonly [words: readonly string[], message: RegExp])[] = [
  [[], /Name what to explain: one of --tool, --resource and --prompt/],
  [['--tool', 'a', '--prompt', 'b'], /Name what to explain/],
  [['--tool', 'a', '--arguments', '[1]'], /--arguments: must be a JSON object/],
  [['--tool', 'a', '--server', 'other'], /There is no server "other": there are notes/],
  [['--tool', 'a', '--claims', '--role', 'b'], /--claims says who calls/],
]
for (const [words, message] of misuses) {
  test(`config explain ${words.join(' ')} is a mistake in how it was called`, async () => {
    const { code, stderr } = await explain(...words)
    assert.equal(code, 2)
    assert.match(stderr, message)
  })
}

test('the schema for editors is the one in the reference', async () => {
  const { stdout } = await lab.run(['config', 'schema'])
  const committed = readFileSync(new URL('../../docs/reference/doorman.schema.json', import.meta.url), 'utf8')
  assert.equal(stdout, committed)
})
