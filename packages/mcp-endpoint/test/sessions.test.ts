import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { listRoots, type Resource, type Tool } from '@mcp-doorman/mcp-endpoint'
import { defer } from './deferred.ts'
import { openEvents } from './event-reader.ts'
import { errorCode, jsonOf, legacy, member, modern, post, resultOf, type Json } from './messages.ts'
import { ask, formatRequest, openConnection } from './raw-http.ts'
import { beginSession, joinSession } from './session-client.ts'
import { startTestServer, toolOf, type ServerChange, type TestServer } from './test-server.ts'

const speak = toolOf('speak', async ({ times = 1 }: { times?: number }, context) => {
  for (let step = 1; step <= times; step += 1) context.progress({ progress: step })
  await Promise.resolve()
  return 'Said.'
})
const resources: readonly Resource[] = [
  { uri: 'note:///open', name: 'open', read: () => 'Open.' },
  { uri: 'note:///locked', name: 'locked', read: () => 'Locked.' },
]
const rules = [
  { resources: ['note:///locked'], require: { scopes: ['notes:write'] } },
  { tools: ['*'], resources: ['*'], require: { scopes: ['notes:read'] } },
]

function start(t: TestContext, { http, mount, endpoint, ...change }: ServerChange = {}): Promise<TestServer> {
  return startTestServer(t, {
    tools: [speak, ...(change.tools ?? [])],
    endpoint: { resources, listsChange: true, resourcesChange: true, logs: true, ...endpoint },
    resourceServer: { rules },
    mount: { sessions: {}, ...mount },
    ...(http !== undefined && { http }),
  })
}

const progressing = (times = 1): Json => ({
  name: 'speak',
  arguments: { times },
  _meta: { progressToken: 1 },
})

test('G32: a session has an id of visible characters that nobody can guess, and ends with DELETE', async (t) => {
  const { port, token } = await start(t)
  const bearer = token()
  const ids = new Set<string>()
  for (let count = 0; count < 20; count += 1) {
    const { id } = await beginSession(port, bearer)
    assert.match(id, /^[\x21-\x7e]{32}$/)
    ids.add(id)
  }
  assert.equal(ids.size, 20)

  const client = await beginSession(port, bearer)
  assert.deepEqual(resultOf(await client.ask('ping')), {})
  assert.equal((await client.end()).status, 204)
  for (const answer of [await client.ask('ping'), await client.end(), await client.ask('tools/list')]) {
    assert.deepEqual([answer.status, member(jsonOf(answer), 'error')['code']], [404, -32600])
  }
  assert.equal((await client.listen()).status, 404)
})

test('G32: without an id a message is a 400, with an unknown one a 404; initialize needs none and minds none', async (t) => {
  const { port, token } = await start(t)
  const status = async (method: string, id: string | undefined): Promise<number> =>
    (await ask(port, legacy(token(), method, undefined, { 'Mcp-Session-Id': id }))).status
  assert.deepEqual(
    [await status('ping', undefined), await status('ping', 'made-up'), await status('tools/list', '')],
    [400, 404, 404],
  )
  // CR7: a client that lost its session begins again without forgetting the id.
  assert.deepEqual([await status('initialize', undefined), await status('initialize', 'made-up')], [200, 200])
})

test('G40: a session is initialized once', async (t) => {
  const { port, token } = await start(t)
  const client = await beginSession(port, token())
  const again = await client.ask('initialize', { protocolVersion: '2025-11-25', capabilities: {} })
  assert.deepEqual([again.status, errorCode(again)], [400, -32600])
  assert.deepEqual(resultOf(await client.ask('ping')), {})
})

