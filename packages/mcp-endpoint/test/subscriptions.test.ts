import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Caller, EndpointOptions, Resource } from '@mcp-doorman/mcp-endpoint'
import { openEvents, type EventReader } from './event-reader.ts'
import { listedTools } from './listed-tools.ts'
import { enveloped, errorCode, member, modern, modernVersion, type Json } from './messages.ts'
import { ask, type RawRequest } from './raw-http.ts'
import { echo, startTestServer, type ServerChange, type TestServer } from './test-server.ts'
import { repeats } from '../../../test/rounds.ts'

const idKey = 'io.modelcontextprotocol/subscriptionId'
const readings: readonly Resource[] = ['open', 'second', 'locked', 'secret'].map((name) => ({
  uri: `note:///${name}`,
  name,
  read: () => name,
}))
const offered: Partial<EndpointOptions> = {
  resources: readings,
  prompts: [],
  listsChange: true,
  resourcesChange: true,
}
const rules = [
  { tools: ['*'], prompts: ['*'] },
  { resources: ['note:///locked'], require: { scopes: ['notes:write'] } },
  { resources: ['note:///secret'], require: { anyRole: ['staff'] }, otherwise: 'hide' as const },
  { resources: ['note:///*'], require: { scopes: ['notes:read'] } },
]

function start(t: TestContext, change: ServerChange = {}): Promise<TestServer> {
  return startTestServer(t, {
    endpoint: { ...offered, ...change.endpoint },
    resourceServer: { rules },
    http: change.http ?? {},
  })
}

function listening(token: string, notifications: Json, headers: RawRequest['headers'] = {}): RawRequest {
  return modern(token, 'subscriptions/listen', { notifications }, headers)
}

/** Opens a subscription, and returns what of it was acknowledged. */
async function subscribe(
  port: number,
  token: string,
  notifications: Json,
): Promise<{ readonly stream: EventReader; readonly acknowledged: unknown }> {
  const stream = await openEvents(port, listening(token, notifications))
  assert.equal(stream.headers['content-type'], 'text/event-stream', await bodyOf(stream))
  const [first] = await stream.messages(1)
  assert.equal(first?.['method'], 'notifications/subscriptions/acknowledged')
  const params = member(first, 'params')
  assert.deepEqual(params['_meta'], { [idKey]: 7 })
  return { stream, acknowledged: params['notifications'] }
}

const bodyOf = async (stream: EventReader): Promise<string> =>
  stream.headers['content-type'] === 'text/event-stream' ? '' : stream.body()

/** Method and URI of what came, having seen that it is marked. */
function told(messages: readonly Json[]): readonly unknown[] {
  return messages.map((message) => {
    const params = member(message, 'params')
    assert.deepEqual(params['_meta'], { [idKey]: 7 })
    return params['uri'] ?? message['method']
  })
}

const lists = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }

test('G15: the subset that is honoured is acknowledged first, and only that is told', async (t) => {
  const { port, token, endpoint } = await start(t)
  const bearer = token()
  const uris = ['note:///open', 'note:///nothing', 'note:///secret', 'other:///x', 'note:///open']
  const all = await subscribe(port, bearer, { ...lists, resourceSubscriptions: uris, madeUp: true })
  assert.deepEqual(all.acknowledged, { ...lists, resourceSubscriptions: ['note:///open'] })
  const tools = await subscribe(port, bearer, { toolsListChanged: true, promptsListChanged: false })
  assert.deepEqual(tools.acknowledged, { toolsListChanged: true })
  const none = await subscribe(port, bearer, {})
  assert.deepEqual(none.acknowledged, {})

  endpoint.resourceUpdated('note:///secret')
  endpoint.resourceUpdated('note:///second')
  endpoint.resourceUpdated('note:///open')
  endpoint.replace({ prompts: [] })
  endpoint.replace({ tools: [echo] })
  assert.deepEqual(told(await all.stream.messages(3)), [
    'note:///open',
    'notifications/prompts/list_changed',
    'notifications/tools/list_changed',
  ])
  assert.deepEqual(told(await tools.stream.messages(1)), ['notifications/tools/list_changed'])
  for (const { stream } of [all, tools, none]) stream.close()
})

test('G28: what a server does not announce is not acknowledged', async (t) => {
  const { port, token } = await start(t, { endpoint: { resourcesChange: false } })
  const { acknowledged, stream } = await subscribe(port, token(), {
    ...lists,
    resourceSubscriptions: ['note:///open'],
  })
  assert.deepEqual(acknowledged, lists)
  stream.close()
})

