import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import {
  authorizeUrl,
  decode,
  files,
  getJson,
  getTokens,
  refresh,
  register,
  startIssuer,
  tokensOf,
} from './oauth-client.ts'
import type { CookieJar } from './walk-login.ts'

const options = { port: 0, resources: [files] }

test('CA12: it does not start in production', async (t) => {
  const before = process.env['NODE_ENV']
  t.after(() => {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  })
  process.env['NODE_ENV'] = 'production'
  await assert.rejects(startDevelopmentIssuer(options), /does not start in production/)
  process.env['NODE_ENV'] = 'development'
  await (await startDevelopmentIssuer(options)).close()
})

test('CA12: it does not listen where others can reach it, unless that is allowed', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'doorman.example', '127.999.1.1', 'doorman.localhost']) {
    await assert.rejects(startDevelopmentIssuer({ ...options, host }), (error) => {
      assert.ok(error instanceof Error)
      assert.match(error.message, /allow it with allowNonLoopback in/)
      return true
    })
  }
  await assert.rejects(
    startDevelopmentIssuer({ ...options, host: '0.0.0.0', allowNonLoopback: true }),
    /issuer: must be given/,
  )
})

test('connections are bounded in number, and slow ones are looked for every two seconds', async (t) => {
  const servers: unknown[] = []
  const remember = (message: unknown): void => {
    if (typeof message === 'object' && message !== null && 'server' in message) servers.push(message.server)
  }
  subscribe('http.server.request.start', remember)
  t.after(() => unsubscribe('http.server.request.start', remember))
  const { issuer } = await startIssuer(t)
  await getJson(`${issuer}/jwks`)
  const [server] = servers
  assert.ok(server instanceof Server)
  assert.equal(server.maxConnections, 1000)
  assert.equal(Object(server).connectionsCheckingInterval, 2000)
})

test('a state folder that others may write to, or with a key of somebody else, stops the start', async (t) => {
  const state = temporaryFolder(t)
  await (await startDevelopmentIssuer({ ...options, state })).close()
  chmodSync(state, 0o777)
  await assert.rejects(
    startDevelopmentIssuer({ ...options, state }),
    /may be written to by others.*chmod 700/,
  )
  chmodSync(state, 0o700)
  await (await startDevelopmentIssuer({ ...options, state })).close()
  if (process.getuid?.() !== 0) return // Only root can give a file away.
  chownSync(join(state, 'signing-keys.json'), 65_534, 65_534)
  await assert.rejects(
    startDevelopmentIssuer({ ...options, state }),
    /signing-keys\.json belongs to another account/,
  )
})

for (const unattended of [{ autoConsent: true }, { autoLogin: true }, { autoLogin: 'bob' }]) {
  for (const like of ['doorman', 'casdoor'] as const) {
    test(`like ${like}, ${Object.keys(unattended).join()} works only on loopback`, async () => {
      const given = { ...options, like, ...unattended }
      const says = /autoLogin, autoConsent: answer for people/
      await assert.rejects(startDevelopmentIssuer({ ...given, issuer: 'https://auth.example.com' }), says)
      const everywhere = { host: '0.0.0.0', allowNonLoopback: true, issuer: 'http://127.0.0.1:8081' }
      await assert.rejects(startDevelopmentIssuer({ ...given, ...everywhere }), says)
      await (await startDevelopmentIssuer(given)).close()
    })
  }
}

test('a state folder belongs to one running issuer, and is free again when that has ended', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'doorman-'))
  t.after(() => rmSync(state, { recursive: true }))
  // A process that certainly runs and is not this one.
  const other = { issuer: 'http://127.0.0.1:1', pid: process.ppid, secret: 'x' }
  writeFileSync(join(state, 'issuer.json'), JSON.stringify(other), { mode: 0o600 })
  chmodSync(state, 0o700)
  await assert.rejects(
    startDevelopmentIssuer({ ...options, state }),
    /is in use by the issuer http:\/\/127\.0\.0\.1:1/,
  )
  assert.ok(existsSync(join(state, 'issuer.json')))

  const ended = spawn(process.execPath, ['-e', ''])
  await new Promise((resolve) => ended.once('exit', resolve))
  writeFileSync(join(state, 'issuer.json'), JSON.stringify({ ...other, pid: ended.pid }), { mode: 0o600 })
  await (await startDevelopmentIssuer({ ...options, state })).close()
})

