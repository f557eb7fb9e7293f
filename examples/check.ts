/**
 * Starts an example with an issuer of its own, and checks that it is protected.
 *
 *   node examples/check.ts sdk-2
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [example = ''] = process.argv.slice(2)
const port = await freePort()
const resource = `http://127.0.0.1:${port}/mcp`
const state = mkdtempSync(join(tmpdir(), 'example-'))
Object.assign(process.env, { ISSUER_PORT: '0', ISSUER_STATE: state, RESOURCE: resource })
const { issuer } = await import('./issuer.ts')

const server = spawn(process.execPath, [join(import.meta.dirname, example, 'server.ts')], {
  env: { ...process.env, PORT: String(port), ISSUER: issuer.issuer },
  stdio: ['ignore', 'inherit', 'pipe'],
})
let records = ''
server.stderr.setEncoding('utf8').on('data', (text: string) => (records += text))
const ended = once(server, 'exit')
try {
  await listening()
  await check()
  console.log(`${example} is protected.`)
} catch (error) {
  console.error(records)
  throw error
} finally {
  server.kill()
  await ended
  await issuer.close()
  rmSync(state, { recursive: true })
}

async function check(): Promise<void> {
  assert.equal(
    (await fetch(new URL('/', resource))).status,
    ['sdk-2', 'endpoint'].includes(example) ? 404 : 200,
  )
  const stranger = await call(undefined, 'read_notes')
  assert.equal(stranger.status, 401)
  const metadata =
    /resource_metadata="([^"]+)"/.exec(stranger.headers.get('www-authenticate') ?? '')?.[1] ?? ''
  const document = (await (await fetch(metadata)).json()) as Record<string, unknown>
  assert.deepEqual([document['resource'], document['authorization_servers']], [resource, [issuer.issuer]])

  const reader = await tokenFor('notes:read')
  assert.match(await (await call(reader, 'read_notes')).text(), /Buy apples/)
  const refused = await call(reader, 'add_note', { text: 'Buy bread' })
  assert.equal(refused.status, 403)
  assert.match(refused.headers.get('www-authenticate') ?? '', /insufficient_scope.*scope="notes:write"/)
  const writer = await tokenFor('notes:write')
  assert.match(await (await call(writer, 'add_note', { text: 'Buy bread' })).text(), /Added/)
  assert.match(await (await call(writer, 'read_notes')).text(), /Buy apples\\nBuy bread"/)
  assert.match(await (await call(writer, 'delete_notes')).text(), /Unknown tool/)
}

function call(token: string | undefined, name: string, args: object = {}): Promise<Response> {
  return fetch(resource, {
    method: 'POST',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  })
}

async function tokenFor(scope: string): Promise<string> {
  const answer = await fetch(`${issuer.issuer}/development/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${issuer.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user: 'alice', scope }),
  })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  return token
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function listening(): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (server.exitCode !== null) throw new Error(`the example ended with ${server.exitCode}`)
    const reached = await fetch(resource).catch(() => undefined)
    if (reached !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the example does not listen')
}
