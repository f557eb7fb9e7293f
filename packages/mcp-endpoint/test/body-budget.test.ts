import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { BodyShare } from '#internal/http/body-budget'
import { defer } from './deferred.ts'
import { jsonOf, legacy, post } from './messages.ts'
import { ask, formatRequest, openConnection, type RawConnection } from './raw-http.ts'
import { startTestServer, toolOf, type ServerChange, type TestServer } from './test-server.ts'

const uncounted = 65_536
const large = 200_000
const mount = { maxBodyBytes: large }
const http = { maxBodyBytesUnderWay: 2 * large + 100_000 }

interface Started extends TestServer {
  readonly bearer: string
  /** The status that a ping of so many bytes is answered with. */
  readonly statusOf: (bytes: number) => Promise<number>
  /** Asks until the answer has this status, which the rest of an event in the server may delay. */
  readonly until: (status: number, bytes: number) => Promise<void>
  /** Begins a ping of so many bytes, and sends all but the last. */
  readonly stall: (bytes: number) => Promise<RawConnection>
}

async function start(t: TestContext, change: ServerChange = {}): Promise<Started> {
  const server = await startTestServer(t, { http, mount, ...change })
  const { port } = server
  const bearer = server.token()
  const pingOf = (bytes: number): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'ping' }).padEnd(bytes)
  const statusOf = async (bytes: number): Promise<number> =>
    (await ask(port, post(bearer, pingOf(bytes)))).status
  await statusOf(100) // From now on the token is known, so that requests are judged in the order of their arrival.
  return {
    ...server,
    bearer,
    statusOf,
    until: async (status, bytes) => {
      for (let tries = 1; (await statusOf(bytes)) !== status; tries += 1) assert.ok(tries < 500)
    },
    stall: async (bytes) => {
      const connection = await openConnection(port)
      t.after(() => connection.destroy())
      connection.send(formatRequest(port, post(bearer, pingOf(bytes))).subarray(0, -1))
      return connection
    },
  }
}

test('J8: uploads that stall take the budget to the byte; the next is told to come again, and is served then', async (t) => {
  const { port, bearer, statusOf, until, stall, records } = await start(t)
  const stalled = await stall(large)
  await stall(large)
  await until(503, large)
  assert.equal(await statusOf(100_001), 503)
  assert.equal(await statusOf(100_000), 200)

  const refused = await ask(port, post(bearer, ' '.repeat(large)))
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['retry-after'], '5')
  assert.equal(typeof jsonOf(refused)['error'], 'string')
  assert.equal(records().at(-1)?.['code'], 'server_busy')

  stalled.send(' ')
  assert.equal((await stalled.answer()).status, 200)
  assert.equal(await statusOf(large), 200)
})

test('J8: a body of 64 KiB is read when the budget is spent, and one byte more is not', async (t) => {
  const { statusOf, until, stall } = await start(t)
  for (const bytes of [large, large, 100_000]) await stall(bytes)
  await until(503, uncounted + 1)
  assert.equal(await statusOf(uncounted), 200)
  assert.equal(await statusOf(uncounted + 1), 503)
})

test('J8: an upload whose connection closes gives back what it took', async (t) => {
  const { statusOf, until, stall } = await start(t)
  const stalled = [await stall(large), await stall(large)]
  await until(503, large)
  for (const connection of stalled) connection.destroy()
  await until(200, large)
  const again = await stall(large)
  await stall(large)
  await until(503, large)
  again.destroy()
  await until(200, large)
  assert.equal(await statusOf(large), 200)
})

test('J8: a body without a declared length takes what has come of it, and ends where the budget does', async (t) => {
  const { port, bearer, statusOf, until, stall } = await start(t)
  const chunk = `${(60_000).toString(16)}\r\n${' '.repeat(60_000)}\r\n`
  const begin = async (): Promise<RawConnection> => {
    const connection = await openConnection(port)
    t.after(() => connection.destroy())
    const framing = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' }
    connection.send(formatRequest(port, post(bearer, '', framing)))
    return connection
  }
  await stall(large)
  await stall(large)
  await until(503, large)
  const first = await begin()
  first.send(chunk)
  assert.equal(await statusOf(100_000), 200) // What it has is small so far.
  const second = await begin()
  second.send(chunk + chunk)
  const refused = await second.answer()
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['retry-after'], '5')
  await second.closed
  assert.equal(await statusOf(100_000), 200) // The refused one has left nothing behind.
  first.destroy()
})

test('J8: a call holds its body until it is answered', async (t) => {
  const called = defer()
  const released = defer()
  const wait = toolOf('wait', async () => {
    called.resolve()
    await released.promise
    return { content: [] }
  })
  const { port, bearer, statusOf } = await start(t, {
    tools: [wait],
    http: { maxBodyBytesUnderWay: large },
  })
  assert.equal(await statusOf(large), 200)
  const call = legacy(bearer, 'tools/call', { name: 'wait', arguments: { text: 'x'.repeat(large - 1000) } })
  const answer = ask(port, call)
  await called.promise
  assert.equal(await statusOf(large), 503)
  released.resolve()
  assert.equal((await answer).status, 200)
  assert.equal(await statusOf(large), 200)
})

test('shares never take more than the budget, and give back exactly what they took', () => {
  const step = fc.record({
    share: fc.nat({ max: 4 }),
    bytes: fc.nat({ max: 300_000 }),
    release: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const budget = { leftBytes: 500_000 }
      const shares = Array.from({ length: 5 }, () => new BodyShare(budget))
      for (const { share, bytes, release } of steps) {
        const covered = shares[share]?.covers(bytes)
        assert.ok(covered === true || bytes > uncounted)
        assert.ok(budget.leftBytes >= 0 && budget.leftBytes <= 500_000)
        if (release) shares[share]?.release()
      }
      for (const share of shares) share.release()
      assert.equal(budget.leftBytes, 500_000)
    }),
  )
})
