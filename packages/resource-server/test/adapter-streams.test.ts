import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { after, test } from 'node:test'
import { adapterServers, type Reply, type Seen } from './adapter-servers.ts'
import { callOf, nextOutcome, startGuarded } from './guarded.ts'
import { exchange, open, type Received, type Sent } from './http-exchange.ts'

const rules = [
  { tools: ['read_file', 'write_file'], require: { scopes: ['files:write'] } },
  { tools: ['secret_files'], require: { anyRole: ['staff'] }, otherwise: 'hide' },
  { resources: ['note://open/*', 'note://{id}'] },
  { resources: ['note://secret/*'], require: { anyRole: ['staff'] }, otherwise: 'hide' },
  { prompts: ['greet'] },
] as const

const json = { 'content-type': 'application/json' }
const events = { 'content-type': 'text/event-stream' }
const request = (method: string, params: object = {}, id: unknown = 1): object => ({
  jsonrpc: '2.0',
  ...(id !== undefined && { id }),
  method,
  params,
})
const resultOf = (result: object): object => ({ jsonrpc: '2.0', id: 1, result })
const listMethods = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']
const everything = {
  tools: [{ name: 'read_file' }, { name: 'secret_files' }, { name: 'other' }, { title: 'nameless' }],
  resources: [{ uri: 'note://open/a' }, { uri: 'note://secret/a' }],
  resourceTemplates: [{ uriTemplate: 'note://{id}' }, { uriTemplate: 'note://secret/{id}' }],
  prompts: [{ name: 'greet' }, { name: 'other' }],
  nextCursor: 'n',
  ttlMs: 1000,
  cacheScope: 'public',
}
const shown = {
  tools: [{ name: 'read_file' }, { title: 'nameless' }],
  resources: [{ uri: 'note://open/a' }],
  resourceTemplates: [{ uriTemplate: 'note://{id}' }],
  prompts: [{ name: 'greet' }],
  nextCursor: 'n',
  ttlMs: 1000,
  cacheScope: 'private',
}

/** The events of a stream as the test wants them, one at a time. */
class Feed implements AsyncIterable<string> {
  readonly left: Promise<void>
  #leave: () => void = () => undefined
  #waiting: string[] = []
  #wake: () => void = () => undefined
  #closed = false

