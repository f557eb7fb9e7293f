/** H27: what goes both ways between the eras, and to whom: questions in the middle of a call, changes, cancellation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { beginSession } from '../../mcp-endpoint/test/session-client.ts'
import { errorCode, jsonOf, legacy, member, post, type Json } from '../../mcp-endpoint/test/messages.ts'
import { ask, type RawAnswer } from '../../mcp-endpoint/test/raw-http.ts'
import { answerTo, converse } from './conversation.ts'
import { ways } from './fixtures.ts'
import { saidIn, startGateway, type Gateway } from './gateway-server.ts'

const command = [process.execPath, fileURLToPath(new URL('programs/odd-server.ts', import.meta.url))]

for (const [way, open] of Object.entries(ways)) {
  for (const era of ['modern', 'legacy'] as const) {
    test(`a ${era} client is told of changes of a server over ${way}, of a resource only while it wants to know`, async (t) => {
      const { relay } = await open(t)
      const client = await converse(relay, era)
      const change = (name: string) => client.request('tools/call', { name, arguments: {} })
      const uri = 'test://watched-resource'
      if (era === 'modern') {
        client.begin('subscriptions/listen', {
          notifications: { toolsListChanged: true, resourceSubscriptions: [uri, 'test://nowhere'] },
        })
        const { params } = await client.next('notifications/subscriptions/acknowledged')
        assert.deepEqual(member(params as Json, 'notifications'), {
          // It is an object.
          toolsListChanged: true,
          resourceSubscriptions: [uri],
        })
      } else {
        const { answer } = await client.request('resources/subscribe', { uri })
        assert.deepEqual(answer, { result: {} })
        const { answer: refused } = await client.request('resources/subscribe', { uri: 'test://nowhere' })
        assert.ok('error' in refused)
      }
      const { told } = await change('test_trigger_resource_change')
      const updated = told.find(({ method }) => method === 'notifications/resources/updated')
      const { params } = updated ?? (await client.next('notifications/resources/updated'))
      assert.equal((params as Json)['uri'], uri)
      await change('test_trigger_tool_change')
      await client.next('notifications/tools/list_changed')
      if (era === 'legacy') {
        await client.request('resources/unsubscribe', { uri })
        await change('test_trigger_resource_change')
        await change('test_trigger_tool_change')
        await client.next('notifications/tools/list_changed') // It came alone.
      }
      await client.close()
    })

    test(`a call that a ${era} client cancels is cancelled at a server over ${way}`, async (t) => {
      const { relay } = await open(t)
      const client = await converse(relay, era)
      const id = client.begin(
        'tools/call',
        { name: 'test_wait', arguments: { name: 'one' } },
        { progressToken: 1 },
      )
      await client.next('notifications/progress')
      client.notify('notifications/cancelled', { requestId: id })
      const { answer } = await client.request('tools/call', {
        name: 'test_wait_stopped',
        arguments: { name: 'one' },
      })
      assert.match(JSON.stringify(answer), /"stopped"/)
      await client.close()
    })
  }
}

for (const way of ['stdio, 2026', 'stdio, 2025']) {
  test(`who listens to a server over ${way} hears of it again when it has died and was started anew`, async (t) => {
    const { relay, events } = (await ways[way]?.(t)) ?? assert.fail()
    const client = await converse(relay, 'legacy')
    const uri = 'test://watched-resource'
    await client.request('resources/subscribe', { uri })
    const pids = (): readonly number[] =>
      events.flatMap((event) => (event.kind === 'started' ? [event.pid] : []))
    const [pid = 0] = pids()
    process.kill(pid, 'SIGKILL')
    for (let tries = 0; pids().length < 2; tries += 1) {
      assert.ok(tries < 1000)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    // What happens before the subscription was made again is not told.
    const told = client.next('notifications/resources/updated').then(() => true)
    const aMoment = (): Promise<boolean> => new Promise((resolve) => setTimeout(resolve, 50, false))
    for (let tries = 0; !(await Promise.race([told, aMoment()])); tries += 1) {
      assert.ok(tries < 100)
      await client.request('tools/call', { name: 'test_trigger_resource_change', arguments: {} })
    }
    await client.close()
  })
}

test('G8: a server of 2026 is told what the client of each request can do', async (t) => {
  for (const way of ['stdio, 2026', 'HTTP, 2026']) {
    const { relay } = (await ways[way]?.(t)) ?? assert.fail()
    const client = await converse(relay, 'modern', {})
    const { answer } = await client.request('tools/call', { name: 'test_missing_capability', arguments: {} })
    assert.deepEqual(member(member(answer, 'error'), 'data'), { requiredCapabilities: { sampling: {} } })
    assert.equal(member(answer, 'error')['code'], -32021)
    await client.close()
  }
})

test('a server of 2025 that asks a client which cannot be asked is told so, and answers in its own way', async (t) => {
  const gateway = await startGateway(t, { command })
  for (const era of ['modern', 'legacy']) {
    const reply = saidIn(await gateway.call('elicit', {}, { era })) as Json // What the server was answered.
    assert.match(String(member(reply, 'error')['message']), /^The client cannot be asked: /)
  }
  const plain = { ...post(gateway.token(), '{"name":"elicit"}'), target: '/tools/call' }
  assert.match((await ask(gateway.port, plain)).body, /only MCP can do that/)
  assert.equal(gateway.upstream.status().waitingCalls, 0)
})

test('a server that asks again and again is refused in the end', async (t) => {
  const gateway = await startGateway(t, { command, callTimeoutSeconds: 10 })
  for (const era of ['modern', 'legacy']) {
    const { body } = await gateway.call('insist', {}, { era, sub: era })
    assert.match(body, /cannot be asked|only for the call/)
  }
})

test('a page that a server of 2025 wants visited is asked of a client of 2026, and told to one of 2025', async (t) => {
  const gateway = await startGateway(t, { command })
  const params = { name: 'visit', arguments: {} }
  const told = jsonOf(await ask(gateway.port, legacy(gateway.token('bob'), 'tools/call', params)))
  const page = { mode: 'url', message: 'Log in', url: 'https://a.example/login', elicitationId: 'e1' }
  assert.deepEqual(told['error'], { code: -32042, message: 'Log in first', data: { elicitations: [page] } })

  const able = { elicitation: { url: {} } }
  const asked = await elicit(gateway, { name: 'visit' }, able)
  const { inputRequests, requestState } = asked.result
  assert.deepEqual(inputRequests, { 'page-1': { method: 'elicitation/create', params: page } })
  const inputResponses = { 'page-1': { action: 'accept' } }
  const done = await elicit(gateway, { name: 'visit', requestState, inputResponses }, able)
  assert.equal(saidIn(done.answer), 'visited')
})

test('what no client can be asked is refused, and so is a question of a server that is shared', async (t) => {
  const gateway = await startGateway(t, { command })
  const reply = saidIn(await gateway.call('ask')) as Json // As above.
  assert.match(String(member(reply, 'error')['message']), /no such method/)
  const shared = await startGateway(t, { command, shared: true })
  const refused = saidIn((await elicit(shared)).answer) as Json // As above.
  assert.match(String(member(refused, 'error')['message']), /only for the call that it is about/)
})

const versionKey = 'io.modelcontextprotocol/protocolVersion'
const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'

/** Calls the tool that asks, as a client of 2026 that can be asked. */
async function elicit(
  { port, token }: Gateway,
  { sub, name = 'elicit', ...round }: Json & { readonly sub?: string; readonly name?: string } = {},
  capabilities: Json = { elicitation: {} },
): Promise<{ readonly answer: RawAnswer; readonly result: Json }> {
  const meta = { [versionKey]: '2026-07-28', [capabilitiesKey]: capabilities }
  const params = { name, arguments: {}, ...round, _meta: meta }
  const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': name }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params })
  const answer = await ask(port, post(token(sub), body, headers))
  const { result = {} } = jsonOf(answer)
  return { answer, result: result as Json } // An object, if there is one.
}

