/** Clients and servers that mean ill, where a rule, a time limit or the end of the gateway would be got around. */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { errorCode, member, modern, resultOf, type Json } from '../../mcp-endpoint/test/messages.ts'
import { ask, formatRequest, openConnection } from '../../mcp-endpoint/test/raw-http.ts'
import { converse } from './conversation.ts'
import { startGateway } from './gateway-server.ts'

type Answer = (params: Json, send: Send, response: ServerResponse) => void
type Send = (value: Json, as?: 'result' | 'error') => void

interface Scripted {
  readonly url: string
  /** Resolves when a request of this method has come. */
  readonly came: (method: string) => Promise<void>
}

/** A server of 2026 that answers as the test says. */
async function startScripted(t: TestContext, answers: Readonly<Record<string, Answer>>): Promise<Scripted> {
  const wanted = new Map<unknown, () => void>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      if (request.method !== 'POST') {
        response.writeHead(405).end()
        return
      }
      const { id, method, params = {} } = JSON.parse(body) as Json // The gateway writes objects.
      const send: Send = (value, as = 'result') =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id, [as]: value }))
      const answer = { 'server/discover': discover, ...answers }[String(method)]
      if (id === undefined || answer === undefined) response.writeHead(202).end()
      else answer(params as Json, send, response) // Written by the gateway, too.
      wanted.get(method)?.()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    // It listens on TCP, so its address is one.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    came: (method) => new Promise((resolve) => wanted.set(method, resolve)),
  }
}

const discover: Answer = (_, send) =>
  send({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} },
  })
const nothing: Answer = () => undefined

for (const [kind, ref, named] of [
  ['prompt', { type: 'ref/prompt', name: 'open', Name: 'secret', uri: 'note://secret' }, 'open'],
  [
    'resource',
    { type: 'ref/resource', uri: 'note://open', URI: 'note://secret', name: 'secret' },
    'note://open',
  ],
] as const) {
  test(`what is completed of a ${kind} is named once: no server can take another name than the one that was judged`, async (t) => {
    let seen: Json = {}
    const { url } = await startScripted(t, {
      'completion/complete': (params, send) => {
        seen = params
        send({ completion: { values: ['a'] } })
      },
    })
    const gateway = await startGateway(
      t,
      { url },
      { rules: [{ prompts: ['open'], resources: ['note://open'] }] },
    )
    const complete = (params: Json) =>
      ask(gateway.port, modern(gateway.token(), 'completion/complete', params))
    const answer = await complete({
      ref,
      argument: { name: 'a', value: 'x', Name: 'b' },
      context: { arguments: { c: 'd' }, Arguments: { c: 'e' } },
    })
    assert.ok(resultOf(answer))
    const { _meta: _, ...passed } = seen
    assert.deepEqual(passed, {
      ref: { type: ref.type, [kind === 'prompt' ? 'name' : 'uri']: named },
      argument: { name: 'a', value: 'x' },
      context: { arguments: { c: 'd' } },
    })
    const hidden = { ...ref, name: 'secret', uri: 'note://secret' }
    assert.ok(
      !('result' in JSON.parse((await complete({ ref: hidden, argument: { name: 'a', value: '' } })).body)),
    )
  })
}

test('what a server asks of a client has nothing in it of the protocol between server and gateway', async (t) => {
  const { url } = await startScripted(t, {
    'tools/list': (_, send) => send({ tools: [] }),
    'tools/call': ({ inputResponses }, send) =>
      send(
        inputResponses === undefined
          ? { resultType: 'input_required', inputRequests: { who: question } }
          : { content: [] },
      ),
  })
  const params = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } }
  const own = { 'example.com/hint': 1 }
  const meta = { ...own, progressToken: 'p', 'io.modelcontextprotocol/related-task': { taskId: 't' } }
  const question = { method: 'elicitation/create', params: { ...params, task: { ttl: 1 }, _meta: meta } }
  const { relay } = await startGateway(t, { url })
  for (const era of ['modern', 'legacy'] as const) {
    const client = await converse(relay, era)
    const { asked, answer } = await client.request('tools/call', { name: 'x', arguments: {} })
    assert.deepEqual(asked, [{ method: 'elicitation/create', params: { ...params, _meta: own } }])
    assert.ok(member(answer, 'result')['content'])
    await client.close()
  }
})

