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
import { ask, formatRequest, openConnection } from './raw-http.ts'
import { echo, startTestServer, toolOf } from './test-server.ts'

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

for (const [name, params] of [
  ['a missing argument', { name: 'echo', arguments: {} }],
  ['no arguments', { name: 'echo' }],
  ['an argument of another type', { name: 'echo', arguments: { text: 1 } }],
  ['an unknown argument', { name: 'echo', arguments: { text: 'a', colour: 'red' } }],
  ['arguments that are a list', { name: 'echo', arguments: ['a'] }],
  ['arguments that are null', { name: 'echo', arguments: null }],
] as const) {
  test(`G63: ${name} is a result that the model can mend, in both eras`, async (t) => {
    const { port, token } = await startTestServer(t)
    for (const form of [legacy, modern]) {
      const result = resultOf(await ask(port, form(token(), 'tools/call', params)))
      assert.equal(result['isError'], true)
      assert.match(JSON.stringify(result['content']), /invalid_arguments: arguments/)
    }
  })
}

test('a message about wrong arguments stays short, however long the names in them', async (t) => {
  const { port, token } = await startTestServer(t)
  const params = { name: 'echo', arguments: { text: 'a', ['k'.repeat(1_000_000)]: 1 } }
  const answer = await ask(port, legacy(token(), 'tools/call', params))
  assert.equal(resultOf(answer)['isError'], true)
  assert.ok(answer.body.length < 2000, `${answer.body.length} characters`)
})

test('E21, G63: unknown, hidden and unnamed tools look the same', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const form of [legacy, modern]) {
    const texts = []
    for (const name of ['nosuchtool', 'secret_for_staff', 'nobody_knows', 'absent']) {
      const answer = await ask(port, form(token(), 'tools/call', { name, arguments: {} }))
      assert.equal(errorCode(answer), -32602)
      assert.equal(answer.status, 200)
      texts.push(answer.body.replace(name, 'NAME'))
    }
    assert.equal(new Set(texts).size, 1, texts.join('\n'))
  }
})

test('E4, E5: a call without its scope is a 403 at HTTP level in both eras, with every scope', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const form of [legacy, modern]) {
    const answer = await ask(port, form(token(), 'tools/call', { name: 'write_note', arguments: {} }))
    assert.equal(answer.status, 403)
    assert.match(
      answer.headers['www-authenticate'] ?? '',
      /error="insufficient_scope".* scope="notes:read notes:write"/,
    )
    const able = token({ scope: 'notes:write notes:read' })
    assert.equal(
      (await ask(port, form(able, 'tools/call', { name: 'write_note', arguments: {} }))).status,
      200,
    )
  }
})

test('CR8: what no scope can mend is an error inside a 200', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const form of [legacy, modern]) {
    const call = (claims: Json) =>
      ask(port, form(token(claims), 'tools/call', { name: 'staff_only', arguments: {} }))
    const refused = await call({})
    assert.equal(refused.status, 200)
    assert.equal(errorCode(refused), 403)
    resultOf(await call({ roles: ['staff'] }))
  }
})

test('G9: methods that are unknown or gone are 404 in the modern era, and an error inside 200 in the legacy', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const method of ['nosuch/method', 'logging/setLevel', 'resources/list', 'prompts/list', '__proto__']) {
    assert.equal(await statusAndCode(port, legacy(token(), method)), '200 -32601')
    assert.equal(await statusAndCode(port, modern(token(), method)), '404 -32601')
  }
  for (const method of ['initialize', 'ping']) {
    assert.equal(await statusAndCode(port, modern(token(), method)), '404 -32601')
  }
  assert.equal(await statusAndCode(port, legacy(token(), 'server/discover')), '200 -32601')
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