test('H14: a call that waits goes on with the answers of the client that began it, and of nobody else', async (t) => {
  const gateway = await startGateway(t, { command })
  const { result } = await elicit(gateway, { sub: 'alice' })
  const { requestState, inputRequests } = result
  assert.equal(gateway.upstream.status().waitingCalls, 1)
  const inputResponses = Object.fromEntries(
    Object.keys(inputRequests as Json).map((name) => [name, answerTo('elicitation/create')]), // As it says.
  )
  const theirs = await elicit(gateway, { sub: 'bob', requestState, inputResponses })
  assert.equal(errorCode(theirs.answer), -32602)
  const other = await elicit(gateway, { sub: 'alice', name: 'count', requestState, inputResponses })
  assert.equal(errorCode(other.answer), -32602)

  // What is not answered is asked again, and the state is another.
  const again = await elicit(gateway, { sub: 'alice', requestState, inputResponses: { other: {} } })
  assert.equal(again.result['resultType'], 'input_required')
  const round = { sub: 'alice', requestState: again.result['requestState'], inputResponses }
  const done = await elicit(gateway, round)
  assert.deepEqual(member(saidIn(done.answer) as Json, 'result')['action'], 'accept') // As it was answered.
  assert.equal(errorCode((await elicit(gateway, round)).answer), -32602)
  assert.equal(gateway.upstream.status().waitingCalls, 0)
})

