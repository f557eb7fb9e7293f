import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  defineTool,
  elicit,
  elicitByUrl,
  listRoots,
  sample,
  type Prompt,
  type Resource,
  type Tool,
} from '@mcp-doorman/mcp-endpoint'
import {
  enveloped,
  errorCode,
  jsonOf,
  legacy,
  member,
  modernVersion,
  post,
  resultOf,
  type Json,
} from './messages.ts'
import { ask, type RawRequest } from './raw-http.ts'
import { beginSession } from './session-client.ts'
import { startTestServer, toolOf } from './test-server.ts'

const name = elicit('Your name?', {
  type: 'object',
  properties: { name: { type: 'string', minLength: 1 } },
  required: ['name'],
})
const city = elicit('Your city?', { type: 'object', properties: { city: { type: 'string' } } })
const model = sample({
  messages: [{ role: 'user', content: { type: 'text', text: 'Hello' } }],
  maxTokens: 10,
})

let runs = 0
const tools: readonly Tool[] = [
  defineTool({
    name: 'greet',
    description: 'Greets.',
    inputSchema: { type: 'object', properties: { loud: { type: 'boolean' }, note: { type: 'string' } } },
    call: ({ loud = false }, context) => {
      runs += 1
      const seed = context.keep('seed', () => runs)
      const { who } = context.ask({ who: name })
      if (who.action !== 'accept') return `${who.action}, seed ${seed}`
      const { where } = context.ask({ where: city })
      const from = where.action === 'accept' ? String(where.content.city) : 'nowhere'
      return `${loud ? 'HELLO' : 'Hello'} ${who.content.name} of ${from}, seed ${seed}`
    },
  }),
  ...(
    [
      ['asks_model', { said: model }],
      ['asks_roots', { roots: listRoots() }],
      ['asks_url', { page: elicitByUrl('Log in there.', 'https://example.com/login', 'e-1') }],
      ['asks_all', { said: model, who: name, roots: listRoots() }],
    ] as const
  ).map(([tool, requests]) => toolOf(tool, (_: never, context) => JSON.stringify(context.ask(requests)))),
  toolOf('asks_later', async (_: never, context) => {
    await Promise.resolve()
    return JSON.stringify(context.ask({ who: name }))
  }),
]
const rules = [{ tools: ['*'], resources: ['*'], prompts: ['*'], require: { scopes: ['notes:read'] } }]
const resources: readonly Resource[] = [
  { uri: 'note:///mine', name: 'mine', read: (context) => JSON.stringify(context.ask({ who: name })) },
]
const prompts: readonly Prompt[] = [
  { name: 'greeting', get: (_, context) => JSON.stringify(context.ask({ who: name })) },
  {
    name: 'completing',
    arguments: { a: { complete: (_, __, context) => [JSON.stringify(context.ask({ who: name }))] } },
    get: () => '',
  },
]
const offered = { tools, resources, prompts }
const everything: Json = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const alice = { who: { action: 'accept', content: { name: 'Alice' } } }
const here = { where: { action: 'accept', content: { city: 'Here' } } }

/** A modern request of a client that can do these things. */
function request(token: string, method: string, params: Json, capabilities: Json = everything): RawRequest {
  const { _meta: meta } = enveloped()
  const key = 'io.modelcontextprotocol/clientCapabilities'
  const body = { ...params, _meta: { ...(meta as Json), [key]: capabilities } }
  return post(token, JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: body }), {
    'MCP-Protocol-Version': modernVersion,
    'Mcp-Method': method,
    'Mcp-Name': String(params['name'] ?? params['uri']),
  })
}

const textOf = (result: Json): unknown => (result['content'] as readonly Json[])[0]?.['text'] // Every tool here gives one text.

