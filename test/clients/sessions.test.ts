import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import { startHttpFixture } from '../conformance/fixture/http.ts'
import { clientKinds, type ClientKind } from './client-kinds.ts'
import { textOf, type Connection, type Host } from './connection.ts'

const fixture = await startHttpFixture({ sessions: {} })
after(fixture.close)

const overHttp = clientKinds.filter(({ transport }) => transport === 'http')
const inSessions = overHttp.filter(({ era }) => era === 'legacy')

async function open(t: TestContext, kind: ClientKind, host?: Host): Promise<Connection> {
  const connection = await kind.connect(fixture, host)
  t.after(connection.close)
  return connection
}

/** Ends a session as another process of the same caller could, or the server itself. */
async function endSession(sessionId: string | undefined): Promise<void> {
  const { status } = await fetch(fixture.url, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${fixture.token}`, 'Mcp-Session-Id': sessionId ?? '' },
  })
  assert.equal(status, 204)
}

for (const kind of inSessions) {
  test(`G36, G37: ${kind.name} comes back for the answer where the server let the connection go`, async (t) => {
    const { callTool, http } = await open(t, kind)
    assert.equal(textOf(await callTool('test_reconnection')), 'Still here.')
    assert.equal(http.lastEventIds.length, 1)
  })

  test(`G36: ${kind.name} whose connection breaks in the middle of a call misses nothing and gets nothing twice`, async (t) => {
    const { callTool, http } = await open(t, kind)
    const reports: number[] = []
    http.breakAfter('"progress":0')
    const result = await callTool(
      'test_tool_with_progress',
      {},
      { onprogress: ({ progress }) => reports.push(progress) },
    )
    assert.equal(textOf(result), 'Done.')
    assert.deepEqual(reports, [0, 50, 100])
    assert.equal(http.lastEventIds.length, 1)
  })

  test(`G36: ${kind.name} whose connection breaks while it is asked something still answers`, async (t) => {
    const { callTool, http } = await open(t, kind, {
      elicit: () => ({ action: 'accept', content: { name: 'Ada' } }),
    })
    http.breakAfter('elicitation/create')
    assert.match(textOf(await callTool('test_streaming_elicitation')), /Ada/)
    assert.equal(http.lastEventIds.length, 1)
  })

  test(`G32: ${kind.name} ends its session, after which its id is worth nothing`, async (t) => {
    const { client, callTool, http, terminateSession, sessionId } = await open(t, kind)
    const id = sessionId()
    assert.match(id ?? '', /^[\w-]{32}$/)
    await http.answered('GET 200')
    await terminateSession()
    assert.ok(http.requests.includes('DELETE 204'))
    assert.equal(sessionId(), undefined)
    // The client has forgotten its session and cannot go on without one.
    await assert.rejects(callTool('test_simple_text'), /Mcp-Session-Id is missing/)
    await client.close()
    const again = await open(t, kind)
    assert.notEqual(again.sessionId(), id)
    assert.match(textOf(await again.callTool('test_simple_text')), /simple text/)
  })

  test(`G32: ${kind.name} is told by 404 that its session is gone, and a new connection is served`, async (t) => {
    const { callTool, sessionId, http } = await open(t, kind)
    assert.match(textOf(await callTool('test_simple_text')), /simple text/)
    await endSession(sessionId())
    // Neither generation begins again by itself: that is the host's to do.
    await assert.rejects(
      callTool('test_simple_text'),
      /There is no such session\. Begin with \\?"initialize\\?"\./,
    )
    assert.equal(http.requests.at(-1), 'POST tools/call 404')
    const again = await open(t, kind)
    assert.match(textOf(await again.callTool('test_simple_text')), /simple text/)
  })

  test(`${kind.name} that waits for an answer when its session ends is not left waiting`, async (t) => {
    const { callTool, sessionId } = await open(t, kind)
    let begun = (): void => undefined
    const hasBegun = new Promise<void>((resolve) => (begun = resolve))
    const call = callTool('test_wait', { name: `${kind.name} ends` }, { onprogress: begun, timeout: 10_000 })
    await hasBegun
    await endSession(sessionId())
    await assert.rejects(call, { code: -32603, message: /The call was cancelled/ })
    const again = await open(t, kind)
    const stopped = await again.callTool('test_wait_stopped', { name: `${kind.name} ends` })
    assert.equal(textOf(stopped), 'stopped')
  })
}

test('two clients of one caller have sessions of their own: what one is asked and told, the other is not', async (t) => {
  const [kind] = inSessions
  assert.ok(kind !== undefined)
  const askedOf: string[] = []
  const host = (name: string): Host => ({
    elicit: () => {
      askedOf.push(name)
      return { action: 'accept', content: { name } }
    },
  })
  const [first, second] = await Promise.all([open(t, kind, host('first')), open(t, kind, host('second'))])
  await Promise.all([first.http.answered('GET 200'), second.http.answered('GET 200')])
  await first.watch('test://watched-resource')
  assert.match(textOf(await second.callTool('test_input_required_result_elicitation')), /second/)
  await second.callTool('test_trigger_resource_change')
  await second.callTool('test_trigger_tool_change')
  await Promise.all([first, second].map(({ inbox }) => inbox.received('notifications/tools/list_changed')))
  assert.equal(first.inbox.of('notifications/resources/updated').length, 1)
  assert.equal(second.inbox.of('notifications/resources/updated').length, 0)
  assert.deepEqual(askedOf, ['second'])
})

test('without sessions the older clients call and list, and what needs a way back is said to be missing', async (t) => {
  const stateless = await startHttpFixture()
  t.after(stateless.close)
  for (const kind of overHttp) {
    const { client, callTool, sessionId, watch } = await kind.connect(stateless, {
      elicit: () => ({ action: 'accept', content: { name: 'Ada' } }),
    })
    t.after(() => client.close())
    assert.equal(sessionId(), undefined)
    assert.match(textOf(await callTool('test_simple_text')), /simple text/)
    const asking = await callTool('test_input_required_result_elicitation')
    if (kind.era === 'modern') {
      assert.match(textOf(asking), /Ada/)
      await (await watch('test://watched-resource')).stop()
    } else {
      assert.match(textOf(asking, true), /this connection has no way to ask the client/)
      assert.equal(client.getServerCapabilities()?.resources?.subscribe, false)
      await assert.rejects(watch('test://watched-resource'), /subscri|Method not found/i)
    }
  }
})

test('G16: a server that stops ends subscriptions in a way that the client can tell from a broken connection', async (t) => {
  const stopping = await startHttpFixture({ sessions: {} })
  t.after(stopping.close)
  const kind = overHttp.find(({ era }) => era === 'modern')
  const connection = await kind?.connect(stopping)
  assert.ok(connection !== undefined && 'listen' in connection.client)
  t.after(connection.close)
  const subscription = await connection.client.listen({ toolsListChanged: true })
  assert.deepEqual(subscription.honoredFilter, { toolsListChanged: true })
  await stopping.close()
  assert.equal(await subscription.closed, 'graceful')
})
