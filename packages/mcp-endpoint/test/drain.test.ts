import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { CallContext } from '@mcp-doorman/mcp-endpoint'
import { defer } from './deferred.ts'
import { legacy, modern, post } from './messages.ts'
import { ask, formatRequest, openConnection } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'

const forms = [
  ['legacy', legacy],
  ['modern', modern],
] as const

/** A tool that waits for its test, or for ever. */
function waiting() {
  const begun = defer<CallContext>()
  const ended = defer()
  const tool = toolOf('wait', async (_args, context) => {
    begun.resolve(context)
    await ended.promise
    return { content: [{ type: 'text', text: 'waited' }] }
  })
  return { tool, begun: begun.promise, end: ended.resolve }
}

/** Sockets, servers and timers that keep this process alive. */
function openHandles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Server|Timeout/.test(name))
}

// The first, because the sockets of other tests may still be on their way out.
test('nothing stays open when a server has been closed', async (t) => {
  const { port, token, close } = await startTestServer(t)
  const open = await Promise.all([1, 2, 3].map(() => openConnection(port)))
  for (const connection of open) {
    connection.send(formatRequest(port, legacy(token(), 'ping')))
    assert.equal((await connection.answer()).status, 200)
  }
  await close()
  await Promise.all(open.map(({ closed }) => closed))
  // A socket is let go of in a turn after its end.
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(openHandles(), [])
})

for (const [era, form] of forms) {
  test(`J12: close() lets a call end and its answer out, takes no one new, and then ends at once (${era})`, async (t) => {
    const { tool, begun, end } = waiting()
    const { port, token, handle } = await startTestServer(t, { tools: [tool], http: { drainSeconds: 600 } })
    const idle = await openConnection(port)
    idle.send(formatRequest(port, legacy(token(), 'ping')))
    await idle.answer()
    const busy = await openConnection(port)
    busy.send(formatRequest(port, form(token(), 'tools/call', { name: 'wait' })))
    await begun

    const closed = handle.close()
    assert.equal(handle.close(), closed)
    await idle.closed
    const [refused] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
    assert.equal(refused.code, 'ECONNREFUSED')

    end()
    const answer = await busy.answer()
    assert.equal(answer.status, 200)
    assert.match(answer.body, /waited/)
    assert.equal(answer.headers['connection'], 'close')
    await closed
  })

  test(`J12: a call that does not end is cut off and told to stop when the time is over (${era})`, async (t) => {
    const { tool, begun } = waiting()
    const { port, token, handle, recorded } = await startTestServer(t, {
      tools: [tool],
      http: { drainSeconds: 0.1 },
    })
    const busy = await openConnection(port)
    busy.send(formatRequest(port, form(token(), 'tools/call', { name: 'wait' })))
    const { signal } = await begun
    await handle.close()
    await busy.closed
    assert.equal(signal.aborted, true)
    assert.equal((await recorded(2))[1]?.['result'], 'cancelled')
  })
}

test('J12: a batch that is cut off starts no further call', async (t) => {
  let started = 0
  const { tool, begun } = waiting()
  const next = toolOf('next', () => {
    started += 1
    return { content: [] }
  })
  const { port, token, handle, recorded } = await startTestServer(t, { tools: [tool, next] })
  const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } })
  const busy = await openConnection(port)
  busy.send(formatRequest(port, post(token(), JSON.stringify([call(1, 'wait'), call(2, 'next')]))))
  await begun
  await handle.close()
  await recorded(2)
  assert.equal(started, 0)
})

test('J12: close() also waits for a legacy call whose caller has gone', async (t) => {
  const { tool, begun, end } = waiting()
  const { port, token, handle, records } = await startTestServer(t, {
    tools: [tool],
    http: { drainSeconds: 600 },
  })
  const busy = await openConnection(port)
  busy.send(formatRequest(port, legacy(token(), 'tools/call', { name: 'wait' })))
  await begun
  busy.destroy()
  const closed = handle.close()
  let done = false
  void closed.then(() => {
    done = true
  })
  // Long enough for the server to see the connection gone, which would be all that it waits for.
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(done, false)
  end()
  await closed
  assert.equal(records()[1]?.['result'], 'ok')
})

test('J12: a request that comes on an open connection while another ends there is the last one', async (t) => {
  const { tool, begun, end } = waiting()
  const { port, token, handle } = await startTestServer(t, { tools: [tool] })
  const busy = await openConnection(port)
  busy.send(formatRequest(port, legacy(token(), 'tools/call', { name: 'wait' })))
  await begun
  const closed = handle.close()
  busy.send(formatRequest(port, legacy(token(), 'ping')))
  end()
  assert.match((await busy.answer()).body, /waited/)
  await busy.closed
  await closed
})

test('J12: connections that say nothing, or not all, are cut when the time is over', async (t) => {
  const { port, token, handle } = await startTestServer(t, { http: { drainSeconds: 0.1 } })
  const silent = await openConnection(port)
  const halfHeaders = await openConnection(port)
  halfHeaders.send('POST /mcp HTTP/1.1\r\n')
  const halfBody = await openConnection(port)
  halfBody.send(formatRequest(port, legacy(token(), 'ping')).subarray(0, -1))
  // The server has read what came before this.
  assert.equal((await ask(port, {})).status, 401)
  await handle.close()
  await Promise.all([silent.closed, halfHeaders.closed, halfBody.closed])
})

test('beyond the number of connections allowed, further ones are dropped and the others served', async (t) => {
  const { port, token } = await startTestServer(t, { http: { maxConnections: 2 } })
  const first = await openConnection(port)
  const second = await openConnection(port)
  first.send(formatRequest(port, legacy(token(), 'ping')))
  await first.answer()
  const third = await openConnection(port)
  await third.closed
  second.send(formatRequest(port, legacy(token(), 'ping')))
  assert.equal((await second.answer()).status, 200)
  second.destroy()
  first.destroy()
})

test('an address that is taken is an error that says so', async (t) => {
  const { port, handle } = await startTestServer(t)
  await assert.rejects(startTestServer(t, { http: { port } }), { code: 'EADDRINUSE' })
  await handle.close()
  const again = await startTestServer(t, { http: { port } })
  assert.equal((await ask(again.port, {})).status, 401)
})
