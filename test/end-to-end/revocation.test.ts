import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLab, type Ended, type Lab } from './doorman-process.ts'
import { startHandMadeIssuer, signToken } from './hand-made-issuer.ts'
import { callTool, resultOf } from './mcp-wire.ts'
import { startDev, startFiles, type FilesServer } from './protected-servers.ts'

const list = { name: 'list_files' }
const scope = 'files:list'

interface Place {
  readonly lab: Lab
  readonly state: string
  readonly server: FilesServer
  readonly token: (claims?: Readonly<Record<string, unknown>>) => string
  readonly status: (token: string) => Promise<number>
  readonly revoke: (...words: string[]) => Promise<Ended>
}

/** A files server with a state folder, and an issuer that signs what the test wants. */
async function startPlace(lab: Lab, words: readonly string[] = []): Promise<Place> {
  const issuer = await startHandMadeIssuer(lab)
  const state = join(lab.makeFolder(), 'state')
  const server = await startFiles(lab, { words: ['--issuer', issuer.issuer, '--state', state, ...words] })
  return {
    lab,
    state,
    server,
    token: (claims = {}) => signToken(issuer.key, { iss: issuer.issuer, aud: server.url, scope, ...claims }),
    status: async (token) => (await callTool(server.url, token, list)).status,
    revoke: (...more) => lab.run(['revoke', '--state', state, ...more]),
  }
}

test('D9: "doorman revoke" ends tokens at once, says so, and keeps it over a restart', async (t) => {
  const lab = openLab(t)
  const place = await startPlace(lab)
  const { token, status, revoke, state, server } = place
  const [alice, bob] = [token(), token({ sub: 'bob' })]
  assert.deepEqual([await status(alice), await status(bob)], [200, 200])

  const ended = await revoke('--subject', 'alice')
  assert.equal(ended.code, 0, ended.stderr)
  assert.match(
    ended.stdout,
    /^Revoked: tokens of the user alice from http:\/\/127\.0\.0\.1:\d+, issued up to 20\d\d-.*Z\.\n$/,
  )
  assert.deepEqual([await status(alice), await status(bob)], [401, 200])
  await server.process.printed(/"kind":"revocation".*"subject":"alice"/)
  await server.process.printed(/"code":"token_revoked"/)
  assert.equal(statSync(join(state, 'revocations.jsonl')).mode & 0o777, 0o600)

  assert.equal((await server.process.stop()).code, 0)
  const words = ['files', server.folder, '--port', `${server.port}`, '--state', state]
  const issuer = JSON.parse(Buffer.from(alice.split('.')[1] ?? '', 'base64url').toString()) as { iss: string } // Made above.
  const again = lab.start([...words, '--issuer', issuer.iss])
  await again.printed(/Tokens are taken from/)
  assert.deepEqual([await status(alice), await status(bob)], [401, 200])
  const listed = await revoke('--list')
  assert.match(listed.stdout, /^tokens of the user alice from /)
})

test('a client, a token and a time are revoked by their own words, and each leaves its neighbour alone', async (t) => {
  const { token, status, revoke, lab, state } = await startPlace(openLab(t))
  const [old, stolen, agent, good] = [
    token({ iat: 1000 }),
    token(),
    token({ client_id: 'agent' }),
    token({ jti: 'good' }),
  ]
  assert.equal((await revoke('--client', 'agent')).code, 0)
  assert.equal((await lab.run(['revoke', '--state', state, '--token'], {}, `${stolen}\n`)).code, 0)
  assert.equal((await revoke('--issued-before', '2020-01-01T00:00Z')).code, 0)
  assert.deepEqual(await Promise.all([old, stolen, agent, good].map(status)), [401, 401, 401, 200])
  assert.equal((await revoke('--token-id', 'good')).code, 0)
  assert.equal(await status(good), 401)
  const { stdout } = await revoke('--list', '--json')
  assert.equal((JSON.parse(stdout) as unknown[]).length, 4) // A list, as the help says.
})

test('"doorman revoke" says what is missing, what is wrong, and where nobody listens', async (t) => {
  const { revoke, lab } = await startPlace(openLab(t))
  const told = async (code: number, text: RegExp, ...words: string[]): Promise<void> => {
    const ended = await revoke(...words)
    assert.equal(ended.code, code, ended.stderr)
    assert.match(ended.stderr, text)
  }
  await told(2, /Nothing is named to be revoked/)
  await told(2, /Nothing is named to be revoked/, '--issuer', 'https://issuer.example')
  await told(2, /is no issuer here\. Name one: http/, '--subject', 'a', '--issuer', 'https://issuer.example')
  await told(2, /names a token by itself/, '--token', '--subject', 'a')
  await told(2, /no token on standard input/, '--token')
  await told(2, /must not lie in the future/, '--issued-before', '2999-01-01')
  await told(2, /Write a time as/, '--issued-before', 'yesterday')
  await told(2, /by its id alone/, '--token-id', 'a', '--subject', 'b')
  const nobody = await lab.run(['revoke', '--state', lab.makeFolder(), '--subject', 'a'])
  assert.equal(nobody.code, 1)
  assert.match(nobody.stderr, /No server that uses the state folder .* runs\. Name its folder with --state/)
})

