/** What goes wrong around the end of an answer costs that answer at most, and never the process. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { after, test } from 'node:test'
import { fromTransport } from '@mcp-doorman/resource-server/mcp-sdk'
import { protect as protectNode } from '@mcp-doorman/resource-server/node'
import { protect as protectWeb } from '@mcp-doorman/resource-server/web'
import { listen } from './adapter-servers.ts'
import { callOf, nextOutcome, startGuarded, type Guarded } from './guarded.ts'
import { exchange, open, type Sent } from './http-exchange.ts'
import { serveBehind } from './official-sdk.ts'

const subscription = {
  jsonrpc: '2.0',
  id: 'l',
  method: 'subscriptions/listen',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
    notifications: {},
  },
}
const modern = ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'subscriptions/listen']
const events = { 'content-type': 'text/event-stream' }

function sentTo(
  { issuer }: Guarded,
  body: unknown,
  more: readonly string[] = [],
): Required<Pick<Sent, 'headers' | 'body'>> {
  const headers = ['Authorization', `Bearer ${issuer.sign()}`, 'Content-Type', 'application/json']
  return {
    headers: [...headers, 'Accept', 'application/json, text/event-stream', ...more],
    body: JSON.stringify(body),
  }
}

test('a token that ends while the client still reads what its handler has ended is no error', async () => {
  const guarded = await startGuarded()
  const whole = `: ${'x'.repeat(16_000_000)}\n\n` // More than sockets hold, so that it is under way for as long as nobody reads.
  const { port, close } = await serveBehind(guarded.server, (_request, response) => {
    response.writeHead(200, events).end(whole)
  })
  after(close)
  const stream = await open(port, sentTo(guarded, subscription, modern))
  await guarded.server.revoke({ subject: 'alice' })
  let length = 0
  stream.on('data', (piece: Buffer) => (length += piece.length))
  await once(stream, 'end')
  assert.equal(length, whole.length)
})

test('a stream that its reader has left is over, however slow its handler is to stop', async () => {
  const guarded = await startGuarded()
  const warnings: Error[] = []
  const warned = (warning: Error): number => warnings.push(warning)
  process.on('warning', warned)
  after(() => process.removeListener('warning', warned))
  const never = new Promise<void>(() => undefined)
  const serve = protectWeb(guarded.server, () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(': first\n\n')),
      cancel: () => never,
    })
    return new Response(body, { headers: events })
  })
  const { headers, body } = sentTo(guarded, subscription, modern)
  const pairs = headers.flatMap((name, place) => (place % 2 === 0 ? [[name, headers[place + 1] ?? '']] : []))
  const request = new Request('https://mcp.example/mcp', {
    method: 'POST',
    headers: Object.fromEntries(pairs) as Record<string, string>,
    body,
  })
  const before = guarded.records().length
  const reader = (await serve(request)).body?.getReader()
  assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), ': first\n\n')
  await reader?.cancel()
  assert.equal((await nextOutcome(guarded, before))['result'], 'cancelled')
  await guarded.server.revoke({ subject: 'alice' })
  await new Promise((resolve) => void setImmediate(resolve))
  assert.deepEqual(warnings, [])
})

test('what the rest of the application throws is answered 500, and told', async () => {
  const guarded = await startGuarded()
  const told: unknown[] = []
  const broken = new Error('broken')
  const listener = protectNode(guarded.server, () => assert.fail('nothing may run'), {
    elsewhere: () => Promise.reject(broken),
    onHandlerError: (error) => told.push(error),
  })
  const { port, close } = await listen((request, response) => void listener(request, response))
  after(close)
  const answer = await exchange(port, { method: 'GET', path: '/other' })
  assert.equal(answer.status, 500)
  assert.doesNotMatch(answer.text, /broken/)
  assert.deepEqual(told, [broken])
})

test('a transport that cannot be closed is a warning', async () => {
  const guarded = await startGuarded()
  const transport = {
    handleRequest: async (_request: never, response: ServerResponse) => void response.writeHead(202).end(),
    close: () => Promise.reject(new Error('cannot be closed')),
  }
  const { port, close } = await serveBehind(
    guarded.server,
    fromTransport(() => transport),
  )
  after(close)
  const warning = once(process, 'warning') as Promise<[Error]>
  assert.equal((await exchange(port, sentTo(guarded, callOf('read_file')))).status, 202)
  assert.equal((await warning)[0].message, 'cannot be closed')
})
