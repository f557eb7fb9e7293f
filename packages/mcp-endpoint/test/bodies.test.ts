import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode, jsonOf, legacy, member, post, resultOf, statusAndCode } from './messages.ts'
import { ask, formatRequest, openConnection, type RawRequest } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'

const limit = 4096
const small = { mount: { maxBodyBytes: limit } }

/** A ping of exactly so many bytes. */
function pingOf(bytes: number): string {
  const text = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'ping' })
  return text + ' '.repeat(bytes - text.length)
}

function chunked(token: string, body: string, chunkSize: number): RawRequest {
  let text = ''
  for (let from = 0; from < body.length; from += chunkSize) {
    const chunk = body.slice(from, from + chunkSize)
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`
  }
  return post(token, `${text}0\r\n\r\n`, { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' })
}

test('J7: a body may have exactly the limit, and not one byte more; declared or chunked', async (t) => {
  const { port, token } = await startTestServer(t, small)
  assert.equal(await statusAndCode(port, post(token(), pingOf(limit))), '200 none')
  assert.equal(await statusAndCode(port, post(token(), pingOf(limit + 1))), '413 -32600')
  for (const chunkSize of [1, 100, limit, limit + 1]) {
    assert.equal(await statusAndCode(port, chunked(token(), pingOf(limit), chunkSize)), '200 none')
    assert.equal(await statusAndCode(port, chunked(token(), pingOf(limit + 1), chunkSize)), '413 -32600')
  }
})

test('J7: the default limit is 4 MiB', async (t) => {
  const { port, token } = await startTestServer(t)
  const fourMiB = 4 * 1024 * 1024
  assert.equal((await ask(port, post(token(), pingOf(fourMiB)))).status, 200)
  assert.equal((await ask(port, post(token(), pingOf(fourMiB + 1)))).status, 413)
})

test('a 413 comes before the body has arrived, and the connection still serves who sends the rest', async (t) => {
  const { port, token } = await startTestServer(t, small)
  const connection = await openConnection(port)
  const request = formatRequest(port, post(token(), pingOf(limit * 100)))
  connection.send(request.subarray(0, request.length - limit * 50))
  assert.equal((await connection.answer()).status, 413)
  connection.send(request.subarray(request.length - limit * 50))
  connection.send(formatRequest(port, legacy(token(), 'ping')))
  assert.equal((await connection.answer()).status, 200)
  connection.destroy()
})

for (const [name, framing] of [
  ['declared', {}],
  ['chunked', { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' }],
] as const) {
  test(`B21: a refused upload (${name}) of many megabytes gets its answer and is not kept`, async (t) => {
    const { port, token, records } = await startTestServer(t)
    const size = 16 * 1024 * 1024
    const body =
      name === 'declared'
        ? Buffer.alloc(size, ' ')
        : `${size.toString(16)}\r\n${' '.repeat(size)}\r\n0\r\n\r\n`
    for (const [status, headers] of [
      [401, framing],
      [401, { ...framing, Authorization: 'Bearer nonsense' }],
      [415, { ...framing, Authorization: `Bearer ${token()}`, 'Content-Type': 'text/plain' }],
      [404, { ...framing }],
    ] as const) {
      const target = status === 404 ? '/nothing' : '/mcp'
      assert.equal((await ask(port, { method: 'POST', target, headers, body })).status, status)
    }
    assert.equal(records().length, 3)
  })
}

test('a fetch that uploads much with no token is told 401, not that the connection was reset', async (t) => {
  const { port } = await startTestServer(t)
  for (let round = 0; round < 5; round += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      body: Buffer.alloc(8_000_000),
    })
    assert.equal(response.status, 401)
    await response.arrayBuffer()
  }
})

test('J8: a body that comes a byte at a time ends with the time for a request', async (t) => {
  const { port, token, records } = await startTestServer(t, {
    http: { headersTimeoutSeconds: 0.2, requestTimeoutSeconds: 0.3 },
  })
  const connection = await openConnection(port)
  const body = pingOf(1000)
  connection.send(formatRequest(port, post(token(), body)).subarray(0, -body.length))
  const trickle = setInterval(() => connection.send(' '), 50)
  await connection.closed
  clearInterval(trickle)
  const [record] = records()
  assert.equal(record?.['code'], 'body_incomplete')
})

test('J8: an upload that goes on after its refusal ends with the time for a request', async (t) => {
  const { port } = await startTestServer(t, {
    http: { headersTimeoutSeconds: 0.2, requestTimeoutSeconds: 0.3 },
  })
  const connection = await openConnection(port)
  connection.send(formatRequest(port, { method: 'POST', headers: { 'Content-Length': '1000000' } }))
  assert.equal((await connection.answer()).status, 401)
  const trickle = setInterval(() => connection.send(' '), 50)
  await connection.closed
  clearInterval(trickle)
})

test('J8: headers that come a byte at a time end with the time for headers', async (t) => {
  const { port } = await startTestServer(t, {
    http: { headersTimeoutSeconds: 0.2, requestTimeoutSeconds: 0.3 },
  })
  const connections = await Promise.all([openConnection(port), openConnection(port)])
  const [slow, silent] = connections
  slow?.send('POST /mcp HTTP/1.1\r\nX-Slow: ')
  const trickle = setInterval(() => slow?.send('a'), 50)
  await Promise.all([slow?.closed, silent?.closed])
  clearInterval(trickle)
})

test('half a body and then nothing more is recorded, and the server serves on', async (t) => {
  const { port, token, records, recorded } = await startTestServer(t)
  const connection = await openConnection(port)
  const body = pingOf(1000)
  connection.send(formatRequest(port, post(token(), body)).subarray(0, -500))
  // The guard must be waiting for the body before the connection ends.
  assert.equal((await ask(port, legacy(token(), 'ping'))).status, 200)
  connection.destroy()
  await recorded(3)
  assert.deepEqual(
    records().map(({ outcome, code }) => outcome ?? code),
    ['allow', undefined, 'deny'],
  )
  assert.equal(records()[2]?.['code'], 'body_incomplete')
  assert.equal((await ask(port, legacy(token(), 'ping'))).status, 200)
})

test('J9: JSON nested 100,000 deep is refused, as object and as list', async (t) => {
  const { port, token } = await startTestServer(t)
  const deep = 100_000
  for (const body of [
    '['.repeat(deep) + ']'.repeat(deep),
    `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
    `{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":${'['.repeat(deep)}${']'.repeat(deep)}}}`,
    '['.repeat(deep),
  ]) {
    assert.equal(await statusAndCode(port, post(token(), body)), '400 -32700')
  }
})