  constructor() {
    this.left = new Promise((resolve) => (this.#leave = resolve))
  }

  send(text: string): void {
    this.#waiting.push(text)
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: async () => {
        for (;;) {
          const value = this.#waiting.shift()
          if (value !== undefined) return { done: false, value }
          if (this.#closed) return { done: true, value: undefined }
          await new Promise<void>((resolve) => (this.#wake = resolve))
        }
      },
      return: async () => {
        this.#leave()
        this.close()
        return { done: true, value: undefined }
      },
    }
  }
}

async function nextText(stream: IncomingMessage): Promise<string> {
  const [piece] = (await once(stream, 'data')) as [Buffer] // No encoding is set.
  return piece.toString('utf8')
}

for (const { name, serve } of adapterServers) {
  let reply: (seen: Seen) => Reply = () => ({ status: 500 })
  const seen: Seen[] = []
  const guarded = await startGuarded({ options: { rules, clockToleranceSeconds: 0 } })
  const { port, close } = await serve({
    resourceServer: guarded.server,
    handler: (given) => {
      seen.push(given)
      return reply(given)
    },
  })
  after(close)
  const token = (claims: Readonly<Record<string, unknown>> = {}): string => guarded.issuer.sign({ claims })
  const sentWith = (sent: Sent & { readonly message?: object; readonly claims?: object }): Sent => {
    const { message, claims = {}, headers = [], ...rest } = sent
    return {
      ...rest,
      ...(message !== undefined && { body: JSON.stringify(message) }),
      headers: [
        'Authorization',
        `Bearer ${token({ ...claims })}`,
        'Content-Type',
        'application/json',
        'Accept',
        'application/json, text/event-stream',
        ...headers,
      ],
    }
  }
  const send = (sent: Parameters<typeof sentWith>[0]): Promise<Received> => exchange(port, sentWith(sent))

  test(`${name}: E9, E11: lists show what the caller may know of, in JSON and in events, and are private`, async () => {
    const whole = JSON.stringify(resultOf(everything))
    reply = () => ({ headers: json, body: whole })
    for (const method of listMethods) {
      assert.deepEqual((await send({ message: request(method) })).json(), resultOf(shown), method)
    }
    const staff = await send({ message: request('tools/list'), claims: { roles: ['staff'] } })
    const { tools } = (staff.json() as { result: typeof everything }).result
    assert.deepEqual(
      tools.map((tool) => ('name' in tool ? tool.name : '')),
      ['read_file', 'secret_files', ''],
    )

    reply = () => ({ headers: json, body: JSON.stringify([resultOf(everything), resultOf({})]) })
    const batch = await send({ message: [request('tools/list'), request('ping', {}, 2)] })
    assert.deepEqual(batch.json(), [resultOf(shown), resultOf({})])

    for (const end of ['\n', '\r\n', '\r']) {
      const event = ['event: message', 'id: 7', `data: ${whole}`, '', ''].join(end)
      reply = () => ({ headers: { ...events, 'content-length': '1' }, body: `: hello${end}${end}${event}` })
      const { text, headers } = await send({ message: request('tools/list') })
      assert.equal(headers['content-length'], undefined)
      assert.deepEqual(text.split(/\n\n/).slice(0, 2), [
        ': hello',
        `event: message\nid: 7\ndata: ${JSON.stringify(resultOf(shown))}`,
      ])
    }
  })

  test(`${name}: a list that cannot be read is kept back`, async () => {
    const whole = JSON.stringify(resultOf(everything))
    const unreadable: readonly Reply[] = [
      { headers: { ...json, 'content-encoding': 'x-own' }, body: whole },
      { headers: { 'content-type': 'text/plain' }, body: whole.slice(1) },
      { headers: json, body: whole.slice(1) },
    ]
    for (const answer of unreadable) {
      reply = () => answer
      for (const method of listMethods) {
        const { status, text } = await send({ message: request(method) })
        assert.equal(status, 502, method)
        assert.ok(!text.includes('secret'), text)
      }
    }
    const [answer] = unreadable
    reply = () => ({ ...answer, status: 503 })
    assert.equal(
      (await send({ message: request('tools/list') })).status,
      503,
      'what is no list goes on as it is',
    )
    reply = () => ({ headers: events, body: `data: ${whole.slice(1)}\n\n` })
    assert.equal((await send({ message: request('tools/list') })).text, '')
  })

  test(`${name}: events go on one by one, as they come`, async () => {
    const feed = new Feed()
    reply = () => ({ headers: events, body: feed })
    const before = guarded.records().length
    const opened = open(port, sentWith({ message: callOf('read_file'), claims: { scope: 'files:write' } }))
    feed.send(': first\n\n')
    const stream = await opened
    assert.equal(stream.statusCode, 200)
    assert.equal(await nextText(stream), ': first\n\n')
    feed.send('data: {"jsonrpc":"2.0","method":"notifications/pro')
    feed.send('gress"}\n\ndata: {"je')
    assert.equal(await nextText(stream), 'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n')
    feed.send('ne":1}\n\n')
    assert.equal(await nextText(stream), 'data: {"jene":1}\n\n')
    feed.close()
    stream.resume()
    await once(stream, 'end')
    assert.deepEqual((await nextOutcome(guarded, before))['result'], 'ok')
  })

  test(`${name}: a caller who leaves ends what was running, and that is on record`, async () => {
    const feed = new Feed()
    reply = () => ({ headers: events, body: feed })
    const before = guarded.records().length
    const opened = open(port, sentWith({ message: callOf('read_file'), claims: { scope: 'files:write' } }))
    feed.send(': first\n\n')
    const stream = await opened
    await nextText(stream)
    stream.destroy()
    await feed.left
    assert.equal((await nextOutcome(guarded, before))['result'], 'cancelled')
  })

  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const modern = ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'subscriptions/listen']
  const listing = ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'tools/list']
  const listenTo = (...uris: readonly string[]): object =>
    request(
      'subscriptions/listen',
      { _meta: meta, notifications: { toolsListChanged: true, resourceSubscriptions: uris } },
      'l',
    )

  test(`${name}: E12, E13: a subscription is handed on without what its caller may not be told of`, async () => {
    const feed = new Feed()
    reply = () => ({ headers: events, body: feed })
    seen.splice(0)
    const opened = open(
      port,
      sentWith({ message: listenTo('note://open/a', 'note://secret/a', 'other://x'), headers: modern }),
    )
    const updated = (uri: string): string =>
      `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })}\n\n`
    feed.send(`${updated('note://secret/a')}${updated('other://x')}${updated('note://open/a')}`)
    const stream = await opened
    assert.equal(await nextText(stream), updated('note://open/a'))
    const handed = seen[0]?.body as { params: { notifications: unknown } } | undefined
    assert.deepEqual(handed?.params.notifications, {
      toolsListChanged: true,
      resourceSubscriptions: ['note://open/a'],
    })
    stream.destroy()
    await feed.left
  })

  test(`${name}: E13: a subscription ends with its caller's token, by a result`, async () => {
    const feed = new Feed()
    reply = () => ({ headers: events, body: feed })
    // Looked at again after this second of the machine's time, when the server's clock is beyond it.
    const claims = { exp: guarded.clock.now + 1 }
    const sent = sentWith({ message: listenTo(), headers: modern, claims })
    const before = guarded.clock.now
    const opened = open(port, sent)
    feed.send(': first\n\n')
    const stream = await opened
    await nextText(stream)
    guarded.clock.now += 100
    let rest = ''
    stream.on('data', (piece: Buffer) => (rest += piece.toString('utf8')))
    await once(stream, 'end')
    guarded.clock.now = before
    assert.match(rest, /"id":"l","result":\{"resultType":"complete"/)
    await feed.left
  })

  test(`${name}: a session's stream and end are its caller's alone`, async () => {
    const stamp = { 'mcp-session-id': `session-${name}` }
    const session = ['Mcp-Session-Id', `session-${name}`]
    reply = () => ({ headers: { ...json, ...stamp }, body: JSON.stringify(resultOf({})) })
    assert.equal((await send({ method: 'GET', headers: session })).status, 405, 'before it was opened')
    assert.equal(
      (await send({ message: request('ping'), headers: session })).status,
      404,
      'before it was opened',
    )
    const opened = await send({ message: request('initialize') })
    assert.equal(opened.headers['mcp-session-id'], `session-${name}`)

    reply = () => ({
      headers: { ...json, 'mcp-session-id': `other-${name}` },
      body: JSON.stringify(resultOf({})),
    })
    const other = ['Mcp-Session-Id', `other-${name}`]
    assert.equal((await send({ message: request('ping'), headers: session })).status, 200)
    assert.equal(
      (await send({ message: request('ping'), headers: other })).status,
      404,
      'an answer in a session opens no other',
    )

    const feed = new Feed()
    reply = ({ method }) => (method === 'GET' ? { headers: events, body: feed } : { status: 200 })
    feed.send('data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n')
    const stream = await open(port, sentWith({ method: 'GET', headers: session }))
    assert.match(await nextText(stream), /list_changed/)
    feed.send(`data: ${JSON.stringify(resultOf(everything))}\n\n`)
    assert.equal(
      await nextText(stream),
      `data: ${JSON.stringify(resultOf(shown))}\n\n`,
      'a list that is repeated',
    )
    stream.destroy()
    await feed.left

    const another = new Feed()
    reply = () => ({ headers: events, body: another })
    another.send(': first\n\n')
    const claims = { exp: guarded.clock.now + 1 }
    const ending = await open(port, sentWith({ method: 'GET', headers: session, claims }))
    await nextText(ending)
    guarded.clock.now += 100
    await once(ending.resume(), 'end')
    guarded.clock.now -= 100
    await another.left
    reply = () => ({ status: 200 })

    seen.splice(0)
    const stranger = { claims: { sub: 'mallory' } }
    for (const sent of [
      { method: 'GET', headers: session },
      { method: 'DELETE', headers: session },
      { message: request('ping'), headers: session },
    ]) {
      const answer = await send({ ...sent, ...stranger })
      assert.equal(answer.status, 404)
      assert.equal((await exchange(port, { ...sent, body: '{}' })).status, 401, 'B19')
    }
    assert.equal((await send({ method: 'GET' })).status, 405, 'without a session')
    assert.equal(seen.length, 0)
    assert.equal((await send({ method: 'DELETE', headers: session })).status, 200)
    assert.equal(seen.length, 1)
    assert.equal((await send({ method: 'GET', headers: session })).status, 405, 'after its end')
    assert.equal((await send({ message: request('ping'), headers: session })).status, 404, 'after its end')
    const stateless = await send({
      message: request('tools/list', { _meta: meta }),
      headers: [...session, ...listing],
    })
    const handed = (seen as readonly Seen[]).at(-1)?.headers ?? [] // It was empty when it was compared last.
    assert.equal(stateless.status, 200, 'in the era without sessions the header means nothing')
    assert.ok(!handed.includes('mcp-session-id'), 'and no server behind is asked for the session')
    assert.ok(handed.includes('mcp-method'), 'which was compared')
  })
}