test('E12: a resource that a scope would open is asked for that scope, with those of the others', async (t) => {
  const { port, token, records } = await start(t)
  const subscribing = (scope: string, ...uris: string[]) =>
    ask(port, listening(token({ scope }), { resourceSubscriptions: uris }, { Accept: undefined }))
  const denied = await subscribing('notes:read', 'note:///open', 'note:///locked', 'note:///secret')
  assert.equal(denied.status, 403)
  assert.match(denied.headers['www-authenticate'] ?? '', /scope="notes:read notes:write"/)
  assert.deepEqual(
    [records().at(-1)?.['outcome'], records().at(-1)?.['missing']],
    ['challenge', ['notes:write']],
  )
  const both = await subscribe(port, token({ scope: 'notes:read notes:write' }), {
    resourceSubscriptions: ['note:///open', 'note:///locked'],
  })
  assert.deepEqual(both.acknowledged, { resourceSubscriptions: ['note:///open', 'note:///locked'] })
  both.stream.close()
})

test('a subscription needs a way to be told: without streams it is a 406', async (t) => {
  const { port, token } = await start(t)
  const answer = await ask(port, listening(token(), lists, { Accept: 'application/json' }))
  assert.deepEqual([answer.status, errorCode(answer)], [406, -32600])
})

for (const params of [
  {},
  { notifications: null },
  { notifications: [] },
  { notifications: { resourceSubscriptions: ['a b'] } },
]) {
  test(`a subscription to ${JSON.stringify(params)} is a 400`, async (t) => {
    const { port, token } = await start(t)
    const answer = await ask(port, modern(token(), 'subscriptions/listen', params))
    assert.deepEqual([answer.status, errorCode(answer)], [400, -32602])
  })
}

test('J8: a subscription keeps no more than 64 KiB of what was sent', async (t) => {
  const { port, token } = await start(t)
  const filler = { ...lists, filler: 'x'.repeat(70_000) }
  const answer = await ask(port, listening(token(), filler))
  assert.deepEqual([answer.status, errorCode(answer)], [413, -32600])
})

test('J8: a caller with too many streams is told 429, and others are served', async (t) => {
  const { port, token } = await start(t, { http: { maxStreamsPerCaller: 1 } })
  const { stream } = await subscribe(port, token(), lists)
  const answer = await ask(port, listening(token(), lists))
  assert.deepEqual([answer.status, errorCode(answer)], [429, 429])
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  const bob = await subscribe(port, token({ sub: 'bob' }), lists)
  for (const open of [stream, bob.stream]) open.close()
})

test('G16, J12: a server that closes ends a subscription with its result, at once', async (t) => {
  const { port, token, handle } = await start(t, { http: { drainSeconds: 30 } })
  const { stream } = await subscribe(port, token(), lists)
  const began = performance.now()
  await handle.close()
  const rest = await stream.rest()
  assert.ok(performance.now() - began < 5000)
  const [last] = rest
  assert.equal(rest.length, 1)
  const result = member(last?.message ?? {}, 'result')
  assert.deepEqual(
    [result['resultType'], member(result, '_meta')[idKey], last?.message?.['id']],
    ['complete', 7, 7],
  )
})

test('E13: a subscription ends with the life of its token, by its result', async (t) => {
  const { port, token, recorded } = await start(t)
  const exp = Math.floor(Date.now() / 1000) - 28 // The clocks may differ by 30 seconds.
  const { stream } = await subscribe(port, token({ exp }), lists)
  const rest = await stream.rest()
  assert.ok(rest.at(-1)?.message?.['result'] !== undefined)
  const [, outcome] = await recorded(2)
  assert.deepEqual([outcome?.['kind'], outcome?.['result']], ['outcome', 'ok'])
})

test('a client that closes its subscription is forgotten', async (t) => {
  const { port, token, recorded } = await start(t, { http: { maxStreamsPerCaller: 1 } })
  const { stream } = await subscribe(port, token(), lists)
  stream.close()
  await recorded(2)
  const again = await subscribe(port, token(), lists)
  again.stream.close()
})

test('G35, J11: a resource that changes again and again is told once for each moment', async (t) => {
  const { port, token, endpoint } = await start(t)
  const { stream } = await subscribe(port, token(), {
    resourceSubscriptions: ['note:///open', 'note:///second'],
  })
  for (let round = 0; round < 10_000; round += 1) endpoint.resourceUpdated('note:///open')
  endpoint.resourceUpdated('note:///second')
  assert.deepEqual(told(await stream.messages(2)), ['note:///open', 'note:///second'])
  stream.close()
})

