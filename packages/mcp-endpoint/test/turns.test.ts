import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defer } from './deferred.ts'
import { legacy } from './messages.ts'
import { ask, formatRequest, openConnection } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'

const mostWaiting = 64

test('J8: of requests sent ahead, those wait whose answers the client does not read', async (t) => {
  let calls = 0
  const text = 'x'.repeat(1024 * 1024)
  const much = toolOf('much', () => {
    calls += 1
    return { content: [{ type: 'text', text }] }
  })
  const { port, token, recorded } = await startTestServer(t, { tools: [much] })
  const connection = await openConnection(port)
  connection.socket.pause()
  const request = formatRequest(port, legacy(token(), 'tools/call', { name: 'much' }))
  const count = mostWaiting + 1
  connection.send(Buffer.concat(Array.from({ length: count }, () => request)))
  await recorded(1)
  for (let round = 0; round < 50; round += 1) await ask(port, legacy(token(), 'ping'))
  // The system's buffers take several.
  assert.ok(calls < count / 2, `${calls} calls`)

  connection.socket.resume()
  for (let index = 0; index < count; index += 1) assert.equal((await connection.answer()).status, 200)
  assert.equal(calls, count)
  connection.destroy()
})

for (const [waiting, closes] of [
  [mostWaiting, false],
  [mostWaiting + 1, true],
] as const) {
  test(`J8: a connection on which ${waiting} requests wait is ${closes ? 'closed' : 'served'}`, async (t) => {
    const called = defer()
    const released = defer()
    const wait = toolOf('wait', async () => {
      called.resolve()
      await released.promise
      return { content: [] }
    })
    const { port, token, recorded } = await startTestServer(t, { tools: [wait] })
    const connection = await openConnection(port)
    connection.send(formatRequest(port, legacy(token(), 'tools/call', { name: 'wait' })))
    await called.promise
    const ping = formatRequest(port, legacy(token(), 'ping'))
    connection.send(Buffer.concat(Array.from({ length: waiting }, () => ping)))
    if (closes) await connection.closed
    released.resolve()
    if (!closes) {
      for (let index = 0; index <= waiting; index += 1) {
        assert.equal((await connection.answer()).status, 200)
      }
    }
    // Each request has a decision and an outcome; of those that waited on a closed connection, none has any.
    const expected = closes ? 2 : 2 * (waiting + 1)
    assert.equal((await ask(port, legacy(token(), 'ping'))).status, 200)
    assert.equal((await recorded(expected + 2)).length, expected + 2)
    connection.destroy()
  })
}
