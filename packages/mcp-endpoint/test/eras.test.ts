import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  enveloped,
  errorCode,
  jsonOf,
  legacy,
  member,
  modern,
  modernVersion,
  post,
  resultOf,
  serverInfoKey,
  statusAndCode,
  type Json,
} from './messages.ts'
import { ask, formatRequest, openConnection, type RawRequest } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'

const serverInfo = { name: 'notes', version: '1.2.3' }
const shownTools = ['echo', 'write_note', 'move_note', 'staff_only']

function namesOf(result: Json): readonly unknown[] {
  const { tools } = result
  assert.ok(Array.isArray(tools))
  return tools.map((tool: Json) => tool['name'])
}

for (const [asked, given] of [
  ['2025-11-25', '2025-11-25'],
  ['2025-06-18', '2025-06-18'],
  ['2025-03-26', '2025-03-26'],
  ['2024-11-05', '2025-11-25'],
  ['1999-01-01', '2025-11-25'],
  [modernVersion, '2025-11-25'],
  [undefined, '2025-11-25'],
  [3, '2025-11-25'],
] as const) {
  test(`G30: initialize with version ${asked} agrees on ${given}`, async (t) => {
    const { port, token } = await startTestServer(t)
    for (const stale of [undefined, '2025-06-18', '1999-01-01', modernVersion]) {
      const headers = { 'MCP-Protocol-Version': stale, 'Mcp-Session-Id': 'stale', 'Mcp-Method': 'initialize' }
      const params = { protocolVersion: asked, capabilities: {}, clientInfo: { name: 'c', version: '1' } }
      const answer = await ask(port, legacy(token(), 'initialize', params, headers))
      // CR6: a client that begins with initialize is never turned away for the version that a header names.
      if (stale === modernVersion && answer.status === 400) {
        assert.notEqual(errorCode(answer), -32022)
        continue
      }
      assert.equal(answer.headers['mcp-session-id'], undefined)
      assert.deepEqual(resultOf(answer), {
        protocolVersion: given,
        capabilities: { tools: { listChanged: false } },
        instructions: 'Be brief.',
        serverInfo,
      })
    }
  })
}

test('G31: without a version header a legacy message is served; with an unknown version it is a 400', async (t) => {
  const { port, token } = await startTestServer(t)
  const ask401 = (version: string | undefined) =>
    statusAndCode(port, legacy(token(), 'ping', undefined, { 'MCP-Protocol-Version': version }))
  for (const version of [undefined, '2025-03-26', '2025-06-18', '2025-11-25']) {
    assert.equal(await ask401(version), '200 none')
  }
  for (const version of ['1999-01-01', '2024-11-05', 'x', ''])
    assert.equal(await ask401(version), '400 -32022')
})

test('G10, G12, G14: server/discover says what there is, and for how long', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: { listTtlSeconds: 60, title: 'Notes' } })
  assert.deepEqual(resultOf(await ask(port, modern(token(), 'server/discover'))), {
    supportedVersions: [modernVersion, '2025-11-25', '2025-06-18', '2025-03-26'],
    capabilities: { tools: { listChanged: false } },
    instructions: 'Be brief.',
    ttlMs: 60_000,
    cacheScope: 'public',
    resultType: 'complete',
    _meta: { [serverInfoKey]: { name: 'notes', title: 'Notes', version: '1.2.3' } },
  })
  assert.equal((await ask(port, modern('nonsense', 'server/discover'))).status, 401)
})

test('E9, E11, E21, G14: the list shows what a call would not hide, as private, with its time', async (t) => {
  const { port, token } = await startTestServer(t)
  const list = async (claims: Json): Promise<Json> =>
    resultOf(await ask(port, modern(token(claims), 'tools/list')))
  const ours = await list({})
  assert.deepEqual(namesOf(ours), shownTools)
  assert.equal(ours['ttlMs'], 300_000)
  assert.equal(ours['cacheScope'], 'private')
  assert.equal(ours['resultType'], 'complete')
  assert.deepEqual(member(ours, '_meta'), { [serverInfoKey]: serverInfo })
  const [echo] = ours['tools'] as Json[] // namesOf has found it to be a list.
  assert.deepEqual(Object.keys(echo ?? {}), ['name', 'description', 'inputSchema'])

  assert.deepEqual(namesOf(await list({ roles: ['staff'] })), [...shownTools, 'secret_for_staff'])
})