test('G22: a call asks, is asked again with the answers, and remembers what it kept and got', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: offered, resourceServer: { rules } })
  const call = (more: Json = {}) =>
    ask(port, request(token(), 'tools/call', { name: 'greet', arguments: { loud: true }, ...more }))
  const first = resultOf(await call())
  assert.deepEqual(Object.keys(first).toSorted(), ['_meta', 'inputRequests', 'requestState', 'resultType'])
  assert.equal(first['resultType'], 'input_required')
  assert.deepEqual(first['inputRequests'], { who: { method: name.method, params: name.params } })
  const seed = runs

  const second = resultOf(await call({ inputResponses: alice, requestState: first['requestState'] }))
  assert.deepEqual(Object.keys(member(second, 'inputRequests')), ['where'])
  // The client sends what was asked last; the name travels in the seal.
  const third = resultOf(await call({ inputResponses: here, requestState: second['requestState'] }))
  assert.equal(textOf(third), `HELLO Alice of Here, seed ${seed}`)
  assert.equal(third['resultType'], 'complete')
  // What was accepted once stays: a later round cannot put another in its place.
  const swapped = { ...here, who: { action: 'accept', content: { name: 'Mallory' } } }
  const again = resultOf(await call({ inputResponses: swapped, requestState: second['requestState'] }))
  assert.equal(textOf(again), `HELLO Alice of Here, seed ${seed}`)
})

test('G22: a declined question is an answer', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: offered, resourceServer: { rules } })
  for (const action of ['decline', 'cancel']) {
    const params = {
      name: 'greet',
      arguments: {},
      inputResponses: { who: { action, content: { name: 'x' } } },
    }
    assert.match(
      String(textOf(resultOf(await ask(port, request(token(), 'tools/call', params))))),
      new RegExp(action),
    )
  }
})

test('G22, G65: the state of a call is refused when changed, late, of another caller, item or arguments', async (t) => {
  let now = 1_000_000
  const change = {
    endpoint: { ...offered, inputTimeoutSeconds: 60, nowMilliseconds: () => now },
    resourceServer: { rules },
  }
  const { port, token } = await startTestServer(t, change)
  const other = await startTestServer(t, change)
  const begin = { name: 'greet', arguments: { loud: true, note: 'a' } }
  const { requestState } = resultOf(await ask(port, request(token(), 'tools/call', begin)))
  assert.ok(typeof requestState === 'string')
  const end = (params: Json, bearer = token(), at = port) =>
    ask(
      at,
      request(bearer, typeof params['method'] === 'string' ? params['method'] : 'tools/call', {
        ...params,
        inputResponses: alice,
      }),
    )

  const good = { ...begin, requestState }
  assert.equal(resultOf(await end(good))['resultType'], 'input_required')
  assert.equal((await end({ ...good, arguments: { note: 'a', loud: true } })).status, 200) // Another order.
  const bad: readonly (readonly [name: string, params: Json, bearer?: string, at?: number])[] = [
    ['changed', { ...good, requestState: `${requestState}-TAMPERED` }],
    ['cut', { ...good, requestState: requestState.slice(1) }],
    ['empty', { ...good, requestState: '' }],
    ['no text', { ...good, requestState: 7 }],
    ['another user', good, token({ sub: 'bob' })],
    ['another client', good, token({ client_id: 'other' })],
    ['another tool', { ...good, name: 'asks_later' }],
    ['other arguments', { ...good, arguments: { loud: false, note: 'a' } }],
    ['fewer arguments', { ...good, arguments: { loud: true } }],
    ['another method', { method: 'prompts/get', name: 'greeting', requestState }],
  ]
  for (const [what, params, bearer] of bad) {
    assert.equal(errorCode(await end(params, bearer)), -32602, what)
  }
  assert.equal(errorCode(await end(good, other.token(), other.port)), -32602, 'another server')
  now += 59_999
  assert.equal((await end(good)).status, 200)
  now += 1
  assert.equal(errorCode(await end(good)), -32602, 'late')
})

test('G22: servers with one secret take each other’s state', async (t) => {
  const endpoint = { ...offered, secret: Buffer.alloc(32, 1) }
  const one = await startTestServer(t, { endpoint, resourceServer: { rules } })
  const issuers = [{ issuer: one.issuer.issuer, jwksUri: one.issuer.jwksUri }]
  const two = await startTestServer(t, { endpoint, resourceServer: { rules, issuers } })
  const params = { name: 'greet', arguments: {} }
  const { requestState } = resultOf(await ask(one.port, request(one.token(), 'tools/call', params)))
  const rest = { ...params, requestState, inputResponses: alice }
  assert.equal(
    resultOf(await ask(two.port, request(one.token(), 'tools/call', rest)))['resultType'],
    'input_required',
  )
})