test('a list of tools that goes on and on costs a call no more than the time that a call may take', async (t) => {
  let pages = 0
  const { url } = await startScripted(t, {
    'tools/list': (_, send) => {
      pages += 1
      setTimeout(() => send({ tools: [], nextCursor: String(pages) }), 300)
    },
    'tools/call': (_, send) => send({ content: [] }),
  })
  const gateway = await startGateway(t, { url, callTimeoutSeconds: 1 })
  const began = performance.now()
  assert.equal((await gateway.call('x')).status, 504)
  assert.ok(performance.now() - began < 2500)
  assert.ok(pages <= 4, `${pages} pages`)
})

test('a server that never tells its tools keeps no gateway from its end', async (t) => {
  const { url, came } = await startScripted(t, { 'tools/list': nothing })
  const gateway = await startGateway(t, { url, callTimeoutSeconds: 600 })
  const asked = came('tools/list')
  const answer = gateway.call('x').catch((error: unknown) => error) // The connection may be cut.
  await asked
  const began = performance.now()
  await gateway.close()
  assert.ok(performance.now() - began < 3000)
  await answer
})

test('a connection that was still beginning when its client left is ended like any that nobody uses', async (t) => {
  let begin = (): void => undefined
  const { url, came } = await startScripted(t, {
    'server/discover': (params, send, response) => {
      begin = () => discover(params, send, response)
    },
  })
  const gateway = await startGateway(t, { url, idleSeconds: 1 })
  const asked = came('server/discover')
  const client = await openConnection(gateway.port)
  client.send(
    formatRequest(gateway.port, modern(gateway.token(), 'tools/call', { name: 'x', arguments: {} })),
  )
  await asked
  client.destroy()
  // Longer than a connection may lie unused.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  assert.equal(gateway.upstream.status().connections, 1)
  begin()
  for (let wait = 0; wait < 60 && gateway.upstream.status().connections > 0; wait += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.equal(gateway.upstream.status().connections, 0)
})

for (const [era, runs] of [
  ['legacy', 1],
  ['modern', 2],
] as const) {
  test(`what a server of the ${era} era refuses by the code for headers is ${runs === 1 ? 'never run again' : 'asked once more with the headers of now'}`, async (t) => {
    let calls = 0
    const { url } = await startScripted(t, {
      ...(era === 'legacy' && { 'server/discover': (_, __, response) => void response.writeHead(400).end() }),
      initialize: (_, send) => send({ protocolVersion: '2025-06-18', capabilities: { tools: {} } }),
      'tools/list': (_, send) => send({ tools: [] }),
      'tools/call': (_, send) => {
        calls += 1
        send({ code: -32020, message: 'canary: it has run' }, 'error')
      },
    })
    const gateway = await startGateway(t, { url })
    const answer = await gateway.call('pay')
    assert.equal(errorCode(answer), -32603)
    assert.doesNotMatch(answer.body, /canary/)
    assert.equal(calls, runs)
  })
}

for (const [name, twice] of [
  ['closed while it begins', false],
  ['begun twice at once', true],
] as const) {
  test(`a watch that is ${name} leaves nothing watched`, async (t) => {
    let answer = (): void => undefined
    const { url, came } = await startScripted(t, {
      'server/discover': (_, __, response) => void response.writeHead(400).end(),
      initialize: (_, send) =>
        send({ protocolVersion: '2025-06-18', capabilities: { resources: { subscribe: true } } }),
      'resources/subscribe': (_, send) => (answer = () => send({})),
      'resources/unsubscribe': (_, send) => send({}),
    })
    const { upstream } = await startGateway(t, { url, shared: true })
    const following = upstream.source.follow(
      { caller: undefined, callerKey: 'a' },
      { listChanged: () => undefined, resourceUpdated: () => undefined },
    )
    const subscribed = came('resources/subscribe')
    const watching = [following.watch('note://a'), ...(twice ? [following.watch('note://a')] : [])]
    await subscribed
    if (!twice) following.close()
    const unsubscribed = came('resources/unsubscribe')
    answer()
    assert.deepEqual(await Promise.all(watching), twice ? [true, true] : [false])
    if (twice) following.unwatch('note://a')
    await unsubscribed
  })
}
