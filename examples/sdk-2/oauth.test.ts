import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { after, afterEach, test } from 'node:test'
import { startDevelopmentIssuer, type FaultName } from '@mcp-doorman/development-issuer'

// The server that is tested runs as it does elsewhere: a process of its own, told its port and its issuer.
const port = await findFreePort()
const resource = `http://127.0.0.1:${port}/mcp`
const issuer = await startDevelopmentIssuer({
  port: 0,
  resources: [{ resource, scopes: ['notes:read', 'notes:write'] }],
})
const server = spawn(process.execPath, [`${import.meta.dirname}/server.ts`], {
  env: { ...process.env, PORT: String(port), ISSUER: issuer.issuer },
  stdio: 'ignore',
})
after(async () => {
  server.kill()
  await issuer.close()
})
afterEach(() => issuer.faults.clear())
await untilItAnswers()

test('nobody gets in without a token, and is told where to get one', async () => {
  const response = await readNotes(undefined)
  assert.equal(response.status, 401)
  assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer .*resource_metadata="http/)
})

test('a token that may read lets in', async () => {
  assert.equal((await readNotes(await tokenFor('notes:read'))).status, 200)
})

// Each is one mistake in an otherwise good token. The first that lets in is a hole.
const badTokens: readonly (readonly [FaultName, Readonly<Record<string, string>>, status: number])[] = [
  ['token-issuer', { is: 'other' }, 401],
  ['token-audience', { is: 'other' }, 401],
  ['token-audience', { is: 'slash' }, 401],
  ['token-audience', { is: 'missing' }, 401],
  ['token-expiry', { is: 'past' }, 401],
  ['token-expiry', { is: 'missing' }, 401],
  ['token-kind', { is: 'refresh' }, 401],
  ['token-kind', { is: 'id' }, 401],
  ['token-forged', { by: 'stranger' }, 401],
  ['token-forged', { by: 'nobody' }, 401],
  ['token-scope', { is: 'other' }, 403],
]
for (const [fault, parameters, status] of badTokens) {
  test(`${fault} ${Object.values(parameters).join()} is answered with ${status}`, async () => {
    await issuer.faults.enable(fault, parameters)
    assert.equal((await readNotes(await tokenFor('notes:read'))).status, status)
  })
}

test('a key that is replaced under the same id ends the old tokens and takes the new ones', async () => {
  const old = await tokenFor('notes:read')
  assert.equal((await readNotes(old)).status, 200)
  await issuer.faults.enable('keys-replaced')
  assert.equal((await readNotes(await tokenFor('notes:read'))).status, 200)
  assert.equal((await readNotes(old)).status, 401)
})

test('an issuer that hangs does not hang the server', async () => {
  await issuer.faults.enable('hanging')
  const status = (await readNotes(await tokenFor('notes:read'))).status
  assert.ok(status === 200 || status === 503, String(status))
})

function tokenFor(scope: string): Promise<string> {
  return issuer.issueToken({ user: 'alice', scopes: [scope] })
}

function readNotes(token: string | undefined): Promise<Response> {
  return fetch(resource, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read_notes' } }),
    signal: AbortSignal.timeout(10_000),
  })
}

async function findFreePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const { port: free } = listener.address() as AddressInfo // It listens on TCP.
  await new Promise((resolve) => listener.close(resolve))
  return free
}

async function untilItAnswers(): Promise<void> {
  for (let left = 200; left > 0; left -= 1) {
    const answered = await fetch(resource).then(
      () => true,
      () => new Promise((resolve) => setTimeout(resolve, 50, false)),
    )
    if (answered === true) return
  }
  throw new Error('the server does not answer')
}
