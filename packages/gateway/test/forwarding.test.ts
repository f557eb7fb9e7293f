/** What reaches a server of a client’s request, and what of a server’s lists reaches a client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  enveloped,
  errorCode,
  legacy,
  member,
  modern,
  post,
  resultOf,
  type Json,
} from '../../mcp-endpoint/test/messages.ts'
import { ask } from '../../mcp-endpoint/test/raw-http.ts'
import { saidIn, startGateway } from './gateway-server.ts'
import { startOddServer, type Seen } from './odd-http-server.ts'

// What an ill-meaning client may send along.
const inbound = {
  Cookie: 'session=canary-cookie',
  DPoP: 'canary-proof',
  'Proxy-Authorization': 'Basic canary-proxy',
  Forwarded: 'for=canary',
  'X-Forwarded-For': 'canary',
  'X-User': 'canary-admin',
  'X-Forwarded-User': 'canary-admin',
  'Mcp-Session-Id': 'canary-session',
  Connection: 'X-Hop',
  'X-Hop': 'canary-hop',
  'Last-Event-ID': 'canary-1',
}

for (const era of ['modern', 'legacy'] as const) {
  test(`H1, H6, H7: nothing of a ${era} client’s headers or token reaches the server, which is told the gateway’s own`, async (t) => {
    const server = await startOddServer(era)
    t.after(server.close)
    const headers = { authorization: 'Bearer of-the-gateway', 'x-tenant': 'seven' }
    const gateway = await startGateway(t, { url: server.url, headers })
    const bearer = gateway.token()
    for (const request of [modern, legacy]) {
      const params = { name: 'echo', arguments: {} }
      const answer = await ask(gateway.port, request(bearer, 'tools/call', params, inbound))
      const seen = saidIn(answer) as Seen // It answers with what it has seen.
      assert.doesNotMatch(JSON.stringify(seen), /canary/)
      assert.ok(!JSON.stringify(seen).includes(bearer))
      assert.equal(seen.headers['authorization'], 'Bearer of-the-gateway')
      assert.equal(seen.headers['x-tenant'], 'seven')
      const known = /^(?:host|connection|accept|content-(?:type|length)|authorization|x-tenant|mcp-.*)$/
      assert.deepEqual(
        Object.keys(seen.headers).filter((name) => !known.test(name)),
        [],
      )
    }
    assert.ok(server.seen.every((one) => !JSON.stringify(one).includes(bearer)))
    // The credentials of the gateway open nothing on its own side.
    assert.equal((await ask(gateway.port, modern('of-the-gateway', 'tools/list'))).status, 401)
  })
}

test('only what was judged is passed on: members of a request that its method does not have are not', async (t) => {
  const server = await startOddServer('modern')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const params = { name: 'echo', arguments: { a: 1 }, task: { ttl: 1 }, other: 'canary' }
  const seen = saidIn(await ask(gateway.port, modern(gateway.token(), 'tools/call', params))) as Seen // As above.
  const { _meta, ...passed } = member(seen.body, 'params')
  assert.deepEqual(passed, { name: 'echo', arguments: { a: 1 } })
  assert.deepEqual((_meta as Json)['io.modelcontextprotocol/clientInfo'], {
    name: 'doorman',
    version: '0.1.0',
  })
})

test('H30: what a client puts into _meta for the server reaches it, and nothing of the client’s own protocol', async (t) => {
  const server = await startOddServer('modern')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
  const params = enveloped({ name: 'echo', arguments: {} })
  const meta = {
    ...trace,
    ...member(params, '_meta'),
    'io.modelcontextprotocol/clientInfo': { name: 'canary' },
  }
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { ...params, _meta: meta },
  })
  const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'echo' }
  const seen = saidIn(await ask(gateway.port, post(gateway.token(), body, headers))) as Seen // As above.
  const passed = member(member(seen.body, 'params'), '_meta')
  assert.equal(passed['traceparent'], trace.traceparent)
  assert.doesNotMatch(JSON.stringify(passed), /canary/)
})

test('H8, H9: headers that repeat arguments are compared with them, written for the server, and unknown ones passed on', async (t) => {
  const server = await startOddServer('modern')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const args = { region: 'west é', count: 7 }
  const call = (headers: Readonly<Record<string, string>>) =>
    ask(gateway.port, modern(gateway.token(), 'tools/call', { name: 'echo', arguments: args }, headers))
  const right = { 'Mcp-Param-Region': '=?base64?d2VzdCDDqQ==?=', 'Mcp-Param-Count': '7' }
  const seen = saidIn(await call({ ...right, 'Mcp-Param-Other': 'kept' })) as Seen // As above.
  assert.equal(seen.headers['mcp-param-region'], right['Mcp-Param-Region'])
  assert.equal(seen.headers['mcp-param-count'], '7')
  assert.equal(seen.headers['mcp-param-other'], 'kept')
  assert.equal(seen.headers['mcp-name'], 'echo')
  assert.equal(seen.headers['mcp-method'], 'tools/call')

  const before = server.seen.length
  for (const wrong of [{}, { ...right, 'Mcp-Param-Region': 'east' }, { ...right, 'Mcp-Param-Count': '8' }]) {
    assert.equal(errorCode(await call(wrong)), -32020)
  }
  assert.equal(server.seen.length, before)

  // A client of 2025 knows no such headers, and a forged one is not looked at.
  const forged = { 'Mcp-Name': 'other', 'Mcp-Param-Region': 'east' }
  const old = legacy(gateway.token(), 'tools/call', { name: 'echo', arguments: args }, forged)
  const oldSeen = saidIn(await ask(gateway.port, old)) as Seen // As above.
  assert.equal(oldSeen.headers['mcp-param-region'], right['Mcp-Param-Region'])
  assert.equal(oldSeen.headers['mcp-name'], 'echo')
})

test('a server whose tool has other headers by now is asked which, and the call made once more', async (t) => {
  const server = await startOddServer('modern')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const old = legacy(gateway.token(), 'tools/call', { name: 'echo', arguments: { region: 'west' } })
  assert.equal((await ask(gateway.port, old)).status, 200)
  server.moveHeader()
  const seen = saidIn(await ask(gateway.port, old)) as Seen // As above.
  assert.equal(seen.headers['mcp-param-zone'], 'west')
  // A call that can have no such header is refused again, which is no matter of the client’s.
  const without = legacy(gateway.token(), 'tools/call', { name: 'echo', arguments: {} })
  assert.equal((await ask(gateway.port, without)).status, 502)
})

test('H15: each principal has a session of its own, ended with the gateway; one that is forgotten is begun again', async (t) => {
  const server = await startOddServer('legacy')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const sessionOf = async (sub: string): Promise<unknown> =>
    (saidIn(await gateway.call('echo', {}, { sub })) as Seen).headers['mcp-session-id'] // As above.
  assert.deepEqual(
    [await sessionOf('alice'), await sessionOf('bob'), await sessionOf('alice')],
    ['1', '2', '1'],
  )
  server.forgetSessions()
  assert.deepEqual([await sessionOf('alice'), await sessionOf('alice')], ['3', '3'])
  const calls = server.seen.filter(({ body }) => body['method'] === 'tools/call')
  assert.equal(calls.length, 6)
  await gateway.close()
  const ended = server.seen
    .filter(({ method }) => method === 'DELETE')
    .map(({ headers }) => headers['mcp-session-id'])
  assert.deepEqual(
    ended.toSorted((one, other) => Number(one) - Number(other)),
    ['2', '3'],
  )
})

test('H16: a list shows what the rules show, and what they do not name never reaches the server', async (t) => {
  const server = await startOddServer('modern')
  t.after(server.close)
  const rules = [{ tools: ['echo', 'reset', 'html'] }]
  const gateway = await startGateway(t, { url: server.url }, { rules })
  const list = async (params: Json): Promise<Json> =>
    resultOf(await ask(gateway.port, modern(gateway.token(), 'tools/list', params)))
  const namesIn = ({ tools }: Json): readonly unknown[] => (tools as readonly Json[]).map(({ name }) => name) // A list.
  const first = await list({})
  assert.deepEqual(namesIn(first), ['echo'])
  assert.equal(first['cacheScope'], 'private')
  const { nextCursor } = first
  // H11: a tool with a header that cannot be is left out, and so is what has no name.
  assert.deepEqual(namesIn(await list({ cursor: nextCursor })), ['reset'])

  const before = server.seen.length
  assert.equal(errorCode(await gateway.call('redirect')), -32602)
  // H14: a cursor is good for the caller that it was given to, and for nothing else; the server’s own is none.
  for (const [sub, cursor] of [
    ['bob', nextCursor],
    ['alice', 'two'],
    ['alice', `${String(nextCursor)}A`],
  ] as const) {
    const answer = await ask(gateway.port, modern(gateway.token(sub), 'tools/list', { cursor }))
    assert.equal(errorCode(answer), -32602)
  }
  const elsewhere = modern(gateway.token(), 'prompts/list', { cursor: nextCursor })
  assert.equal(errorCode(await ask(gateway.port, elsewhere)), -32602)
  assert.equal(server.seen.length, before)

  const plain = { headers: { Authorization: `Bearer ${gateway.token()}` }, target: '/tools/list' }
  assert.deepEqual(namesIn(JSON.parse((await ask(gateway.port, plain)).body) as Json), ['echo', 'reset']) // As above.
})

test('G66: values that would name what the caller may not read are left out of a completion', async (t) => {
  const fixture = fileURLToPath(new URL('../../../test/conformance/fixture/stdio.ts', import.meta.url))
  const staff = { resources: ['test://template/12/data'], require: { anyRole: ['staff'] } }
  const rules = [staff, { resources: ['test://*'] }]
  const gateway = await startGateway(t, { command: [process.execPath, fixture] }, { rules })
  const ref = { type: 'ref/resource', uri: 'test://template/{id}/data' }
  const params = { ref, argument: { name: 'id', value: '1' } }
  for (const request of [modern, legacy]) {
    const result = resultOf(await ask(gateway.port, request(gateway.token(), 'completion/complete', params)))
    assert.deepEqual(member(result, 'completion'), { values: ['1', '123'], total: 2, hasMore: false })
  }
})

test('H11: every tool is listed for an operator, with what its server says of it', async (t) => {
  const server = await startOddServer()
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const tools = await gateway.upstream.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['echo', 'reset', 'html', 'redirect'],
  )
})

test('I7: a server that leaves unanswered what it does not know is spoken with in its own way', async (t) => {
  const silent = `
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line)
      const say = (result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
      if (method === 'initialize') say({ protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: {} })
      if (method === 'tools/call') say({ content: [{ type: 'text', text: '"old"' }] })
    })`
  const gateway = await startGateway(t, {
    command: [process.execPath, '-e', silent],
    startTimeoutSeconds: 2,
  })
  assert.equal(saidIn(await gateway.call('anything', {}, { era: 'legacy' })), 'old')
})

test('I7: a server that ends on what it does not know is started again, and spoken with in its own way', async (t) => {
  const touchy = `
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line)
      const say = (result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
      if (method === 'server/discover') process.exit(1)
      if (method === 'initialize') say({ protocolVersion: '2025-03-26', capabilities: { tools: {} }, serverInfo: {} })
      if (method === 'tools/call') say({ content: [{ type: 'text', text: '"touchy"' }] })
    })`
  const gateway = await startGateway(t, { command: [process.execPath, '-e', touchy] })
  for (const sub of ['alice', 'bob']) {
    assert.equal(saidIn(await gateway.call('anything', {}, { sub, era: 'legacy' })), 'touchy')
  }
  const started = gateway.events.filter(({ kind }) => kind === 'started')
  assert.equal(started.length, 3) // What was found out once is known.
})