for (const [who, claims] of [
  ['another user', { sub: 'bob' }],
  ['another client of the same user', { client_id: 'other' }],
] as const) {
  test(`G33, G65: a session is unknown to ${who}, whatever they do with it`, async (t) => {
    const { port, token } = await start(t)
    const own = await beginSession(port, token())
    const call = await own.open(1, 'tools/call', progressing())
    const events = await call.rest()
    const foreign = joinSession(port, token(claims), own.id)
    const unknown = joinSession(port, token(claims), 'x'.repeat(32))
    for (const [there, nowhere] of [
      [await foreign.ask('ping'), await unknown.ask('ping')],
      [await foreign.end(), await unknown.end()],
      [await foreign.reply('server-1', { result: {} }), await unknown.reply('server-1', { result: {} })],
    ] as const) {
      assert.equal(there.status, 404)
      assert.equal(there.body, nowhere.body)
    }
    for (const lastEventId of [undefined, events[0]?.id]) {
      const stream = await foreign.listen(lastEventId)
      assert.equal(stream.status, 404)
      stream.close()
    }
    // Nothing of this has touched the session.
    assert.deepEqual(resultOf(await own.ask('ping')), {})
  })
}

test('a session is not the token’s: a fresh token of the same caller goes on with it, a token less gets nothing', async (t) => {
  const { port, token } = await start(t)
  const { id } = await beginSession(port, token())
  assert.equal((await joinSession(port, token({ jti: 'fresh' }), id).ask('ping')).status, 200)
  const bare = await ask(port, {
    ...post('', '{"jsonrpc":"2.0","id":1,"method":"ping"}', { 'Mcp-Session-Id': id }),
  })
  assert.ok([400, 401].includes(bare.status))
  const narrow = joinSession(port, token({ scope: '' }), id)
  assert.equal((await narrow.ask('tools/call', progressing())).status, 403)
})

test('G34: one session more than a caller may have ends the oldest that is not in use; others keep theirs', async (t) => {
  const { port, token } = await start(t, { mount: { sessions: { maxPerCaller: 2 } } })
  const bob = await beginSession(port, token({ sub: 'bob' }))
  const first = await beginSession(port, token())
  const second = await beginSession(port, token())
  await first.ask('ping') // Now the second is the oldest.
  const third = await beginSession(port, token())
  const statuses = [first, second, third, bob].map(async (client) => (await client.ask('ping')).status)
  assert.deepEqual(await Promise.all(statuses), [200, 404, 200, 200])

  const streams = [await first.listen(), await third.listen()]
  const full = await ask(port, legacy(token(), 'initialize'))
  assert.deepEqual([full.status, errorCode(full)], [429, 429])
  assert.match(full.headers['retry-after'] ?? '', /^\d+$/)
  for (const stream of streams) stream.close()
})

test('G34: there may be only so many sessions together: the one that was not used for longest makes room', async (t) => {
  const { port, token } = await start(t, { mount: { sessions: { maxSessions: 2 } } })
  const first = await beginSession(port, token({ sub: 'a' }))
  const second = await beginSession(port, token({ sub: 'b' }))
  await first.ask('ping')
  const third = await beginSession(port, token({ sub: 'c' }))
  assert.deepEqual(
    await Promise.all([first, second, third].map(async (client) => (await client.ask('ping')).status)),
    [200, 404, 200],
  )
  const streams = [await first.listen(), await third.listen()]
  assert.equal((await ask(port, legacy(token({ sub: 'd' }), 'initialize'))).status, 429)
  for (const stream of streams) stream.close()
})