test('E10: the same caller gets the same bytes on every connection', async (t) => {
  const { port, token } = await startTestServer(t)
  const bearer = token()
  const bodies = new Set<string>()
  for (let round = 0; round < 3; round += 1) {
    bodies.add((await ask(port, modern(bearer, 'tools/list'))).body)
    await ask(port, modern(token({ sub: 'bob', roles: ['staff'] }), 'tools/list'))
  }
  assert.equal(bodies.size, 1)
})

test('a list that is the same for all may be kept by shared caches', async (t) => {
  const { port, token } = await startTestServer(t, { endpoint: { sameListForAll: true } })
  assert.equal(resultOf(await ask(port, modern(token(), 'tools/list')))['cacheScope'], 'public')
})

test('the legacy list has no fields of the modern era', async (t) => {
  const { port, token } = await startTestServer(t)
  const result = resultOf(await ask(port, legacy(token(), 'tools/list', {})))
  assert.deepEqual(Object.keys(result), ['tools'])
  assert.deepEqual(namesOf(result), shownTools)
})

test('G27: there is one page, so every cursor is unknown, in both eras', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const cursor of ['', 'abc', 1, null]) {
    assert.equal(errorCode(await ask(port, legacy(token(), 'tools/list', { cursor }))), -32602)
    assert.equal(errorCode(await ask(port, modern(token(), 'tools/list', { cursor }))), -32602)
  }
})

test('a call has its result; the modern one says that it is complete and by whom', async (t) => {
  const { port, token } = await startTestServer(t)
  const params = { name: 'echo', arguments: { text: 'hé"\n' } }
  const content = [{ type: 'text', text: 'hé"\n' }]
  assert.deepEqual(resultOf(await ask(port, legacy(token(), 'tools/call', params))), { content })
  assert.deepEqual(resultOf(await ask(port, modern(token(), 'tools/call', params))), {
    content,
    resultType: 'complete',
    _meta: { [serverInfoKey]: serverInfo },
  })
})

test('G9: methods that are unknown or gone are 404 in the modern era, and an error inside 200 in the legacy', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const method of ['nosuch/method', 'logging/setLevel', 'resources/list', 'prompts/list', '__proto__']) {
    assert.equal(await statusAndCode(port, legacy(token(), method)), '200 -32601')
    assert.equal(await statusAndCode(port, modern(token(), method)), '404 -32601')
  }
  for (const method of ['initialize', 'ping', 'resources/subscribe', 'resources/unsubscribe']) {
    assert.equal(await statusAndCode(port, modern(token(), method)), '404 -32601')
  }
  assert.equal(await statusAndCode(port, legacy(token(), 'server/discover')), '200 -32601')
})

test('G13: every refusal in the modern era has a code that JSON-RPC or MCP defines, or that neither reserves', async (t) => {
  const { port, token } = await startTestServer(t, {
    tools: [toolOf('broken', () => Promise.reject(new Error('no')))],
    resourceServer: { callerLimit: { count: 1, perSeconds: 3600 } },
  })
  let callers = 0
  const fresh = (): string => token({ sub: `caller ${(callers += 1)}` })
  const headers = { 'MCP-Protocol-Version': modernVersion, 'Mcp-Method': 'tools/list' }
  const call = (name: string): RawRequest => modern(fresh(), 'tools/call', { name, arguments: {} })
  const spent = token()
  assert.equal(await statusAndCode(port, modern(spent, 'tools/list')), '200 none')
  for (const [request, expected] of [
    [post(fresh(), '{', headers), '400 -32700'],
    [post(fresh(), '{}', headers), '400 -32600'],
    [post(fresh(), '[]', headers), '400 -32600'],
    [legacy(fresh(), 'tools/list', {}, headers), '400 -32602'],
    [modern(fresh(), 'tools/list', { cursor: 'a' }), '200 -32602'],
    [call('nosuch'), '200 -32602'],
    [call('secret_for_staff'), '200 -32602'],
    [modern(fresh(), 'nosuch/method'), '404 -32601'],
    [call('broken'), '200 -32603'],
    [modern(fresh(), 'tools/list', {}, { 'Mcp-Method': 'ping' }), '400 -32020'],
    [legacy(fresh(), 'tools/list', {}, { ...headers, 'MCP-Protocol-Version': '2099-01-01' }), '400 -32022'],
    [modern(fresh(), 'tools/list', {}, { 'Content-Type': 'text/plain' }), '415 -32600'],
    [call('write_note'), '403 none'],
    [call('staff_only'), '200 403'],
    [modern(spent, 'tools/list'), '429 429'],
  ] as const) {
    assert.equal(await statusAndCode(port, request), expected, String(request.body))
  }
})

