/** H32: an upstream may answer with any bytes: a client gets an answer of MCP, and the gateway goes on. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { parseMessage } from '#internal/rpc-message'
import { rounds } from '../../../test/rounds.ts'
import { jsonOf, modern } from '../../mcp-endpoint/test/messages.ts'
import { ask } from '../../mcp-endpoint/test/raw-http.ts'
import { startGateway } from './gateway-server.ts'

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Uint8Array
}
let next: Answer = { status: 200, type: 'application/json', body: new Uint8Array() }
let calls = 0

/** Answers what the gateway must know in its place, and everything else with the bytes of the moment. */
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    const { id, method } = JSON.parse(body) as { readonly id: unknown; readonly method: string } // The gateway's own.
    if (method === 'server/discover') {
      const result = { supportedVersions: ['2026-07-28'], capabilities: { resources: {} } }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      return
    }
    calls += 1
    const text = Buffer.from(next.body).toString('latin1').replaceAll('ID', JSON.stringify(id))
    response.writeHead(next.status, { 'content-type': next.type }).end(Buffer.from(text, 'latin1'))
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => {
  server.close()
  server.closeAllConnections()
})
// It listens on TCP, so its address is one.
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`

const words = fc.constantFrom(
  '{"jsonrpc":"2.0","id":ID,"result":{"contents":[',
  '{"jsonrpc":"2.0","id":ID,"result":',
  '{"jsonrpc":"2.0","id":ID,"error":{"code":-32602,"message":"x","data":',
  '{"jsonrpc":"2.0","method":"notifications/progress","params":',
  '{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}}',
  '{"uri":"test://a","text":"x"}',
  'data: ',
  'event: message',
  'id: 1',
  '\n',
  '\n\n',
  '\r',
  ']}}',
  '}',
  ',',
  '"\\u0000"',
)
const bodies = fc.oneof(
  fc.array(words, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''))),
  fc.uint8Array({ maxLength: 300 }),
  fc.jsonValue().map((value) => Buffer.from(`{"jsonrpc":"2.0","id":ID,"result":${JSON.stringify(value)}}`)),
)
const answers = fc.record({
  status: fc.constantFrom(200, 200, 200, 202, 400, 404, 500),
  type: fc.constantFrom('application/json', 'text/event-stream', 'text/plain', 'application/json; charset=x'),
  body: bodies,
})

test('H32: whatever bytes an HTTP server answers, its client gets an answer of MCP', async (t) => {
  const gateway = await startGateway(t, { url, callTimeoutSeconds: 5 })
  const bearer = gateway.token()
  await fc.assert(
    fc.asyncProperty(answers, async (answer) => {
      next = answer
      const before = calls
      const { headers, ...answered } = await ask(
        gateway.port,
        modern(bearer, 'resources/read', { uri: 'test://a' }, { 'Mcp-Name': 'test://a' }),
      )
      assert.ok(calls > before)
      const value = jsonOf({ headers, ...answered })
      assert.equal(value['id'], 7)
      assert.equal('result' in value, !('error' in value))
      assert.ok([200, 400, 404, 429, 502, 504].includes(answered.status), String(answered.status))
      assert.ok(!/[\r\n]/.test(answered.body))
    }),
    rounds(150),
  )
})

test('H32: a message is read or it is none, whatever the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
        fc.json(),
        fc.array(words).map((parts) => parts.join('')),
      ),
      (text) => {
        const message = parseMessage(text)
        if (message?.kind === 'result') assert.deepEqual(JSON.parse(message.text), message.result)
      },
    ),
    rounds(300),
  )
})