test('a call waits for its client so long, and no longer', async (t) => {
  const gateway = await startGateway(t, { command, inputTimeoutSeconds: 1, idleSeconds: 1 })
  const { result } = await elicit(gateway)
  const { requestState } = result
  for (let tries = 0; gateway.upstream.status().waitingCalls > 0; tries += 1) {
    assert.ok(tries < 500)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const late = await elicit(gateway, { requestState, inputResponses: {} })
  assert.equal(errorCode(late.answer), -32602)
  assert.match(late.answer.body, /does not wait for answers any more/)
  assert.equal(saidIn(await gateway.call('cancelled')), 1)
})

test('so many calls of one caller wait, and the next is told that its client cannot be asked', async (t) => {
  const gateway = await startGateway(t, { command })
  for (let count = 0; count < 16; count += 1) {
    assert.equal((await elicit(gateway)).result['resultType'], 'input_required')
  }
  const { answer } = await elicit(gateway)
  assert.match(answer.body, /too many calls wait/)
  assert.equal((await elicit(gateway, { sub: 'bob' })).result['resultType'], 'input_required')
})

test('a session of 2025 is asked on the stream of its call, and its refusal reaches the server', async (t) => {
  const gateway = await startGateway(t, { command }, { sessions: {} })
  const client = await beginSession(gateway.port, gateway.token(), { elicitation: {} })
  for (const outcome of [
    { result: answerTo('elicitation/create') },
    { error: { code: -1, message: 'No.' } },
  ]) {
    const stream = await client.open(1, 'tools/call', { name: 'elicit', arguments: {} })
    const [question] = await stream.messages(1)
    assert.equal(question?.['method'], 'elicitation/create')
    await client.reply(question['id'], outcome)
    const [answer] = await stream.messages(1)
    assert.match(JSON.stringify(answer), 'result' in outcome ? /accept/ : /cannot be asked/)
  }
})

test('a call that waits ends with its process', async (t) => {
  const gateway = await startGateway(t, { command })
  const { result } = await elicit(gateway)
  await gateway.call('die')
  const { requestState } = result
  const { answer } = await elicit(gateway, {
    requestState,
    inputResponses: { 'ask-1': answerTo('elicitation/create') },
  })
  assert.equal(answer.status, 502)
  assert.equal(gateway.upstream.status().waitingCalls, 0)
})

test('a cursor is good for the caller that it was given to, and for that list', async (t) => {
  const { relay } = (await ways['stdio, 2026']?.(t)) ?? assert.fail()
  const client = await converse(relay, 'modern')
  const { answer } = await client.request('tools/list', { cursor: 'made up' })
  assert.equal(member(answer, 'error')['code'], -32602)
  await client.close()
})