test('G19, G39: notifications and responses are accepted without a word', async (t) => {
  const { port, token } = await startTestServer(t)
  const bearer = token()
  const accepted = async (message: Json, headers = {}): Promise<void> => {
    const answer = await ask(port, post(bearer, JSON.stringify({ jsonrpc: '2.0', ...message }), headers))
    assert.equal(answer.status, 202)
    assert.equal(answer.body, '')
    assert.equal(answer.headers['content-length'], '0')
  }
  await accepted({ method: 'notifications/initialized' })
  await accepted({ method: 'notifications/nosuch', params: {} })
  await accepted({ method: 'tools/call', params: { name: 'echo', arguments: { text: 'a' } } })
  await accepted({ id: 1, result: {} })
  await accepted({ id: 'a', error: { code: -1, message: 'no' } })
  const method = 'notifications/cancelled'
  const headers = { 'MCP-Protocol-Version': modernVersion, 'Mcp-Method': method }
  await accepted({ method, params: enveloped({ requestId: 1 }) }, headers)
})

test('G2, G3, G6, G7: modern headers and envelope must be there and agree with the message', async (t) => {
  const { port, token } = await startTestServer(t)
  const right = modern(token(), 'tools/call', { name: 'echo', arguments: { text: 'a' } })
  const withHeaders = (headers: Readonly<Record<string, string | undefined>>) =>
    statusAndCode(port, { ...right, headers: { ...right.headers, ...headers } })
  assert.equal(await withHeaders({}), '200 none')
  assert.equal(await withHeaders({ 'Mcp-Name': '  echo  ' }), '200 none')
  assert.equal(await withHeaders({ 'Mcp-Name': '=?base64?ZWNobw==?=' }), '200 none')
  for (const wrong of [
    { 'MCP-Protocol-Version': undefined },
    { 'MCP-Protocol-Version': '2025-11-25' },
    { 'Mcp-Method': undefined },
    { 'Mcp-Method': 'tools/list' },
    { 'Mcp-Method': 'TOOLS/CALL' },
    { 'Mcp-Name': undefined },
    { 'Mcp-Name': 'Echo' },
    { 'Mcp-Name': '=?base64?ZWNobw?=' },
  ]) {
    assert.equal(await withHeaders(wrong), '400 -32020', JSON.stringify(wrong))
  }
  const bare = legacy(
    token(),
    'tools/list',
    {},
    { 'MCP-Protocol-Version': modernVersion, 'Mcp-Method': 'tools/list' },
  )
  assert.equal(await statusAndCode(port, bare), '400 -32602')
})

test('G1, G25, G41: both eras interleave on one address and one connection, and mint no session', async (t) => {
  const { port, token } = await startTestServer(t)
  const connection = await openConnection(port)
  const call = { name: 'echo', arguments: { text: 'a' } }
  const stale = { 'Mcp-Session-Id': 'abc', 'Last-Event-ID': '4' }
  for (const [request, isModern] of [
    [legacy(token(), 'tools/call', call), false],
    [modern(token(), 'tools/call', call, stale), true],
    [legacy(token(), 'initialize', { protocolVersion: '2025-06-18' }, stale), false],
    [modern(token(), 'tools/list', {}), true],
    [
      legacy(token(), 'tools/list', {}, { 'MCP-Protocol-Version': '2025-11-25', 'Mcp-Method': 'tools/list' }),
      false,
    ],
  ] as const) {
    connection.send(formatRequest(port, request))
    const answer = await connection.answer()
    assert.equal('resultType' in resultOf(answer), isModern)
    assert.equal(answer.headers['mcp-session-id'], undefined)
    assert.equal(jsonOf(answer)['jsonrpc'], '2.0')
  }
  connection.destroy()
})
