import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { enveloped, modernVersion, post, type Json } from './messages.ts'
import { formatRequest, openConnection } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'
import { rounds } from '../../../test/rounds.ts'

const method = fc.constantFrom(
  'ping',
  'initialize',
  'tools/list',
  'tools/call',
  'server/discover',
  'nosuch',
  '',
)
const anything = fc.jsonValue({ maxDepth: 3 })
const params = fc.oneof(
  anything,
  fc.record({ name: fc.oneof(fc.constantFrom('echo', 'any', '__proto__'), anything), arguments: anything }),
  fc.record({ cursor: anything, protocolVersion: anything }),
)

/** Messages that are nearly right: this is where the parts that come after the parser are reached. */
const message = fc.record(
  {
    jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, anything),
    id: fc.oneof(fc.integer(), fc.string(), anything),
    method: fc.oneof({ weight: 9, arbitrary: method }, anything),
    params: fc.oneof(
      params,
      // An object may be given an envelope; what is none is sent as it is.
      params.map((value) => (typeof value === 'object' && value !== null ? enveloped(value as Json) : value)),
    ),
  },
  { requiredKeys: [] },
)

const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
  fc
    .oneof(message, fc.array(message, { maxLength: 4 }), anything)
    .map((value) => Buffer.from(JSON.stringify(value))),
)

const headers = fc.record(
  {
    'MCP-Protocol-Version': fc.constantFrom(modernVersion, '2025-11-25', '2025-03-26', 'x'),
    'Mcp-Method': method,
    'Mcp-Name': fc.constantFrom('echo', '=?base64?ZWNobw==?=', '=?base64??='),
  },
  { requiredKeys: [] },
)

for (const target of ['/mcp', '/tools/call']) {
  test(`${target}: whatever the body, there is an answer in JSON, and it is no 5xx`, async (t) => {
    const any = toolOf('any', (args: unknown) => ({
      content: [{ type: 'text', text: JSON.stringify(args) }],
    }))
    const { port, token, failures } = await startTestServer(t, { tools: [any] })
    const bearer = token()
    const connection = await openConnection(port)
    await fc.assert(
      fc.asyncProperty(body, headers, async (bytes, extra) => {
        connection.send(formatRequest(port, { ...post(bearer, '', extra), target, body: bytes }))
        const answer = await connection.answer()
        assert.ok(answer.status >= 200 && answer.status < 500, `${answer.status} ${answer.body}`)
        if (answer.body !== '') JSON.parse(answer.body)
        else assert.ok(answer.status === 202 || answer.status === 403, String(answer.status))
      }),
      rounds(1500),
    )
    connection.send(formatRequest(port, post(bearer, '{"jsonrpc":"2.0","id":1,"method":"ping"}')))
    assert.equal((await connection.answer()).status, 200)
    connection.destroy()
    assert.deepEqual(failures, [])
  })
}
