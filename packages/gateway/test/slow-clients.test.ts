/** Many at once, and clients that take their time: others are served, and nothing is left when they are gone. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { modern } from '../../mcp-endpoint/test/messages.ts'
import { formatRequest, openConnection, type RawConnection } from '../../mcp-endpoint/test/raw-http.ts'
import { saidIn, startGateway } from './gateway-server.ts'
import { startOddServer } from './odd-http-server.ts'

const program = fileURLToPath(new URL('programs/odd-server.ts', import.meta.url))
const descriptors = (): number => readdirSync('/proc/self/fd').length

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    assert.ok(tries < 1000, String(condition))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('J8: 200 clients that do not read their answers hold up nobody, and leave nothing behind', async (t) => {
  const before = descriptors()
  const gateway = await startGateway(t, {
    command: [process.execPath, program],
    maxRequestsPerConnection: 300,
  })
  const bearer = gateway.token()
  const params = { name: 'big', arguments: { bytes: 300_000 } }
  const slow: RawConnection[] = []
  for (let count = 0; count < 200; count += 1) {
    const connection = await openConnection(gateway.port)
    connection.socket.pause()
    connection.send(formatRequest(gateway.port, modern(bearer, 'tools/call', params)))
    slow.push(connection)
  }
  const began = performance.now()
  assert.equal(saidIn(await gateway.call('count')), 1)
  assert.ok(performance.now() - began < 10_000)
  for (const connection of slow) connection.destroy()
  await gateway.close()
  await until(() => descriptors() <= before)
})

test('200 calls at once to an HTTP server that never answers end with their clients, and leave no connection', async (t) => {
  const before = descriptors()
  const server = await startOddServer('modern')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url, maxRequestsPerConnection: 300 })
  const bearer = gateway.token()
  const request = formatRequest(gateway.port, modern(bearer, 'tools/call', { name: 'hang', arguments: {} }))
  const waiting = await Promise.all(Array.from({ length: 200 }, () => openConnection(gateway.port)))
  for (const connection of waiting) connection.send(request)
  const hanging = (): number => server.seen.filter(({ headers }) => headers['mcp-name'] === 'hang').length
  await until(() => hanging() === 200)
  assert.equal((await gateway.call('echo')).status, 200)
  for (const connection of waiting) connection.destroy()
  await until(async () => (await server.connections()) <= 1)
  assert.equal((await gateway.call('echo')).status, 200)
  await gateway.close()
  await server.close()
  await until(() => descriptors() <= before)
})

test('more requests of one caller than may be under way are refused, and those under way are not disturbed', async (t) => {
  const gateway = await startGateway(t, {
    command: [process.execPath, program],
    maxRequestsPerConnection: 2,
    callTimeoutSeconds: 1,
  })
  assert.equal(saidIn(await gateway.call('count')), 1)
  const waiting = [gateway.call('hang', {}, { era: 'legacy' }), gateway.call('hang', {}, { era: 'legacy' })]
  await until(() => gateway.events.filter(({ kind }) => kind === 'stderr').length === 2)
  assert.equal((await gateway.call('count')).status, 503)
  assert.equal(saidIn(await gateway.call('count', {}, { sub: 'bob' })), 1)
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 504)
  assert.equal(saidIn(await gateway.call('count')), 2)
})