/** Starts a server that is expected to refuse this state folder. */
function runFiles(lab: Lab, state: string, folder = lab.makeFolder()): Promise<Ended> {
  return lab.run(['files', folder, '--port', '1', '--issuer', 'https://issuer.example', '--state', state])
}

/** Asks the admin listener directly, as another program of the same account could. */
function askSocket(state: string, method: string, path: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(state, 'admin.sock'), method, path }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
    asked.once('error', reject)
    asked.end(body)
  })
}

test('the admin listener is a socket for its owner, and takes nothing but what it knows', async (t) => {
  const { state, token, status } = await startPlace(openLab(t))
  const socket = statSync(join(state, 'admin.sock'))
  assert.ok(socket.isSocket())
  assert.equal(socket.mode & 0o777, 0o600)
  assert.equal(statSync(state).mode & 0o777, 0o700)

  const post = (body: string): Promise<number> => askSocket(state, 'POST', '/revocations', body)
  assert.equal(await askSocket(state, 'GET', '/'), 404)
  assert.equal(await askSocket(state, 'DELETE', '/revocations'), 405)
  for (const body of [
    '',
    '{',
    '[]',
    'null',
    '7',
    '{"subjects":"alice"}',
    '{"subject":7}',
    `{"subject":"${'x'.repeat(70_000)}"}`,
  ]) {
    assert.equal(await post(body), 400, body.slice(0, 20))
  }
  assert.equal(await status(token()), 200)
  assert.equal(await post('{"subject":"alice"}'), 201)
  assert.equal(await status(token({ iat: 1000 })), 401)
})

test('a state folder serves one server at a time, and one that was killed leaves no lock behind', async (t) => {
  const lab = openLab(t)
  const { state, server, revoke, token, status } = await startPlace(lab)
  const second = await runFiles(lab, state)
  assert.equal(second.code, 1)
  assert.match(
    second.stderr,
    /is in use by a server that runs\. Stop that one, or give each a folder of its own/,
  )
  assert.equal((await revoke('--subject', 'bob')).code, 0, 'the first goes on')

  process.kill(server.process.pid, 'SIGKILL')
  await server.process.ended
  const { iss } = JSON.parse(Buffer.from(token().split('.')[1] ?? '', 'base64url').toString()) as {
    iss: string
  } // Made above.
  const third = lab.start([
    'files',
    server.folder,
    '--port',
    `${server.port}`,
    '--state',
    state,
    '--issuer',
    iss,
  ])
  await third.printed(/Tokens are taken from/)
  assert.equal(await status(token({ sub: 'bob', iat: 1000 })), 401)
  assert.equal((await revoke('--list')).code, 0)
})

test('revocations that cannot be read keep the server from starting, since it could let in what was revoked', async (t) => {
  const lab = openLab(t)
  const state = lab.makeFolder()
  writeFileSync(join(state, 'revocations.jsonl'), '{"issuer":\n', { mode: 0o600 })
  const ended = await runFiles(lab, state)
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /revocations\.jsonl:1 is not a revocation/)
})

test('a state folder inside of what is served is refused, but for .doorman', async (t) => {
  const lab = openLab(t)
  const folder = lab.makeFolder()
  const ended = await runFiles(lab, join(folder, 'state'), folder)
  assert.equal(ended.code, 2)
  assert.match(ended.stderr, /--state .* lies in .*, which is served/)
})

test('a state folder with a path that is too long for a socket is refused by name', async (t) => {
  const lab = openLab(t)
  const state = join(lab.makeFolder(), 'x'.repeat(100))
  mkdirSync(state, { mode: 0o700 })
  const ended = await runFiles(lab, state)
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /too long a path for a socket/)
})

test('"doorman dev" takes revocations in its own state folder, and a new login is taken', async (t) => {
  const lab = openLab(t)
  const dev = await startDev(lab)
  const token = await dev.token({ scope })
  resultOf(await callTool(dev.url, token, list))
  const { code } = await lab.run(['revoke', '--state', dev.state, '--subject', 'alice'])
  assert.equal(code, 0)
  assert.ok(readFileSync(join(dev.state, 'revocations.jsonl'), 'utf8').includes('"subject":"alice"'))
  assert.equal((await callTool(dev.url, token, list)).status, 401)
})
