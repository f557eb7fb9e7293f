import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { findFreePort, openLab, type DoormanProcess, type Ended } from './doorman-process.ts'
import { isAlive, smallServer, whoIn } from './gateway-world.ts'
import { signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import { callTool, memberOf, type Json, type WireAnswer } from './mcp-wire.ts'
import { startDev } from './protected-servers.ts'

const lab = openLab({ after })
const node = process.execPath

// A command comes from the operator alone, as words (H22).
test('without any scope a draft is written, nothing is served, and no file is ever overwritten', async () => {
  const cwd = lab.makeFolder()
  const words = ['protect', '--name', 'notes', '--port', '8123', '--', node, smallServer, '--flag']
  const drafted = await lab.run(words, { cwd })
  assert.equal(drafted.code, 2)
  assert.equal(
    drafted.stderr,
    'doorman: No tool has a scope, so nothing is served yet. Wrote doorman.yaml, with a scope proposed for each of the 2 tools: read it, then run "doorman gateway --config doorman.yaml". Or leave the file, and name what each tool needs with --scope TOOL=SCOPE.\n',
  )
  const text = readFileSync(join(cwd, 'doorman.yaml'), 'utf8')
  assert.match(text, /^# A draft, from what the server says of its own tools/m)
  assert.match(text, /^ +- who # Says who it is$/m)
  assert.match(text, /^ +- change # destructive:/m)
  assert.deepEqual(parse(text), {
    version: 1,
    listen: { host: '127.0.0.1', port: 8123 },
    limit: '600/min',
    issuers: [{ issuer: 'http://127.0.0.1:8081' }],
    servers: {
      notes: {
        path: '/mcp',
        command: [node, smallServer, '--flag'],
        scopes: { 'notes:read': {}, 'notes:write': {} },
        challenge: ['notes:read'],
        rules: [
          { require: { scopes: ['notes:read'] }, tools: ['who'] },
          { require: { scopes: ['notes:write'] }, tools: ['change'] },
        ],
      },
    },
  })
  assert.equal((await lab.run(['config', 'check'], { cwd })).code, 0)
  writeFileSync(join(cwd, 'doorman.yaml'), 'mine')
  const again = await lab.run(words, { cwd })
  assert.equal(again.code, 2)
  assert.match(again.stderr, /doorman\.yaml is there already, so no draft is written over it/)
  assert.equal(readFileSync(join(cwd, 'doorman.yaml'), 'utf8'), 'mine')
})

test('a draft takes over what the command line says, with secrets by their names', async () => {
  const cwd = lab.makeFolder()
  const drafted = await lab.run(
    [
      ...'protect --casdoor https://auth.example.com --casdoor-application notes --allow-owner staff'.split(
        ' ',
      ),
      ...'--introspect us --introspect-secret env:OUR_SECRET --introspect-cache 10s'.split(' '),
      ...'--dpop require --limit 10/s --public-url https://mcp.example.com/notes/mcp'.split(' '),
      ...'--env HANDED_ON --shared --state state --audit audit.jsonl --draft mine.yaml --'.split(' '),
      node,
      smallServer,
    ],
    { cwd, env: { OUR_SECRET: 'hunter2', HANDED_ON: 'value-of-it' } },
  )
  assert.equal(drafted.code, 2, drafted.stderr)
  const text = readFileSync(join(cwd, 'mine.yaml'), 'utf8')
  assert.doesNotMatch(text + drafted.stderr, /hunter2|value-of-it/)
  const { servers, ...file } = parse(text) as Json
  assert.deepEqual(file, {
    version: 1,
    publicUrl: 'https://mcp.example.com',
    listen: { host: '127.0.0.1', port: 8080 },
    state: 'state',
    audit: 'audit.jsonl',
    limit: '10/s',
    dpop: { required: true },
    issuers: [
      {
        casdoor: 'https://auth.example.com',
        application: 'notes',
        allowedOwners: ['staff'],
        introspection: { clientId: 'us', clientSecret: 'env:OUR_SECRET', cache: '10s' },
      },
    ],
  })
  const server = memberOf(servers, 'small-server')
  assert.equal(memberOf(server, 'path'), '/notes/mcp')
  assert.deepEqual(memberOf(server, 'environment'), { HANDED_ON: 'env:HANDED_ON' })
  assert.equal(memberOf(server, 'shared'), true)
  const checked = await lab.run(['config', 'check', '--config', 'mine.yaml'], { cwd })
  assert.equal(checked.code, 0, checked.stderr)
})

test('what a server says of itself in a draft stays a comment, and what no rule can name is left out', async () => {
  const cwd = lab.makeFolder()
  const hostile = join(cwd, 'hostile.mjs')
  const tools = [
    { name: 'fine', description: 'One line\n      - everything: allowed\u001b[2J' },
    { name: 'with "quotes": and # more', inputSchema: {} },
    { name: '*', annotations: { readOnlyHint: true } },
    { name: 'true', annotations: { readOnlyHint: 'true' } },
    { name: 'null' },
  ].map((tool) => ({ inputSchema: { type: 'object' }, ...tool }))
  const program = readFileSync(smallServer, 'utf8').replace(
    /tools: \[[^]*?\n {8}\],/,
    `tools: ${JSON.stringify(tools)},`,
  )
  assert.ok(program.includes('everything: allowed'))
  writeFileSync(hostile, program)
  const drafted = await lab.run(['protect', '--', node, './hostile.mjs'], { cwd })
  assert.equal(drafted.code, 2, drafted.stderr)
  const text = readFileSync(join(cwd, 'doorman.yaml'), 'utf8')
  const rules = memberOf(parse(text), 'servers', 'hostile', 'rules')
  assert.deepEqual(rules, [
    {
      require: { scopes: ['hostile:write'] },
      tools: ['fine', 'with "quotes": and # more', 'true', 'null'],
    },
  ])
  assert.match(text, /Left out, since no rule can name it alone/)
  assert.equal(text.includes('\u001b'), false)
  assert.equal((await lab.run(['config', 'check'], { cwd })).code, 0)
})

interface Protected {
  readonly call: (tool: string, scope: string | undefined, args?: Json, claims?: Json) => Promise<WireAnswer>
  readonly stop: () => Promise<Ended>
  readonly send: DoormanProcess['send']
  readonly ended: Promise<Ended>
}

async function protect(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Protected> {
  const [port, issuer] = [await findFreePort(), await startHandMadeIssuer(lab)]
  const running = lab.start(['protect', '--port', `${port}`, '--issuer', issuer.issuer, ...words], { env })
  await running.printed(/Tokens are taken from/)
  const url = `http://127.0.0.1:${port}/mcp`
  return {
    call: (tool, scope, args = {}, claims = {}) => {
      const token =
        scope === undefined
          ? undefined
          : signToken(issuer.key, { iss: issuer.issuer, aud: url, scope, ...claims })
      return callTool(url, token, { name: tool, arguments: args }, '2026-07-28')
    },
    stop: running.stop,
    send: running.send,
    ended: running.ended,
  }
}

test('named tools ask for their scopes, and everything else does not exist', async () => {
  const server = await protect(
    [
      '--scope',
      'who=notes:read',
      '--scope',
      'ch*=notes:write',
      '--scope',
      'ch*=notes:admin',
      '--challenge',
      'notes:read',
      '--env',
      'HANDED_ON',
      '--',
      node,
      smallServer,
    ],
    { HANDED_ON: 'yes', KEPT_BACK: 'c4n4ry' },
  )
  const bare = await server.call('who', undefined)
  assert.equal(bare.status, 401)
  assert.match(bare.headers.get('www-authenticate') ?? '', /scope="notes:read"/)
  const who = whoIn(await server.call('who', 'notes:read'))
  assert.equal(memberOf(who, 'env', 'HANDED_ON'), 'yes')
  assert.equal(JSON.stringify(who).includes('c4n4ry'), false)
  const challenged = await server.call('change', 'notes:read notes:write')
  assert.equal(challenged.status, 403)
  assert.equal(challenged.body['scope'], 'notes:write notes:admin')
  assert.equal((await server.call('change', 'notes:write notes:admin')).status, 200)
  assert.equal(memberOf((await server.call('other', 'notes:read')).body, 'error', 'code'), -32602)
  // Two users never share a process (H24).
  const other = whoIn(await server.call('who', 'notes:read', {}, { sub: 'bob' }))
  assert.notEqual(other['pid'], who['pid'])
  assert.notEqual(other['folder'], who['folder'])
  // As when its terminal is closed.
  server.send('SIGHUP')
  const { code } = await server.ended
  assert.equal(code, 0)
  assert.deepEqual(
    [who, other].map(({ pid }) => isAlive(Number(pid))),
    [false, false],
  )
  assert.deepEqual(
    [who, other].map(({ folder }) => existsSync(String(folder))),
    [false, false],
  )
})

test('a program that will not end is ended with the gate, also when that is hurried', async () => {
  // Two of one kind may come as one.
  for (const signals of [['SIGTERM'], ['SIGTERM', 'SIGINT']] as const) {
    const server = await protect(['--scope', 'who=use', '--', node, smallServer, '--stubborn'])
    const pid = Number(whoIn(await server.call('who', 'use'))['pid'])
    const began = performance.now()
    signals.forEach(server.send)
    const { code } = await server.ended
    assert.equal(code, signals.length - 1)
    assert.equal(isAlive(pid), false)
    assert.ok(performance.now() - began < 15_000)
  }
})

test('with --http our token goes to the server, and the client’s never does', async () => {
  const seen: Json[] = []
  const upstream = createServer((request, response) => {
    seen.push(request.headers)
    request.resume().on('end', () => {
      response
        .writeHead(401, { 'www-authenticate': 'Bearer resource_metadata="https://inside.example"' })
        .end('inside')
    })
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  lab.keep(() => void upstream.close())
  const address = upstream.address()
  assert.ok(typeof address === 'object' && address !== null)
  const server = await protect(
    ['--http', `http://127.0.0.1:${address.port}/mcp`, '--bearer', 'env:OURS', '--scope', '*=use'],
    { OURS: 'our-own-token' },
  )
  const answer = await server.call('who', 'use')
  // It does not let us in; that is between the two of us (H28).
  assert.equal(answer.status, 502)
  assert.doesNotMatch(answer.text, /inside/)
  assert.equal(answer.headers.get('www-authenticate'), null)
  assert.ok(seen.length > 0)
  for (const headers of seen) assert.equal(headers['authorization'], 'Bearer our-own-token')
  const { stdout, stderr } = await server.stop()
  assert.doesNotMatch(stdout + stderr, /our-own-token/)
})

test('“doorman dev --resource” gives out tokens for a server that is protected', async () => {
  const port = await findFreePort()
  const resource = `http://127.0.0.1:${port}/mcp`
  const dev = await startDev(lab, { words: ['--resource', `${resource}=tools:use tools:other`] })
  const running = lab.start([
    'protect',
    '--port',
    `${port}`,
    '--issuer',
    dev.issuer,
    '--scope',
    'who=tools:use',
    '--',
    node,
    smallServer,
  ])
  await running.printed(/Tokens are taken from/)
  for (const [scope, status] of [
    ['tools:use', 200],
    ['tools:other', 403],
  ] as const) {
    const words = [
      'token',
      'issue',
      '--user',
      'alice',
      '--scope',
      scope,
      '--resource',
      resource,
      '--state',
      dev.state,
    ]
    const issued = await lab.run(words)
    assert.equal(issued.code, 0, issued.stderr)
    const answer = await callTool(resource, issued.stdout.trim(), { name: 'who' }, '2026-07-28')
    assert.equal(answer.status, status, answer.text)
  }
})

const issuer = ['--issuer', 'https://issuer.example.com']
const misuses: readonly (readonly [words: readonly string[], message: RegExp])[] = [
  [issuer, /Nothing is named to be protected\. Add -- COMMAND ARGS, or --http URL\./],
  [[...issuer, '--http', 'http://127.0.0.1:1/mcp', '--', node], /Leave out one of the two/],
  [
    ['--scope', 'a=b', '--', node, smallServer],
    /Nobody is named whose tokens to accept\. .* start "doorman dev"/,
  ],
  [[...issuer, '--scope', 'a', '--', node], /Write it as TOOL=SCOPE/],
  [[...issuer, '--scope', 'a=b', '--challenge', 'c', '--', node], /--challenge c: no --scope asks for it/],
  [[...issuer, '--scope', 'a=b c', '--', node], /has characters that a scope cannot have/],
  [
    [...issuer, '--scope', '*=a', '--scope', 'purge=b', '--', node],
    /--scope purge=… has no effect: --scope \*=… names it first/,
  ],
  [[...issuer, '--scope', 'a=b', '--bearer', 'env:X', '--', node], /--bearer has no effect without --http/],
  [
    [...issuer, '--scope', 'a=b', '--http', 'http://127.0.0.1:1/mcp', '--bearer', 'hunter2'],
    /--bearer: write env:NAME or file:PATH/,
  ],
  [
    [...issuer, '--scope', 'a=b', '--http', 'http://127.0.0.1:1/mcp', '--env', 'HOME'],
    /--env has no effect with --http/,
  ],
  [
    [...issuer, '--scope', 'a=b', '--http', 'http://notes.example.com/mcp'],
    /plain http is for loopback\. Use https, or --allow-plain-http/,
  ],
  [
    [...issuer, '--scope', 'a=b', '--env', 'NOT_THERE', '--', node],
    /--env NOT_THERE: there is no such variable here/,
  ],
  [[...issuer, '--scope', 'a=b', '--name', 'a b', '--', node], /--name "a b": use letters/],
  [
    [...issuer, '--scope', 'a=b', '--', node, 'package.json'],
    /"package\.json" is a file here, but the program runs in a folder of its own\. Write "\.\/package\.json"/,
  ],
]
for (const [words, message] of misuses) {
  test(`doorman protect ${words.join(' ').replaceAll(node, 'node').replace(smallServer, 'SERVER')} is a mistake`, async () => {
    const { code, stdout, stderr } = await lab.run(['protect', ...words])
    assert.equal(code, 2, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /hunter2/)
  })
}

test('a server that cannot be asked for its tools is told of, and no draft is written', async () => {
  const cwd = lab.makeFolder()
  for (const [words, message] of [
    [['--', '/nowhere/at/all'], /cannot be asked for its tools: The program could not be started/],
    [['--', node, '-e', ''], /cannot be asked for its tools/],
    [['--http', 'http://127.0.0.1:9/mcp'], /cannot be asked for its tools/],
  ] as const) {
    const { code, stderr } = await lab.run(['protect', ...words], { cwd })
    assert.equal(code, 1, stderr)
    assert.match(stderr, message)
    assert.equal(existsSync(join(cwd, 'doorman.yaml')), false)
  }
})