test('G34: a session that is not used ends, and one that is does not', async (t) => {
  const { port, token } = await start(t, { mount: { sessions: { idleSeconds: 1 } } })
  const idle = await beginSession(port, token())
  const used = await beginSession(port, token())
  const listening = await beginSession(port, token())
  const stream = await listening.listen()
  const end = performance.now() + 1600
  while (performance.now() < end) {
    await used.ask('ping')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.equal((await idle.ask('ping')).status, 404)
  assert.equal((await used.ask('ping')).status, 200)
  assert.equal((await listening.ask('ping')).status, 200)
  stream.close()
})

test('E16, G31: a session knows its revision: batches only in 2025-03-26, also without the header', async (t) => {
  const { port, token } = await start(t)
  const pings = JSON.stringify([1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' })))
  for (const [version, status] of [
    ['2025-03-26', 200],
    ['2025-06-18', 400],
    ['2025-11-25', 400],
  ] as const) {
    const { id } = await beginSession(port, token(), {}, version)
    assert.equal((await ask(port, post(token(), pings, { 'Mcp-Session-Id': id }))).status, status, version)
  }
})

test('G1, G41: the methods of an address with sessions, and both eras on it', async (t) => {
  const { port, token } = await start(t)
  const client = await beginSession(port, token())
  const put = await ask(port, { method: 'PUT', headers: { Authorization: `Bearer ${token()}` } })
  assert.deepEqual([put.status, put.headers['allow']], [405, 'GET, POST, DELETE'])
  for (const method of ['GET', 'DELETE']) {
    const modernVersion = { Authorization: `Bearer ${token()}`, 'MCP-Protocol-Version': '2026-07-28' }
    assert.equal((await ask(port, { method, headers: modernVersion })).status, 405)
    assert.equal((await ask(port, { method })).status, 401)
    assert.equal((await ask(port, { method, headers: { Authorization: `Bearer ${token()}` } })).status, 400)
  }
  const wrongVersion = await ask(port, {
    headers: { Authorization: `Bearer ${token()}`, ...client.headers, 'MCP-Protocol-Version': '1999-01-01' },
  })
  assert.equal(wrongVersion.status, 400)
  const noStreams = await openEvents(port, {
    headers: { Authorization: `Bearer ${token()}`, ...client.headers, Accept: 'application/json' },
  })
  assert.equal(noStreams.status, 406)
  assert.equal((await ask(port, modern(token(), 'tools/list'))).status, 200)
  assert.equal((await client.ask('tools/list')).status, 200)
})

test('M22: a session has a log level and subscriptions; without sessions there is neither', async (t) => {
  const { port, token } = await start(t)
  const client = await beginSession(port, token())
  const capabilities = (answer: Json): unknown => answer['capabilities']
  assert.deepEqual(capabilities(resultOf(await ask(port, legacy(token(), 'initialize')))), {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    logging: {},
  })
  assert.deepEqual(resultOf(await client.ask('logging/setLevel', { level: 'error' })), {})
  for (const level of ['loud', undefined, 7, '__proto__']) {
    assert.equal(errorCode(await client.ask('logging/setLevel', { level })), -32602)
  }
  const subscribe = (method: string, uri: unknown) => client.ask(`resources/${method}`, { uri })
  assert.deepEqual(resultOf(await subscribe('subscribe', 'note:///open')), {})
  assert.deepEqual(resultOf(await subscribe('unsubscribe', 'note:///open')), {})
  assert.equal(errorCode(await subscribe('subscribe', 'note:///nothing')), -32002)
  assert.equal((await subscribe('subscribe', 'note:///locked')).status, 403)
  assert.equal((await subscribe('subscribe', 7)).status, 400)

  const stateless = await start(t, { mount: { sessions: undefined as never } })
  assert.deepEqual(
    capabilities(resultOf(await ask(stateless.port, legacy(stateless.token(), 'initialize')))),
    {
      tools: { listChanged: false },
      resources: { subscribe: false, listChanged: false },
    },
  )
  for (const method of ['logging/setLevel', 'resources/subscribe']) {
    const params = { level: 'info', uri: 'note:///open' }
    assert.equal(errorCode(await ask(stateless.port, legacy(stateless.token(), method, params))), -32601)
  }
})

test('a session may subscribe to 256 resources', async (t) => {
  const { port, token } = await start(t, {
    endpoint: { templates: [{ uriTemplate: 'many:///{n}', name: 'many', read: () => '' }] },
  })
  const client = await beginSession(port, token())
  for (let n = 0; n < 256; n += 1) {
    assert.deepEqual(resultOf(await client.ask('resources/subscribe', { uri: `many:///${n}` })), {})
  }
  assert.equal(errorCode(await client.ask('resources/subscribe', { uri: 'many:///256' })), -32602)
  assert.deepEqual(resultOf(await client.ask('resources/subscribe', { uri: 'many:///0' })), {})
  await client.ask('resources/unsubscribe', { uri: 'many:///0' })
  assert.deepEqual(resultOf(await client.ask('resources/subscribe', { uri: 'many:///256' })), {})
})

test('G35: what changes is told once, on the newest stream of the session, to those who may know', async (t) => {
  const { port, token, endpoint } = await start(t)
  const writer = await beginSession(port, token({ sub: 'w', scope: 'notes:read notes:write' }))
  const reader = await beginSession(port, token())
  for (const uri of ['note:///open', 'note:///locked']) await writer.ask('resources/subscribe', { uri })
  await reader.ask('resources/subscribe', { uri: 'note:///open' })
  const old = await reader.listen()
  await old.next()
  const stream = await reader.listen()
  assert.equal(await old.next(), undefined, 'the older stream has ended')
  const writing = await writer.listen()

  endpoint.resourceUpdated('note:///locked')
  endpoint.resourceUpdated('note:///open')
  endpoint.replace({ tools: [speak] })
  const methods = (messages: readonly Json[]): unknown =>
    messages.map((message) => [message['method'], member(message, 'params')['uri']])
  assert.deepEqual(methods(await writing.messages(3)), [
    ['notifications/resources/updated', 'note:///locked'],
    ['notifications/resources/updated', 'note:///open'],
    ['notifications/tools/list_changed', undefined],
  ])
  assert.deepEqual(methods(await stream.messages(2)), [
    ['notifications/resources/updated', 'note:///open'],
    ['notifications/tools/list_changed', undefined],
  ])
  // E13: the scope that a newer token lacks is missed at the next change.
  await joinSession(port, token({ sub: 'w', scope: 'notes:read' }), writer.id).ask('ping')
  endpoint.resourceUpdated('note:///locked')
  endpoint.resourceUpdated('note:///open')
  assert.deepEqual(methods(await writing.messages(1)), [['notifications/resources/updated', 'note:///open']])
  for (const open of [stream, writing]) open.close()
})

test('G36, G37: a stream that broke is resumed where it was: nothing twice, nothing missing, nobody else’s', async (t) => {
  const gate = defer<undefined>()
  const slow: Tool = toolOf('slow', async (_: never, context) => {
    context.progress({ progress: 1 })
    await gate.promise
    for (const progress of [2, 3]) context.progress({ progress })
    return 'Slow.'
  })
  const { port, token } = await start(t, { tools: [slow] })
  const client = await beginSession(port, token())
  const params = { name: 'slow', arguments: {}, _meta: { progressToken: 1 } }
  const broken = await client.open(1, 'tools/call', params)
  const other = await client.open(2, 'tools/call', progressing(2))
  const priming = await broken.next()
  assert.deepEqual([priming?.message, typeof priming?.id], [undefined, 'string'])
  const first = await broken.next()
  const others = await other.rest()
  broken.close()

  gate.resolve(undefined)
  const rest = await (await client.listen(first?.id)).rest()
  const progress = rest.slice(0, -1).map(({ message }) => member(message ?? {}, 'params')['progress'])
  assert.deepEqual(progress, [2, 3])
  assert.deepEqual([rest.at(-1)?.message?.['id'], 'result' in (rest.at(-1)?.message ?? {})], [1, true])
  // From the priming event on, everything comes; from the last one, nothing but the end.
  assert.equal((await (await client.listen(priming?.id)).rest()).length, rest.length + 1)
  assert.deepEqual(await (await client.listen(rest.at(-1)?.id)).rest(), [])
  const ids = [...rest, ...others, priming].map((event) => event?.id)
  assert.equal(new Set(ids).size, ids.length, 'an id stands for one event of the session')

  for (const id of ['99-1', '1-99', '1', '-', '1-1x', '', '١-١']) {
    // Not 404, by which clients take the session for gone.
    assert.equal((await client.listen(encodeURI(id))).status, 400, id)
  }
})

test('G37: a call may let its client go, which comes back for the rest; older clients are not let go', async (t) => {
  const gate = defer<undefined>()
  const leaving = toolOf('leaving', async (_: never, context) => {
    context.progress({ progress: 1 })
    context.detach(1234)
    await gate.promise
    return 'Left.'
  })
  const { port, token } = await start(t, { tools: [leaving] })
  const params = { name: 'leaving', arguments: {}, _meta: { progressToken: 1 } }
  const client = await beginSession(port, token())
  const events = await (await client.open(1, 'tools/call', params)).rest()
  assert.deepEqual(
    events.map(({ retry }) => retry),
    [undefined, undefined, '1234'],
  )
  const back = await client.listen(events[1]?.id)
  const old = await (await beginSession(port, token(), {}, '2025-06-18')).open(1, 'tools/call', params)
  gate.resolve(undefined)
  assert.equal((await back.messages(1))[0]?.['id'], 1)
  const whole = await old.rest()
  assert.deepEqual([whole.length, whole[0]?.message?.['method']], [2, 'notifications/progress'])
})

test('what a client that stays away too long has missed is gone, and it is told so', async (t) => {
  const { port, token, endpoint } = await start(t, {
    endpoint: { templates: [{ uriTemplate: 'many:///{n}', name: 'many', read: () => '' }] },
  })
  const client = await beginSession(port, token())
  for (let n = 0; n < 256; n += 1) await client.ask('resources/subscribe', { uri: `many:///${n}` })
  const stream = await client.listen()
  const priming = await stream.next()
  stream.close()
  for (let n = 0; n < 256; n += 1) endpoint.resourceUpdated(`many:///${n}`)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const back = await client.listen(priming?.id)
  assert.equal((await back.messages(256)).length, 256)
  back.close()
  endpoint.resourceUpdated('many:///0')
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal((await client.listen(priming?.id)).status, 400)
})

test('E13: the stream of a session ends with the token that opened it; the session does not', async (t) => {
  const { port, token } = await start(t)
  const now = Math.floor(Date.now() / 1000)
  const client = await beginSession(port, token())
  // The clock may differ by 30 seconds, for streams as for requests.
  const stream = await joinSession(port, token({ exp: now - 29 }), client.id).listen()
  assert.equal(stream.status, 200)
  await stream.next()
  assert.deepEqual(await stream.rest(), [{ id: undefined, retry: '1000', message: undefined }])
  assert.deepEqual(resultOf(await client.ask('ping')), {})
})

test('J12: a server that closes ends sessions and their streams at once', async (t) => {
  const { port, token, handle } = await start(t, { http: { drainSeconds: 30 } })
  const stream = await (await beginSession(port, token())).listen()
  await stream.next()
  const began = performance.now()
  await handle.close()
  assert.equal(await stream.next(), undefined)
  assert.ok(performance.now() - began < 5000)
})

test('K1: opening a stream and ending a session are decisions, and are recorded as such', async (t) => {
  const { port, token, recorded } = await start(t)
  const client = await beginSession(port, token())
  const stream = await client.listen()
  await stream.next()
  stream.close()
  await recorded(4)
  await client.end()
  const records = await recorded(6)
  assert.deepEqual(
    records.filter(({ kind }) => kind === 'decision').map(({ method, outcome }) => [method, outcome]),
    [
      ['initialize', 'allow'],
      ['(stream)', 'allow'],
      ['(end of session)', 'allow'],
    ],
  )
  assert.doesNotMatch(JSON.stringify(records), new RegExp(client.id))
})

test('calls of a session that ends are told to stop', async (t) => {
  const begun = defer<AbortSignal>()
  const lasting = toolOf('lasting', async (_: never, { signal }) => {
    begun.resolve(signal)
    await once(signal, 'abort')
    return 'Over.'
  })
  const { port, token } = await start(t, { tools: [lasting] })
  const client = await beginSession(port, token())
  const call = ask(port, client.request(1, 'tools/call', { name: 'lasting', arguments: {} }))
  const signal = await begun.promise
  await client.end()
  assert.match(String(signal.reason), /the client has ended its session/)
  assert.equal((await call).status, 200)
})

test('J12: a call of a session ends as it would without one when the server closes', async (t) => {
  const begun = defer<undefined>()
  const release = defer<undefined>()
  const slow = toolOf('slow', async (_: never, context) => {
    context.progress({ progress: 1 })
    begun.resolve(undefined)
    await release.promise
    return 'Whole.'
  })
  const { port, token, handle } = await start(t, { tools: [slow], http: { drainSeconds: 30 } })
  const client = await beginSession(port, token())
  const call = await client.open(1, 'tools/call', {
    name: 'slow',
    arguments: {},
    _meta: { progressToken: 1 },
  })
  await begun.promise
  const closed = handle.close()
  release.resolve(undefined)
  const [, last] = await call.messages(2)
  assert.deepEqual(member(last ?? {}, 'result')['content'], [{ type: 'text', text: 'Whole.' }])
  await closed
})

test('J8: a client that leaves while its token is looked at keeps no stream', async (t) => {
  let ahead = 0
  const { port, token, issuer, recorded } = await startTestServer(t, {
    endpoint: { resources },
    resourceServer: { rules, nowSeconds: () => Date.now() / 1000 + ahead },
    mount: { sessions: {} },
    http: { maxStreamsPerCaller: 1 },
  })
  const exp = Math.floor(Date.now() / 1000) + 7200
  const client = await beginSession(port, token({ exp }))
  // Keys of this age are fetched again, and here the fetch waits.
  ahead = 700
  const hold = defer<undefined>()
  issuer.hold = hold.promise
  const leaving = await openConnection(port)
  const headers = { Authorization: `Bearer ${token({ exp })}`, ...client.headers }
  leaving.send(formatRequest(port, { headers }))
  leaving.socket.end()
  leaving.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  hold.resolve(undefined)
  const records = await recorded(4)
  assert.deepEqual([records[2]?.['method'], records[3]?.['kind']], ['(stream)', 'outcome'])
  const stream = await joinSession(port, token({ exp }), client.id).listen()
  assert.equal(stream.status, 200)
  stream.close()
})

test('a request whose id is under way is refused, and the other goes on', async (t) => {
  const release = defer<undefined>()
  const slow = toolOf('slow', async () => {
    await release.promise
    return 'Whole.'
  })
  const { port, token } = await start(t, { tools: [slow] })
  const client = await beginSession(port, token())
  const params = { name: 'slow', arguments: {} }
  const first = ask(port, client.request(7, 'tools/call', params))
  let second = await ask(port, client.request(7, 'ping'))
  // The first may have come after the second, on its own connection.
  while (second.status === 200) second = await ask(port, client.request(7, 'ping'))
  assert.deepEqual([second.status, errorCode(second)], [400, -32600])
  release.resolve(undefined)
  assert.deepEqual(resultOf(await first)['content'], [{ type: 'text', text: 'Whole.' }])
  assert.equal((await ask(port, client.request(7, 'ping'))).status, 200)
})

test('a batch stops when its session ends, and a message of it can be cancelled before it runs', async (t) => {
  const ran: number[] = []
  const begun = defer<undefined>()
  const slow = toolOf('slow', async ({ n }: { n: number }, { signal }) => {
    ran.push(n)
    begun.resolve(undefined)
    await once(signal, 'abort')
    return 'Over.'
  })
  const { port, token } = await start(t, { tools: [slow] })
  const client = await beginSession(port, token(), {}, '2025-03-26')
  const messages = [1, 2, 3].map((n) => ({
    jsonrpc: '2.0',
    id: n,
    method: 'tools/call',
    params: { name: 'slow', arguments: { n } },
  }))
  const batch = ask(port, post(token(), JSON.stringify(messages), client.headers))
  await begun.promise
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } }
  await ask(port, post(token(), JSON.stringify(cancel), client.headers))
  await client.end()
  await batch
  assert.deepEqual(ran, [1])
})

test('G36: who comes back for a stream must still be allowed what it is about', async (t) => {
  const { port, token } = await start(t)
  const client = await beginSession(port, token())
  const events = await (await client.open(1, 'tools/call', progressing(2))).rest()
  const narrow = joinSession(port, token({ scope: '' }), client.id)
  assert.equal((await narrow.listen(events[0]?.id)).status, 400)
  const same = await client.listen(events[0]?.id)
  assert.equal((await same.rest()).length, events.length - 1)
})

test('J8: what a session keeps is bounded, whatever its client sends and its calls answer', async (t) => {
  const big = toolOf('big', (_: never, context) => {
    context.progress({ progress: 1 })
    return 'x'.repeat(1024 * 1024)
  })
  const capable = toolOf('capable', (_: never, { client }) => JSON.stringify(client.capabilities))
  const { port, token, endpoint } = await start(t, {
    tools: [big, capable],
    endpoint: { templates: [{ uriTemplate: 'many:///{n}', name: 'many', read: () => '' }] },
  })
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`mode${n}`, { a: {} }]))
  const client = await beginSession(port, token(), { elicitation: many, sampling: 7, other: many, roots: {} })
  const { content } = resultOf(await client.ask('tools/call', { name: 'capable', arguments: {} }))
  const kept = JSON.parse(String((content as readonly Json[])[0]?.['text'])) as Json // The tool has written it.
  assert.deepEqual(Object.keys(kept), ['elicitation', 'roots'])
  assert.equal(Object.keys(kept['elicitation'] as Json).length, 16)

  // An answer beyond what is kept is sent, and nobody can come back to before it.
  const params = { name: 'big', arguments: {}, _meta: { progressToken: 1 } }
  const events = await (await client.open(1, 'tools/call', params)).rest()
  assert.ok(events.at(-1)?.message?.['result'] !== undefined)
  assert.equal((await client.listen(events[0]?.id)).status, 400)
  const stream = await client.listen(events.at(-1)?.id)
  assert.deepEqual(await stream.rest(), [])

  const long = (n: number): Json => ({ uri: `many:///${String(n).padEnd(8000, 'x')}` })
  for (let n = 0; n < 8; n += 1) {
    assert.deepEqual(resultOf(await client.ask('resources/subscribe', long(n))), {})
  }
  assert.equal(errorCode(await client.ask('resources/subscribe', long(9))), -32602)
  endpoint.replace({ templates: [] })
  assert.deepEqual(resultOf(await client.ask('resources/unsubscribe', long(0))), {})
})

test('a call that waits for its client ends with the offer that it began with', async (t) => {
  const asking = (answer: string): Tool =>
    toolOf('asking', (_: never, context) => {
      context.ask({ roots: listRoots() })
      return answer
    })
  const { port, token, endpoint } = await start(t, { tools: [asking('old')] })
  const client = await beginSession(port, token(), { roots: {} })
  const call = await client.open(1, 'tools/call', { name: 'asking', arguments: {} })
  const [asked] = await call.messages(1)
  endpoint.replace({ tools: [asking('new')] })
  await client.reply(asked?.['id'], { result: { roots: [] }, error: null })
  assert.match(JSON.stringify(await call.messages(1)), /"old"/)
})

test('initialize as a notification begins nothing', async (t) => {
  const { port, token } = await start(t)
  const answer = await ask(port, post(token(), '{"jsonrpc":"2.0","method":"initialize"}'))
  assert.deepEqual([answer.status, answer.headers['mcp-session-id']], [400, undefined])
})
