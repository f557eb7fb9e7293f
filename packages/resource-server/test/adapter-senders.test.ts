import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { protect } from '@mcp-doorman/resource-server/node'
import { adapterServers } from './adapter-servers.ts'
import { boundToken, makeDpopClient } from './dpop-client.ts'
import { callOf, startGuarded } from './guarded.ts'
import { exchange, type Received } from './http-exchange.ts'

for (const { name, serve } of adapterServers) {
  test(`${name}: F12, B22: a nonce goes out with the refusal and its successor with an answer, and the handler sees no proof`, async () => {
    const world = await startGuarded({ options: { dpop: { nonce: { periodSeconds: 60 } } } })
    const seen: string[] = []
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [] } })
    const { port, close } = await serve({
      resourceServer: world.server,
      handler: ({ headers }) => {
        seen.push(...headers)
        return { headers: { 'content-type': 'application/json' }, body }
      },
      options: { allowedOrigins: ['https://page.example'] },
    })
    after(close)
    const client = makeDpopClient('ES256', () => world.clock.now)
    const token = boundToken(world, client)
    const send = (nonce?: string): Promise<Received> =>
      exchange(port, {
        body: JSON.stringify(callOf('read_file')),
        headers: [
          ...['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream'],
          ...['Authorization', `DPoP ${token}`, 'DPoP', client.prove(token, { claims: { nonce } })],
          ...['Origin', 'https://page.example'],
        ],
      })
    const refused = await send()
    assert.equal(refused.status, 401)
    assert.match(String(refused.headers['access-control-expose-headers']), /DPoP-Nonce/)
    const nonce = String(refused.headers['dpop-nonce'])
    const served = await send(nonce)
    assert.deepEqual([served.status, served.headers['dpop-nonce']], [200, undefined])
    world.clock.now += 60
    const later = await send(nonce)
    assert.equal(later.status, 200)
    assert.notEqual(later.headers['dpop-nonce'] ?? nonce, nonce)
    assert.ok(
      seen.every((text) => !text.includes(token) && text.toLowerCase() !== 'dpop'),
      'F17',
    )
  })
}

test('node: C30: where TLS ends in the process, the certificate of the socket is the proof', async () => {
  const read = (file: string): string =>
    readFileSync(new URL(`../../outbound/test/fixtures/${file}.pem`, import.meta.url), 'utf8')
  const { createHash, X509Certificate } = await import('node:crypto')
  const [key, mine, another] = [read('server-key'), read('loopback'), read('other-host')]
  const world = await startGuarded()
  const listener = protect(world.server, (_request, response) => void response.end('{}'))
  const tls = { key, cert: mine, requestCert: true, rejectUnauthorized: false }
  const server = createServer(tls, (asked, response) => void listener(asked, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  const { port } = server.address() as AddressInfo // It listens on TCP.
  const thumbprint = createHash('sha256').update(new X509Certificate(mine).raw).digest('base64url')
  const token = world.issuer.sign({ claims: { cnf: { 'x5t#S256': thumbprint } } })
  const send = (cert: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      }
      const where = { host: '127.0.0.1', port, path: '/mcp', method: 'POST', agent: false, headers }
      request({ ...where, key, cert, rejectUnauthorized: false }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode))
      })
        .once('error', reject)
        .end(JSON.stringify(callOf('read_file')))
    })
  assert.equal(await send(mine), 200)
  assert.equal(await send(another), 401)
})