test('E1: a call sent as a notification does not run', async (t) => {
  let calls = 0
  const counted = { ...echo, name: 'counted', call: () => ((calls += 1), { content: [] }) }
  const { port, token } = await startTestServer(t, { tools: [counted] })
  const params = { name: 'counted', arguments: { text: 'a' } }
  const notification = JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params })
  assert.equal((await ask(port, post(token(), notification))).status, 202)
  assert.equal(calls, 0)
  assert.equal((await ask(port, legacy(token(), 'tools/call', params))).status, 200)
  assert.equal(calls, 1)
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

test('E14, E16: batches are taken without a version and with 2025-03-26; never with initialize', async (t) => {
  const { port, token } = await startTestServer(t)
  const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' })
  const call = (id: number, name: string) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: {} },
  })
  const batch = (messages: readonly unknown[], version?: string) =>
    ask(port, post(token(), JSON.stringify(messages), { 'MCP-Protocol-Version': version }))

  for (const version of [undefined, '2025-03-26']) {
    const answer = await batch(
      [ping(1), { jsonrpc: '2.0', method: 'notifications/x' }, call(2, 'nosuch')],
      version,
    )
    assert.equal(answer.status, 200)
    const answers: unknown = JSON.parse(answer.body)
    assert.ok(Array.isArray(answers))
    assert.deepEqual(
      answers.map((each: Json) => [each['id'], 'result' in each]),
      [
        [1, true],
        [2, false],
      ],
    )
  }
  assert.equal((await batch([{ jsonrpc: '2.0', method: 'notifications/x' }])).status, 202)
  for (const version of ['2025-06-18', '2025-11-25', modernVersion]) {
    assert.equal((await batch([ping(1)], version)).status, 400, version)
  }
  assert.equal((await batch([])).status, 400)
  assert.equal(
    (await batch([ping(1), { jsonrpc: '2.0', id: 2, method: 'initialize', params: {} }])).status,
    400,
  )
  assert.equal(
    (await batch([{ jsonrpc: '2.0', id: 2, method: 'tools/list', params: enveloped() }])).status,
    400,
  )
  assert.equal((await batch(Array.from({ length: 100 }, (_, id) => ping(id)))).status, 200)
  assert.equal((await batch(Array.from({ length: 101 }, (_, id) => ping(id)))).status, 400)
})

test('E15: a batch with a call that lacks a scope runs nothing; the challenge has the scopes of all', async (t) => {
  let calls = 0
  const count = toolOf('count', () => ((calls += 1), { content: [] }))
  const { port, token } = await startTestServer(t, { tools: [count] })
  const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } })
  const both = JSON.stringify([call(1, 'count'), call(2, 'write_note'), call(3, 'move_note')])
  const denied = await ask(port, post(token(), both))
  assert.equal(denied.status, 403)
  assert.match(denied.headers['www-authenticate'] ?? '', /scope="notes:read notes:write notes:move"/)
  assert.equal(calls, 0)
  const held = token({ scope: 'notes:read notes:write notes:move' })
  assert.equal((await ask(port, post(held, both))).status, 200)
  assert.equal(calls, 1)
})

test('E15, E21: within a batch, a refused or hidden call has its error in place and does not run', async (t) => {
  const { port, token, records } = await startTestServer(t)
  const call = (id: number, name: string) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: { text: 'a' } },
  })
  const names = ['staff_only', 'echo', 'secret_for_staff', 'nobody_knows', 'nosuch']
  const body = JSON.stringify(names.map((name, id) => call(id, name)))
  const ends = async (roles: readonly string[]): Promise<readonly unknown[]> => {
    const answers: unknown = JSON.parse((await ask(port, post(token({ roles }), body))).body)
    assert.ok(Array.isArray(answers))
    return answers.map((answer: Json) => ('result' in answer ? 'result' : member(answer, 'error')['code']))
  }
  assert.deepEqual(await ends([]), [403, 'result', -32602, -32602, -32602])
  assert.deepEqual(await ends(['staff']), ['result', 'result', 'result', -32602, -32602])
  assert.equal(records().length, 4)
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