test('1,000 changes for callers of their own do not hold up the server', async (t) => {
  const { port, token, endpoint } = await start(t)
  const { stream } = await subscribe(port, token(), { resourceSubscriptions: ['note:///open'] })
  const began = performance.now()
  for (let n = 0; n < 10_000; n += 1) endpoint.resourceUpdated('note:///open', () => false)
  endpoint.resourceUpdated('note:///open', () => true)
  assert.ok(performance.now() - began < 1000)
  assert.deepEqual(told(await stream.messages(1)), ['note:///open'])
  stream.close()
})

test('a change that is some callers’ only is told to them only, and to nobody when that cannot be told', async (t) => {
  const { port, token, endpoint } = await start(t)
  const uris = { resourceSubscriptions: ['note:///open', 'note:///second'] }
  const alice = await subscribe(port, token({ sub: 'alice' }), uris)
  const bob = await subscribe(port, token({ sub: 'bob' }), uris)
  const of = (subject: string) => (caller: Caller | undefined) => caller?.subject === subject
  endpoint.resourceUpdated('note:///open', of('alice'))
  endpoint.resourceUpdated('note:///second', () => assert.fail('canary'))
  endpoint.resourceUpdated('note:///second', of('bob'))
  assert.deepEqual(told(await alice.stream.messages(1)), ['note:///open'])
  assert.deepEqual(told(await bob.stream.messages(1)), ['note:///second'])
  for (const { stream } of [alice, bob]) stream.close()
})

test('lists can be replaced only where clients were told, and only what was offered; a mistake changes nothing', async (t) => {
  const { endpoint } = await start(t)
  assert.throws(() => endpoint.replace({ templates: [] }), /templates: were not offered/)
  assert.throws(() => endpoint.replace({ tools: [echo, echo] }), /two tools of that name/)
  assert.throws(() => endpoint.replace({ madeUp: [] } as never), /is not an option/)
  assert.match(await listedTools(endpoint), /write_note/)
  endpoint.replace({ tools: [echo] })
  assert.doesNotMatch(await listedTools(endpoint), /write_note/)
  const fixed = await startTestServer(t)
  assert.throws(() => fixed.endpoint.replace({ tools: [] }), /listsChange/)
})

test('1,000 open streams of 50 callers: each is told its own and nothing else', async (t) => {
  const callers = 50
  const streamsOfEach = 20
  const { port, token, endpoint, close } = await startTestServer(t, {
    endpoint: {
      ...offered,
      resources: [],
      templates: [{ uriTemplate: 'note:///{owner}/{n}', name: 'notes', read: () => '' }],
    },
    resourceServer: {
      rules: [{ resources: ['note:///*'], require: { scopes: ['notes:read'] } }, { tools: ['*'] }],
    },
    http: { drainSeconds: 5 },
  })
  const open = await Promise.all(
    Array.from({ length: callers * streamsOfEach }, async (_, index) => {
      const caller = index % callers
      const n = Math.floor(index / callers)
      const bearer = token({ sub: `caller-${caller}`, jti: `${caller}` })
      const { _meta: meta } = enveloped()
      const notifications = { resourceSubscriptions: [`note:///${caller}/${n}`, 'note:///all/0'] }
      const body = {
        jsonrpc: '2.0',
        id: `${caller}-${n}`,
        method: 'subscriptions/listen',
        params: { notifications, _meta: meta },
      }
      const stream = await openEvents(port, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${bearer}`,
          'Content-Type': 'application/json',
          'MCP-Protocol-Version': modernVersion,
          'Mcp-Method': 'subscriptions/listen',
        },
        body: JSON.stringify(body),
      })
      await stream.messages(1)
      return { stream, caller, n, got: [] as unknown[] }
    }),
  )
  const changes = repeats(2, 10)
  for (let round = 0; round < changes; round += 1) {
    for (let caller = 0; caller < callers; caller += 1) {
      for (let n = 0; n < streamsOfEach; n += 1) endpoint.resourceUpdated(`note:///${caller}/${n}`)
      // The same address, for one caller only.
      endpoint.resourceUpdated('note:///all/0', (to) => to?.subject === `caller-${caller}`)
    }
    endpoint.resourceUpdated('note:///nobody/0')
    await Promise.all(
      open.map(async ({ stream, caller, n }) => {
        const messages = await stream.messages(2)
        const uris = messages.map((message) => {
          const params = member(message, 'params')
          assert.equal(member(params, '_meta')[idKey], `${caller}-${n}`)
          return params['uri']
        })
        assert.deepEqual(new Set(uris), new Set([`note:///${caller}/${n}`, 'note:///all/0']))
      }),
    )
  }
  await close()
  for (const { stream, caller, n } of open) {
    const rest = await stream.rest()
    assert.deepEqual(
      rest.map(({ message }) => message?.['id']),
      [`${caller}-${n}`],
      'only the end came after that',
    )
  }
})
