import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defer } from './deferred.ts'
import { legacy, modern, post } from './messages.ts'
import { ask, formatRequest, openConnection, type RawRequest } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'

const ping = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'ping' })

test('C25, CR12: headers of 64 KiB are refused with 431; a token of 16,000 bytes is looked at', async (t) => {
  const { port, token } = await startTestServer(t)
  assert.equal((await ask(port, { headers: { 'X-Large': 'a'.repeat(65_536) } })).status, 431)
  const large = token({ padding: 'a'.repeat(11_000) })
  assert.ok(large.length > 14_000 && large.length < 16_384)
  assert.equal((await ask(port, legacy(large, 'ping'))).status, 200)
  assert.equal((await ask(port, legacy(token({ padding: 'a'.repeat(13_000) }), 'ping'))).status, 401)
})

// Every one of these is a request that two readers could cut in two different places.
for (const [name, change] of [
  ['Content-Length and Transfer-Encoding', { 'Transfer-Encoding': 'chunked' }],
  ['two Content-Lengths that differ', { 'Content-Length': ['4', String(ping.length)] }],
  ['two Content-Lengths that agree', { 'Content-Length': [String(ping.length), String(ping.length)] }],
  ['a list of lengths', { 'Content-Length': `${ping.length}, ${ping.length}` }],
  ['a signed length', { 'Content-Length': `+${ping.length}` }],
  ['a hexadecimal length', { 'Content-Length': `0x${ping.length.toString(16)}` }],
  ['a length beyond all numbers', { 'Content-Length': '99999999999999999999999' }],
  ['a space before the colon', { 'Content-Length ': String(ping.length) }],
  ['chunked, but not last', { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked, identity' }],
  ['a folded header', { 'X-Folded': 'a\r\n b' }],
  ['a bare LF in the headers', { 'X-Bare': 'a\nX-Other: b' }],
  ['a bare CR in the headers', { 'X-Bare': 'a\rb' }],
  ['a NUL in a header', { 'X-Nul': 'a\0b' }],
] as const) {
  test(`H25: ${name} is refused, and the connection ends`, async (t) => {
    const { port, token } = await startTestServer(t)
    const connection = await openConnection(port)
    connection.send(formatRequest(port, post(token(), ping, change)))
    connection.send(formatRequest(port, legacy(token(), 'ping')))
    const { status } = await connection.answer()
    assert.equal(status, 400)
    await connection.closed
    await assert.rejects(connection.answer())
  })
}

test('H25: chunks with bare line feeds or a broken size are refused before anything runs', async (t) => {
  let calls = 0
  const count = toolOf('count', () => {
    calls += 1
    return { content: [] }
  })
  const { port, token } = await startTestServer(t, { tools: [count] })
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'count' } })
  const size = Buffer.byteLength(body).toString(16)
  for (const chunks of [
    `${size}\n${body}\n0\n\n`,
    `${size}\r\n${body}\r\n0\n\n`,
    `${size} x\r\n${body}\r\n0\r\n\r\n`,
    `-${size}\r\n${body}\r\n0\r\n\r\n`,
    `${size}\r\n${body}X\r\n0\r\n\r\n`,
    `fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`,
  ]) {
    const framing = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' }
    const connection = await openConnection(port)
    connection.send(formatRequest(port, post(token(), chunks, framing)))
    await connection.closed
  }
  assert.equal(calls, 0)
})

test('HTTP/1.0 is answered and the connection ends; other versions are refused', async (t) => {
  const { port, token } = await startTestServer(t)
  const request = formatRequest(port, legacy(token(), 'ping')).toString('latin1')
  for (const [version, status] of [
    ['1.0', 200],
    ['9.9', 400],
  ] as const) {
    const connection = await openConnection(port)
    connection.send(request.replace('HTTP/1.1', `HTTP/${version}`))
    assert.equal((await connection.answer()).status, status, version)
    await connection.closed
  }
  const preface = await openConnection(port)
  preface.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  await preface.closed
})

test('other shapes of a target are no address of ours', async (t) => {
  const { port } = await startTestServer(t)
  assert.equal((await ask(port, { method: 'OPTIONS', target: '*' })).status, 421)
  assert.equal((await ask(port, { target: 'mcp' })).status, 400)
  const tunnel = await openConnection(port)
  tunnel.send(formatRequest(port, { method: 'CONNECT', target: 'evil.example:443' }))
  await tunnel.closed
})

test('Upgrade is passed over', async (t) => {
  const { port, token } = await startTestServer(t)
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' }
  assert.equal((await ask(port, legacy(token(), 'ping', {}, upgrade))).status, 200)
  assert.equal((await ask(port, { headers: upgrade })).status, 401)
})

test('Expect: 100-continue is told to go on, and any other expectation that it fails', async (t) => {
  const { port, token } = await startTestServer(t)
  const request = formatRequest(port, legacy(token(), 'ping', undefined, { Expect: '100-continue' }))
  const connection = await openConnection(port)
  connection.send(request.subarray(0, -ping.length))
  assert.equal((await connection.answer()).status, 100)
  connection.send(request.subarray(-ping.length))
  assert.equal((await connection.answer()).status, 200)
  connection.destroy()
  assert.equal((await ask(port, legacy(token(), 'ping', {}, { Expect: 'miracles' }))).status, 417)
})

test('pipelined requests are handled one after the other, and answered in their order', async (t) => {
  const released = defer()
  const wait = toolOf('wait', async () => {
    await released.promise
    return { content: [{ type: 'text', text: 'waited' }] }
  })
  const { port, token, recorded } = await startTestServer(t, { tools: [wait] })
  const requests: readonly RawRequest[] = [
    modern(token(), 'tools/call', { name: 'wait', arguments: {} }),
    {},
    legacy(token(), 'ping'),
    { target: '/.well-known/oauth-protected-resource' },
    legacy(token(), 'tools/call', { name: 'echo', arguments: { text: 'last' } }),
  ]
  const connection = await openConnection(port)
  connection.send(Buffer.concat(requests.map((request) => formatRequest(port, request))))
  await recorded(1)
  assert.equal((await ask(port, legacy(token(), 'ping'))).status, 200)
  assert.equal((await recorded(3)).length, 3) // The call's decision, and two of the other connection.
  released.resolve()
  const answers = []
  for (const _ of requests) answers.push(await connection.answer())
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 401, 200, 200, 200],
  )
  assert.match(answers[0]?.body ?? '', /waited/)
  assert.match(answers[4]?.body ?? '', /last/)
  connection.destroy()
})

test('G5: two fields of one MCP header are refused in the modern era', async (t) => {
  const { port, token } = await startTestServer(t)
  const request = modern(token(), 'tools/list')
  assert.equal((await ask(port, request)).status, 200)
  const twice = { ...request.headers, 'Mcp-Method': ['tools/list', 'tools/list'] }
  assert.equal((await ask(port, { ...request, headers: twice })).status, 400)
})
