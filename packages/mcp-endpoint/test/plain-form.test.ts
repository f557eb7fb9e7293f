import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf } from './messages.ts'
import { ask, type RawRequest } from './raw-http.ts'
import { metadataUrl, startTestServer, toolOf } from './test-server.ts'

function call(token: string | undefined, body: unknown, headers: RawRequest['headers'] = {}): RawRequest {
  return {
    method: 'POST',
    target: '/tools/call',
    headers: {
      Authorization: token === undefined ? undefined : `Bearer ${token}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}

const hello = { name: 'echo', arguments: { text: 'hello' } }

test('GET /tools/list lists what the caller is shown', async (t) => {
  const { port, token } = await startTestServer(t)
  const list = async (roles: readonly string[]): Promise<readonly unknown[]> => {
    const headers = { Authorization: `Bearer ${token({ roles })}` }
    const answer = await ask(port, { target: '/tools/list', headers })
    assert.equal(answer.status, 200)
    const { tools } = jsonOf(answer)
    assert.ok(Array.isArray(tools))
    assert.deepEqual(Object.keys(jsonOf(answer)), ['tools'])
    return tools.map((tool: Readonly<Record<string, unknown>>) => tool['name'])
  }
  assert.deepEqual(await list([]), ['echo', 'write_note', 'move_note', 'staff_only'])
  assert.deepEqual(await list(['staff']), [
    'echo',
    'write_note',
    'move_note',
    'staff_only',
    'secret_for_staff',
  ])
})

test('POST /tools/call answers with the content, and with isError only where the tool failed', async (t) => {
  const sad = toolOf('sad', () => ({ content: [{ type: 'text', text: 'no' }], isError: true }))
  const structured = toolOf('structured', () => ({
    content: [],
    structuredContent: { a: 1 },
    isError: false,
  }))
  const { port, token } = await startTestServer(t, { tools: [sad, structured] })
  const body = async (request: unknown): Promise<unknown> => {
    const answer = await ask(port, call(token(), request))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['cache-control'], 'no-store')
    return jsonOf(answer)
  }
  assert.deepEqual(await body(hello), { content: [{ type: 'text', text: 'hello' }] })
  assert.deepEqual(await body({ name: 'sad' }), { content: [{ type: 'text', text: 'no' }], isError: true })
  assert.deepEqual(await body({ name: 'structured' }), { content: [], structuredContent: { a: 1 } })
  assert.deepEqual(await body({ name: 'echo', arguments: {} }), {
    content: [{ type: 'text', text: "invalid_arguments: arguments must have required property 'text'" }],
    isError: true,
  })
})

test('without a token, and with a bad one, the challenge is the same as for MCP', async (t) => {
  const { port } = await startTestServer(t)
  for (const [token, error, challenge] of [
    [undefined, 'unauthorized', /^Bearer scope="notes:read", resource_metadata="/],
    ['nonsense', 'invalid_token', /^Bearer error="invalid_token", .*resource_metadata="/],
  ] as const) {
    const answer = await ask(port, call(token, hello))
    assert.equal(answer.status, 401)
    assert.equal(jsonOf(answer)['error'], error)
    assert.match(answer.headers['www-authenticate'] ?? '', challenge)
    assert.ok(answer.headers['www-authenticate']?.includes(metadataUrl))
  }
})

test("a missing scope is a 403 with the guide's body", async (t) => {
  const { port, token } = await startTestServer(t)
  const answer = await ask(port, call(token(), { name: 'write_note', arguments: {} }))
  assert.equal(answer.status, 403)
  assert.deepEqual(jsonOf(answer), {
    error: 'insufficient_scope',
    error_description: 'Token missing required scope: notes:write',
    scope: 'notes:read notes:write',
  })
  assert.match(answer.headers['www-authenticate'] ?? '', /scope="notes:read notes:write"/)
  const able = token({ scope: 'notes:read notes:write' })
  assert.equal((await ask(port, call(able, { name: 'write_note' }))).status, 200)
})

test('a rule that no scope can mend is a 403 without a challenge', async (t) => {
  const { port, token } = await startTestServer(t)
  const answer = await ask(port, call(token(), { name: 'staff_only' }))
  assert.equal(answer.status, 403)
  assert.equal(jsonOf(answer)['error'], 'access_denied')
  assert.equal(answer.headers['www-authenticate'], undefined)
})

test('tools that are unknown, hidden or not offered are the same 404', async (t) => {
  const { port, token } = await startTestServer(t)
  const bodies = new Set<string>()
  for (const name of ['nosuch', 'secret_for_staff', 'nobody_knows', 'absent']) {
    const answer = await ask(port, call(token(), { name }))
    assert.equal(answer.status, 404)
    assert.deepEqual(jsonOf(answer), { error: 'unknown_tool', error_description: `Unknown tool: ${name}` })
    bodies.add(answer.body.replace(name, 'NAME'))
  }
  assert.equal(bodies.size, 1)
})

for (const [name, body] of [
  ['not JSON', 'name=echo'],
  ['nothing', ''],
  ['a list', '[]'],
  ['null', 'null'],
  ['a text', '"echo"'],
  ['no name', '{}'],
  ['a name that is no text', '{"name":1}'],
  ['arguments that are a list', '{"name":"echo","arguments":[]}'],
  ['arguments that are null', '{"name":"echo","arguments":null}'],
] as const) {
  test(`a body that is ${name} is a 400`, async (t) => {
    const { port, token } = await startTestServer(t)
    const answer = await ask(port, call(token(), body))
    assert.equal(answer.status, 400)
    assert.equal(jsonOf(answer)['error'], 'invalid_request')
  })
}

test('other methods are 405, other media types 415, too much 413', async (t) => {
  const { port, token } = await startTestServer(t, { mount: { maxBodyBytes: 1024 } })
  const status = async (request: RawRequest): Promise<number> => {
    const answer = await ask(port, request)
    if (answer.body !== '') jsonOf(answer)
    return answer.status
  }
  const authorized = { Authorization: `Bearer ${token()}` }
  assert.equal(await status({ target: '/tools/call', headers: authorized }), 405)
  assert.equal(await status({ method: 'POST', target: '/tools/list', headers: authorized }), 405)
  assert.equal(await status(call(token(), hello, { 'Content-Type': 'text/plain' })), 415)
  assert.equal(await status(call(token(), { ...hello, more: ' '.repeat(1024) })), 413)
})

test('a tool that throws is a 500 that shows nothing of it', async (t) => {
  const bad = toolOf('bad', () => {
    throw new Error('canary /etc/passwd')
  })
  const { port, token } = await startTestServer(t, { tools: [bad] })
  const answer = await ask(port, call(token(), { name: 'bad' }))
  assert.equal(answer.status, 500)
  assert.equal(jsonOf(answer)['error'], 'tool_failed')
  assert.doesNotMatch(answer.body, /canary|passwd/)
})

test('the plain form is not there when it is not wanted', async (t) => {
  const { port, token } = await startTestServer(t, { mount: { plainForm: false } })
  assert.equal((await ask(port, call(token(), hello))).status, 404)
  assert.equal((await ask(port, { target: '/tools/list' })).status, 404)
})

test('beside a resource with a deeper path, the plain form stands in the same folder', async (t) => {
  const deeper = 'https://mcp.example.com/notes/mcp'
  const { port, token } = await startTestServer(t, { resourceServer: { resource: deeper } })
  const request = call(token({ aud: deeper }), hello)
  assert.equal((await ask(port, { ...request, target: '/notes/tools/call' })).status, 200)
  assert.equal((await ask(port, request)).status, 404)
})