test('G22: answers that do not fit are asked for again; what is no object is refused', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: offered, resourceServer: { rules } })
  const call = (tool: string, inputResponses: unknown) =>
    ask(port, request(token(), 'tools/call', { name: tool, arguments: {}, inputResponses }))
  const misfits: readonly (readonly [tool: string, answer: Json])[] = [
    ['greet', {}],
    ['greet', { other: alice.who }],
    ...[
      7,
      null,
      'Alice',
      [],
      {},
      { action: 'yes' },
      { action: 'accept' },
      { action: 'accept', content: 'Alice' },
    ].map((who) => ['greet', { who }] as const),
    ['greet', { who: { action: 'accept', content: { name: '' } } }],
    ['greet', { who: { action: 'accept', content: { name: 7 } } }],
    ['asks_model', { said: { role: 'system', content: { type: 'text', text: 'x' }, model: 'm' } }],
    ['asks_model', { said: { role: 'assistant', content: 'x', model: 'm' } }],
    ['asks_model', { said: { role: 'assistant', content: { type: 'text', text: 'x' } } }],
    ['asks_roots', { roots: { roots: 'file:///' } }],
    ['asks_roots', { roots: { roots: [{ uri: 'https://example.com' }] } }],
  ]
  for (const [tool, answer] of misfits) {
    const result = resultOf(await call(tool, answer))
    assert.equal(result['resultType'], 'input_required', JSON.stringify(answer))
  }
  for (const odd of [null, 7, 'x', []]) assert.equal(errorCode(await call('greet', odd)), -32602)
  const fits: readonly (readonly [tool: string, answer: Json])[] = [
    [
      'asks_model',
      { said: { role: 'assistant', content: { type: 'text', text: 'x' }, model: 'm', more: 1 } },
    ],
    [
      'asks_model',
      {
        said: {
          role: 'assistant',
          content: [{ type: 'text', text: 'x' }],
          model: 'm',
          stopReason: 'endTurn',
        },
      },
    ],
    ['asks_roots', { roots: { roots: [{ uri: 'file:///a', name: 'a' }, { uri: 'file:///b' }] } }],
    ['asks_url', { page: { action: 'accept' } }],
    ['asks_later', alice],
  ]
  for (const [tool, answer] of fits) {
    const result = resultOf(await call(tool, answer))
    assert.equal(result['resultType'], 'complete', JSON.stringify(answer))
  }
})

test('G22: resources and prompts may ask too; nothing else may', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: offered, resourceServer: { rules } })
  for (const [method, params] of [
    ['resources/read', { uri: 'note:///mine' }],
    ['prompts/get', { name: 'greeting' }],
  ] as const) {
    const first = resultOf(await ask(port, request(token(), method, params)))
    assert.equal(first['resultType'], 'input_required')
    assert.equal('ttlMs' in first, false, 'G14')
    const rest = { ...params, inputResponses: alice, requestState: first['requestState'] }
    assert.equal(resultOf(await ask(port, request(token(), method, rest)))['resultType'], 'complete')
  }
  const completing = { ref: { type: 'ref/prompt', name: 'completing' }, argument: { name: 'a', value: '' } }
  assert.equal(errorCode(await ask(port, request(token(), 'completion/complete', completing))), -32603)
})

test('G8: what the client has not declared is not asked of it', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: offered, resourceServer: { rules } })
  const rows: readonly (readonly [tool: string, capabilities: Json, required: Json | undefined])[] = [
    ['greet', {}, { elicitation: {} }],
    ['greet', { elicitation: {} }, undefined],
    ['greet', { elicitation: { url: {} } }, { elicitation: {} }],
    ['greet', { elicitation: { form: {}, url: {} } }, undefined],
    ['asks_url', { elicitation: {} }, { elicitation: { url: {} } }],
    ['asks_url', { elicitation: { url: {} } }, undefined],
    ['asks_model', { elicitation: {} }, { sampling: {} }],
    ['asks_all', { sampling: {} }, { elicitation: {}, roots: {} }],
    ['asks_all', everything, undefined],
    ['asks_model', { sampling: true }, { sampling: {} }],
  ]
  for (const [tool, capabilities, required] of rows) {
    const answer = await ask(
      port,
      request(token(), 'tools/call', { name: tool, arguments: {} }, capabilities),
    )
    if (required === undefined) {
      assert.equal(resultOf(answer)['resultType'], 'input_required', tool)
      continue
    }
    assert.deepEqual([answer.status, errorCode(answer)], [400, -32021], tool)
    assert.deepEqual(member(jsonOf(answer), 'error')['data'], { requiredCapabilities: required })
  }
})