test('J9: a member named __proto__ is a member, and changes nothing', async (t) => {
  let seen: unknown
  const look = toolOf('look', (args: unknown) => {
    seen = args
    return { content: [] }
  })
  const { port, token } = await startTestServer(t, { tools: [look] })
  const evil = '{"polluted":true,"name":"write_note","arguments":{}}'
  const body = `{"jsonrpc":"2.0","id":7,"method":"tools/call","__proto__":${evil},"params":{"name":"look","arguments":{"__proto__":${evil}},"__proto__":${evil}}}`
  assert.equal((await ask(port, post(token(), body))).status, 200)
  assert.deepEqual(Object.keys(seen as object), ['__proto__'])
  assert.equal(Object.getPrototypeOf(seen), Object.prototype)
  assert.equal('polluted' in {}, false)

  const nameless = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"__proto__":${evil}}}`
  assert.equal(errorCode(await ask(port, post(token(), nameless))), -32602)
  const strict = legacy(token(), 'tools/call', {
    name: 'echo',
    arguments: JSON.parse(`{"text":"a","__proto__":1}`),
  })
  assert.equal(resultOf(await ask(port, strict))['isError'], true)
})

for (const [id, expected] of [
  ['"a"', 200],
  ['""', 200],
  ['0', 200],
  ['-1', 200],
  ['9007199254740991', 200],
  ['null', 400],
  ['1.5', 400],
  ['9007199254740993', 400],
  ['1e400', 400],
  ['true', 400],
  ['[]', 400],
  ['{}', 400],
] as const) {
  test(`JSON-RPC: the id ${id} is ${expected === 200 ? 'echoed' : 'refused'}`, async (t) => {
    const { port, token } = await startTestServer(t)
    const answer = await ask(port, post(token(), `{"jsonrpc":"2.0","id":${id},"method":"ping"}`))
    assert.equal(answer.status, expected)
    assert.equal(jsonOf(answer)['id'], expected === 200 ? JSON.parse(id) : null)
  })
}

test('an id of a hundred thousand characters and of every kind comes back as it was', async (t) => {
  const { port, token } = await startTestServer(t)
  const id = 'é"\\\u2028\u0000😀'.repeat(10_000)
  const answer = await ask(port, post(token(), JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' })))
  assert.equal(jsonOf(answer)['id'], id)
})

for (const [type, expected] of [
  ['application/json', 200],
  ['application/json; charset=utf-8', 200],
  ['Application/JSON;charset=utf-8', 200],
  [undefined, 415],
  ['', 415],
  ['text/plain', 415],
  ['application/x-www-form-urlencoded', 415],
  ['application/jsonx', 415],
  ['application/json-rpc', 415],
  ['multipart/form-data; boundary=application/json', 415],
] as const) {
  test(`G24: the content type ${type} is ${expected === 200 ? 'read' : 'refused'}`, async (t) => {
    const { port, token } = await startTestServer(t)
    const answer = await ask(port, legacy(token(), 'ping', undefined, { 'Content-Type': type }))
    assert.equal(answer.status, expected)
  })
}

test('B3: a form with a token in it is no login', async (t) => {
  const { port, token } = await startTestServer(t)
  const body = `access_token=${token()}`
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  assert.equal((await ask(port, { method: 'POST', headers, body })).status, 401)
  assert.equal((await ask(port, post(token(), body, headers))).status, 415)
})

test('a body that is not UTF-8, not JSON or empty is refused without a word of it in the answer', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const body of ['', '\u0000', '{"jsonrpc"', "{'a':1}", 'canary', Buffer.from([0x22, 0xff, 0x22])]) {
    const request = { ...post(token(), ''), body }
    const answer = await ask(port, {
      ...request,
      headers: { ...request.headers, 'Content-Length': String(Buffer.byteLength(body)) },
    })
    assert.equal(answer.status, 400)
    assert.equal(member(jsonOf(answer), 'error')['code'], -32700)
    assert.doesNotMatch(answer.body, /canary|position|Unexpected|at /)
  }
})