test('every mistake in the options is told at once', async () => {
  const given = { ...options, port: -1, users: [], extra: 1 }
  await assert.rejects(startDevelopmentIssuer(given), (error) => {
    assert.ok(error instanceof TypeError)
    assert.match(error.message, /extra: unknown option/)
    assert.match(error.message, /port: must be/)
    assert.match(error.message, /users: must have/)
    return true
  })
  await assert.rejects(
    startDevelopmentIssuer({ ...options, resources: [{ ...files, resource: 'mcp', defaultScopes: ['x'] }] }),
    /resources\[0\]\.resource: must be an absolute[^]*x is not one of its scopes/,
  )
})

test('a port that is taken is named, with a way out', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo // It listens on a TCP port.
  await assert.rejects(
    startDevelopmentIssuer({ ...options, port }),
    new RegExp(`Port ${port} on 127.0.0.1 is taken by another program`),
  )
})

test('close ends connections that wait for their answer or send their request slowly', async () => {
  const issuer = await startDevelopmentIssuer(options)
  const slow = connect(issuer.port, '127.0.0.1')
  const ended = new Promise<void>((resolve) => slow.once('close', () => resolve()))
  slow.on('error', () => {})
  await new Promise<void>((resolve) =>
    slow.write('POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n', () => resolve()),
  )
  await issuer.close()
  await ended
  await assert.rejects(fetch(issuer.issuer))
})

test('registrations, grants and keys survive a restart; files are private', async (t) => {
  const state = join(temporaryFolder(t), 'state')
  const first = await startIssuer(t, { state })
  const { body: client } = await register(first, {
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  })
  const tokens = await getTokens(first)
  await first.rotateKeys()
  const { body: keys } = await getJson(`${first.issuer}/jwks`)
  await first.close()

  const second = await startIssuer(t, { state, port: first.port })
  await forgetConnections(second.issuer)
  const url = authorizeUrl(second, { client_id: String(client['client_id']) })
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 303)
  assert.deepEqual((await getJson(`${second.issuer}/jwks`)).body, keys)
  const again = tokensOf(await refresh(second, tokens.refresh))
  assert.equal(decode(again.access).claims['sub'], 'alice')
  assert.notEqual(second.secret, first.secret)

  assert.equal(statSync(state).mode & 0o777, 0o700)
  for (const name of readdirSync(state)) assert.equal(statSync(join(state, name)).mode & 0o777, 0o600, name)
})

test('of a user who is gone, neither the refresh token works nor the login of the browser', async (t) => {
  const state = temporaryFolder(t)
  const first = await startIssuer(t, { state })
  const cookies: CookieJar = new Map()
  const tokens = await getTokens(first, { cookies })
  await first.close()
  const second = await startIssuer(t, {
    state,
    port: first.port,
    users: [{ name: 'carol', password: 'carol' }],
  })
  await forgetConnections(second.issuer)
  assert.equal((await refresh(second, tokens.refresh)).body['error'], 'invalid_grant')
  assert.equal(decode((await getTokens(second, { user: 'carol', cookies })).access).claims['sub'], 'carol')
})

test('a key file that others may read, or that is damaged, stops the start with a way out', async (t) => {
  const state = temporaryFolder(t)
  await (await startDevelopmentIssuer({ ...options, state })).close()
  const path = join(state, 'signing-keys.json')
  chmodSync(path, 0o644)
  await assert.rejects(startDevelopmentIssuer({ ...options, state }), /chmod 600/)
  chmodSync(path, 0o600)
  writeFileSync(path, '{"keys":[]}')
  await assert.rejects(startDevelopmentIssuer({ ...options, state }), /does not hold signing keys/)
  assert.ok(!existsSync(join(state, 'issuer.json')))
})

test('a process that logs in, with mistakes in every step, prints nothing: no notice, password or token', async () => {
  const script = new URL('quiet-login.ts', import.meta.url)
  const child = spawn(process.execPath, [script.pathname], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  assert.equal(output, '')
  assert.equal(code, 0)
})

test('what is kept in memory leaves no file', async (t) => {
  const folder = temporaryFolder(t)
  const issuer = await startIssuer(t)
  await getTokens(issuer)
  assert.deepEqual(readdirSync(folder), [])
})

/** The pool of fetch may still hold a connection to the issuer that had this port before; its end shows here. */
async function forgetConnections(issuer: string): Promise<void> {
  await fetch(issuer).then(
    (response) => response.text(),
    () => '',
  )
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'doorman-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