test('G40: a client of 2025 is asked in its session, on the stream of its call', async (t) => {
  const { port, token } = await startTestServer(t, {
    endpoint: offered,
    mount: { sessions: {} },
    resourceServer: { rules },
  })
  const client = await beginSession(port, token(), everything)
  const call = await client.open(1, 'tools/call', { name: 'greet', arguments: {} })
  assert.equal(call.headers['content-type'], 'text/event-stream')
  const [first] = await call.messages(1)
  assert.deepEqual([first?.['method'], first?.['params']], [name.method, name.params])
  assert.equal(
    (await client.reply(first?.['id'], { result: { action: 'accept', content: { name: '' } } })).status,
    202,
  )
  const [again] = await call.messages(1)
  assert.deepEqual(again?.['params'], name.params, 'what does not fit is asked for again')
  await client.reply(again?.['id'], { result: alice.who })
  const [second] = await call.messages(1)
  assert.deepEqual(second?.['params'], city.params)
  // An answer to a question that was answered, or never asked, changes nothing.
  await client.reply(again?.['id'], { result: { action: 'decline' } })
  await client.reply('server-99', { result: {} })
  await client.reply(second?.['id'], { result: here.where })
  const [last] = await call.messages(1)
  assert.match(String(textOf(member(last ?? {}, 'result'))), /^Hello Alice of Here, seed/)
  assert.equal(await call.next(), undefined)
})

const unavailable: readonly (readonly [
  name: string,
  capabilities: Json,
  sessions: boolean,
  reply: Json | undefined,
  text: RegExp,
])[] = [
  ['without a session', everything, false, undefined, /no way to ask/],
  ['without the capability', {}, true, undefined, /not declared that it can: elicitation/],
  [
    'that answers with an error',
    everything,
    true,
    { error: { code: -1, message: 'No.' } },
    /answered with an error/,
  ],
]
for (const [who, capabilities, sessions, reply, text] of unavailable) {
  test(`a client of 2025 ${who} gets a result that says why nothing came of it`, async (t) => {
    const { port, token } = await startTestServer(t, {
      endpoint: offered,
      resourceServer: { rules },
      mount: sessions ? { sessions: {} } : {},
    })
    const params = { name: 'greet', arguments: {} }
    let result: Json
    if (sessions) {
      const client = await beginSession(port, token(), capabilities)
      if (reply === undefined) {
        result = resultOf(await client.ask('tools/call', params))
      } else {
        const call = await client.open(7, 'tools/call', params)
        const [asked] = await call.messages(1)
        await client.reply(asked?.['id'], reply as { error: unknown })
        result = member((await call.messages(1))[0] ?? {}, 'result')
      }
      const prompt = await client.ask('prompts/get', { name: 'greeting' })
      if (reply === undefined) assert.equal(errorCode(prompt), -32600)
    } else {
      result = resultOf(await ask(port, legacy(token(), 'tools/call', params)))
    }
    assert.equal(result['isError'], true)
    assert.match(String(textOf(result)), text)
  })
}

test('a client of 2025 that never answers, or leaves its session, does not keep a call', async (t) => {
  const { port, token, handle } = await startTestServer(t, {
    endpoint: { ...offered, inputTimeoutSeconds: 1 },
    mount: { sessions: {} },
    resourceServer: { rules },
  })
  const silent = await beginSession(port, token(), everything)
  const waiting = await silent.open(1, 'tools/call', { name: 'greet', arguments: {} })
  await waiting.messages(1)
  const [late] = await waiting.messages(1)
  assert.match(String(textOf(member(late ?? {}, 'result'))), /no answer came within 1 seconds/)

  const leaving = await beginSession(port, token(), everything)
  const left = await leaving.open(1, 'tools/call', { name: 'greet', arguments: {} })
  await left.messages(1)
  assert.equal((await leaving.end()).status, 204)
  await left.rest()

  const open = await (
    await beginSession(port, token(), everything)
  ).open(1, 'tools/call', { name: 'greet', arguments: {} })
  await open.messages(1)
  await handle.close()
  await open.rest()
})

test('in the plain form, a tool that has to ask says that it cannot', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: offered, resourceServer: { rules } })
  const answer = await ask(port, { ...post(token(), '{"name":"greet"}'), target: '/tools/call' })
  assert.deepEqual([answer.status, jsonOf(answer)['error']], [422, 'input_unavailable'])
})
