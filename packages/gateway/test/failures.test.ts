/** H26, H28, H32: whatever an upstream does, a client gets one of a few sentences and nothing of the upstream's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorCode, jsonOf, legacy, modern, resultOf } from '../../mcp-endpoint/test/messages.ts'
import { ask, openConnection, formatRequest } from '../../mcp-endpoint/test/raw-http.ts'
import { saidIn, startGateway } from './gateway-server.ts'
import { startOddServer } from './odd-http-server.ts'

const unreadable = /cannot be read/
const tooLarge = /is too large/
const notAdmitted = /does not let the gateway in/

const httpFailures: readonly (readonly [tool: string, status: number, code: number, text: RegExp])[] = [
  ['reset', 502, -32603, /ended before it had answered/],
  ['half-head', 502, -32603, /ended before it had answered|cannot be reached/],
  ['half-body', 502, -32603, /ended before it had answered/],
  ['status-500', 502, -32603, unreadable],
  ['status-401', 502, -32603, notAdmitted],
  ['status-403', 502, -32603, notAdmitted],
  ['status-404', 502, -32603, /cannot be read|has forgotten its session/],
  ['status-429', 429, 429, /too much to do/],
  ['redirect', 502, -32603, unreadable],
  ['html', 502, -32603, unreadable],
  ['not-json', 502, -32603, unreadable],
  ['other-id', 502, -32603, unreadable],
  ['no-result', 502, -32603, unreadable],
  ['deep-json', 502, -32603, unreadable],
  ['member-twice', 502, -32603, unreadable],
  ['encoded', 502, -32603, unreadable],
  ['fifty-megabytes', 502, -32603, tooLarge],
  ['endless-event', 502, -32603, tooLarge],
  ['garbage-events', 502, -32603, unreadable],
  ['bytes-for-events', 502, -32603, unreadable],
  ['no-answer-in-events', 502, -32603, /ended before it had answered/],
  ['hang', 504, -32603, /took too long/],
]

for (const era of ['modern', 'legacy'] as const) {
  test(`H26, H28: each way in which an HTTP server of the ${era} era fails has its status and sentence`, async (t) => {
    const server = await startOddServer(era)
    t.after(server.close)
    const gateway = await startGateway(t, { url: server.url })
    const hurried = await startGateway(t, { url: server.url, callTimeoutSeconds: 1 })
    for (const [tool, status, code, text] of httpFailures) {
      for (const client of ['modern', 'legacy'] as const) {
        const asked = tool === 'hang' ? hurried : gateway
        const answer = await asked.call(tool, {}, { era: client })
        // In the era of 2025 only what has failed behind the gateway has a status of its own.
        const expected = client === 'legacy' && status < 500 ? 200 : status
        assert.equal(answer.status, expected, `${tool}: ${answer.body}`)
        assert.equal(errorCode(answer), code, tool)
        assert.match(answer.body, text, tool)
        assert.doesNotMatch(JSON.stringify(answer), /hunter2|internal\.example|html|127\.0\.0\.1/i, tool)
        assert.equal(answer.headers['www-authenticate'], undefined)
        assert.equal(answer.headers['location'], undefined)
      }
    }
    // The same gateway answers on, and the operator has been told each time.
    assert.equal((await gateway.call('echo')).status, 200)
    const told = [...gateway.events, ...hurried.events].filter(({ kind }) => kind === 'failed')
    assert.equal(told.length, 2 * httpFailures.length)
  })
}

test('H25: what a server may write in other ways is read, and cannot break a line: white space, line ends, pieces', async (t) => {
  const server = await startOddServer()
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const pretty = await gateway.call('pretty-json')
  assert.equal(saidIn(pretty), 'pretty')
  assert.ok(!/[\r\n]/.test(pretty.body))
  assert.equal(saidIn(await gateway.call('other-line-ends')), 'events')
})

test('H26: a server that is not there is a 502, and its documents are still served', async (t) => {
  const server = await startOddServer()
  const gateway = await startGateway(t, { url: server.url }, { sessions: {} })
  await server.close()
  const answer = await gateway.call('echo')
  assert.equal(answer.status, 502)
  assert.match(answer.body, /cannot be reached/)
  assert.doesNotMatch(answer.body, /ECONNREFUSED|127\.0\.0\.1/)
  for (const method of ['server/discover', 'tools/list']) {
    assert.equal((await ask(gateway.port, modern(gateway.token(), method))).status, 502)
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {} }
  const begun = await ask(gateway.port, legacy(gateway.token(), 'initialize', params))
  assert.equal(begun.status, 502)
  // A session that could not begin is none.
  const id = begun.headers['mcp-session-id'] ?? ''
  const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '2025-11-25' }
  assert.equal((await ask(gateway.port, legacy(gateway.token(), 'ping', {}, headers))).status, 404)
  const target = '/.well-known/oauth-protected-resource/mcp'
  assert.equal(jsonOf(await ask(gateway.port, { target }))['resource'], 'https://gateway.example/mcp')
  assert.equal((await ask(gateway.port, {})).status, 401)
})

const program = fileURLToPath(new URL('programs/odd-server.ts', import.meta.url))

test('H26, H32: each way in which a process goes wrong has its status and sentence', async (t) => {
  const command = [process.execPath, program]
  const gateway = await startGateway(t, { command, maxMessageBytes: 65_536 })
  const hurried = await startGateway(t, { command, callTimeoutSeconds: 1 })
  for (const [tool, status, text] of [
    ['hang', 504, /took too long/],
    ['wrong', 502, unreadable],
    ['big', 502, tooLarge],
    ['die', 502, /ended before/],
  ] as const) {
    const answer = await (tool === 'hang' ? hurried : gateway).call(tool, { bytes: 5_000_000 })
    assert.equal(answer.status, status, `${tool}: ${answer.body}`)
    assert.equal(errorCode(answer), -32603)
    assert.match(answer.body, text)
  }
  assert.equal(saidIn(await gateway.call('garbage')), 'after garbage')
  assert.equal(saidIn(await gateway.call('halves')), 'halves €')
})

test('errors of a server reach a client as far as they are its matter', async (t) => {
  const gateway = await startGateway(t, { command: [process.execPath, program] })
  const inside = await gateway.call('secretive')
  assert.equal(errorCode(inside), -32603)
  assert.doesNotMatch(inside.body, /ENOENT|secret\/|stack/)
  // It says that the operator can find it, so the operator is told.
  const told = gateway.events.find(({ kind }) => kind === 'failed')
  assert.match(JSON.stringify(told), /reported.*-32603: ENOENT: \/srv\/secret\/notes\.db/)
  const wrong = await gateway.call('picky')
  assert.equal(errorCode(wrong), -32602)
  assert.match(wrong.body, /The argument \\"a\\" {1,2}must be a number\./)
  const own = await gateway.call('quota')
  assert.equal(errorCode(own), 1001)
})

test('a number that no double can hold is passed on as it was written', async (t) => {
  const gateway = await startGateway(t, { command: [process.execPath, program] })
  for (const era of ['modern', 'legacy']) {
    const { body } = await gateway.call('twice', {}, { era })
    assert.match(body, /"structuredContent":\{"n":12345678901234567890\}/)
  }
})

test('a call that its client leaves is cancelled at the server, which is asked on', async (t) => {
  const server = await startOddServer('modern')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  await gateway.call('echo')
  const connection = await openConnection(gateway.port)
  const params = { name: 'hang', arguments: {} }
  connection.send(formatRequest(gateway.port, modern(gateway.token(), 'tools/call', params)))
  await server.hanging
  const before = await server.connections()
  connection.destroy()
  for (let tries = 0; (await server.connections()) >= before; tries += 1) {
    assert.ok(tries < 500)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal(saidIn(await gateway.call('echo')) !== undefined, true)

  const other = await startGateway(t, { command: [process.execPath, program], callTimeoutSeconds: 1 })
  await other.call('hang')
  assert.equal(saidIn(await other.call('cancelled')), 1)
})

test('a process that stops reading costs its callers their patience, and the gateway no memory', async (t) => {
  const gateway = await startGateway(t, {
    command: [process.execPath, '-e', 'setInterval(() => undefined, 1000)'],
    startTimeoutSeconds: 1,
  })
  const answer = await gateway.call('anything')
  assert.equal(answer.status, 504)
  assert.match(answer.body, /took too long/)
})

test('a list is answered by nobody but the server, and a failure in it is one of the list', async (t) => {
  const server = await startOddServer('modern')
  t.after(server.close)
  const gateway = await startGateway(t, { url: server.url })
  const answer = await ask(gateway.port, modern(gateway.token(), 'prompts/list'))
  assert.equal(errorCode(answer), -32601)
  assert.equal(
    resultOf(await ask(gateway.port, modern(gateway.token(), 'server/discover')))['resultType'],
    'complete',
  )
})
