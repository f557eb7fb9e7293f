import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import express from 'express'
import { protect as protectExpress } from '@mcp-doorman/resource-server/express'
import type { NodeHandler } from '@mcp-doorman/resource-server/node'
import { listen } from './adapter-servers.ts'
import { callOf, startGuarded } from './guarded.ts'
import { exchange, type Received, type Sent } from './http-exchange.ts'
import { serveBehind } from './official-sdk.ts'

const guarded = await startGuarded()
const request: Sent = {
  headers: [
    'Authorization',
    `Bearer ${guarded.issuer.sign()}`,
    'Content-Type',
    'application/json',
    'Accept',
    'application/json, text/event-stream',
  ],
  body: JSON.stringify(callOf('read_file')),
}

async function answerOf(handler: NodeHandler): Promise<Received> {
  const { port, close } = await serveBehind(guarded.server, handler)
  try {
    return await exchange(port, request)
  } finally {
    await close()
  }
}

const text = '{"jsonrpc":"2.0","id":1,"result":{"text":"ä€"}}'
const half = Buffer.from(text).indexOf(0xc3) + 1 // In the middle of a character.
const json = { 'Content-Type': 'application/json' }
const called: string[] = []

const writers: readonly (readonly [name: string, write: (response: ServerResponse) => unknown])[] = [
  ['at once', (response) => response.writeHead(200, json).end(text)],
  ['with a reason and headers', (response) => response.writeHead(200, 'Fine', json).end(text)],
  [
    'with headers in turn',
    (response) => response.writeHead(200, ['Content-Type', 'application/json', 'X-Own', '1']).end(text),
  ],
  [
    'with a length',
    (response) => response.writeHead(200, { ...json, 'Content-Length': Buffer.byteLength(text) }).end(text),
  ],
  [
    'in bytes, cut within a character',
    (response) => {
      const bytes = Buffer.from(text)
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.write(bytes.subarray(0, half), () => void called.push('written'))
      response.end(new Uint8Array(bytes.subarray(half)), () => void called.push('ended'))
    },
  ],
  [
    'in base64',
    (response) => {
      response.setHeader('content-type', 'application/json')
      response.write(Buffer.from(text).toString('base64'), 'base64')
      response.end()
    },
  ],
  [
    'through a pipe',
    (response) =>
      Readable.from([Buffer.from(text)]).pipe(response.setHeader('content-type', 'application/json')),
  ],
  [
    'with its head flushed first, and ended twice',
    (response) => {
      response.setHeader('content-type', 'application/json')
      response.flushHeaders()
      response.end(text)
      response.end('more')
      response.write('more')
    },
  ],
]
for (const [name, write] of writers) {
  test(`a handler may write its answer ${name}`, async () => {
    const answer = await answerOf((_request, response) => void write(response))
    assert.deepEqual([answer.status, answer.text], [200, text])
    assert.equal(answer.headers['content-length'], String(Buffer.byteLength(text)))
  })
}

test('callbacks of writes and of the end are called', () =>
  assert.deepEqual(called.toSorted(), ['ended', 'written']))

test('a handler that throws after half an answer has given none', async () => {
  const answer = await answerOf((_request, response) => {
    response.writeHead(200, json).write('{"half":')
    throw new Error('no')
  })
  assert.equal(answer.status, 500)
  assert.deepEqual(answer.json(), {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32603, message: 'Internal error' },
  })
})

test('a handler that throws in the middle of a stream breaks it off', async () => {
  const { port, close } = await serveBehind(guarded.server, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': one\n\n')
    throw new Error('no')
  })
  after(close)
  await assert.rejects(exchange(port, request))
})

test('behind a body parser of Express, the body that was parsed is the one that is judged', async () => {
  const app = express()
  const bodies: unknown[] = []
  app.use(express.json())
  app.use(
    protectExpress(guarded.server, (granted, response) => {
      bodies.push(granted.body)
      response.json({ jsonrpc: '2.0', id: 1, result: {} })
    }),
  )
  const { port, close } = await listen(app)
  after(close)
  assert.equal((await exchange(port, request)).status, 200)
  assert.deepEqual(bodies, [callOf('read_file')])
  const refused = await exchange(port, { ...request, body: JSON.stringify(callOf('purge')) })
  assert.equal(refused.status, 403)
  assert.equal(bodies.length, 1)
})

test('behind something that reads the body and keeps it, nothing runs', async () => {
  const app = express()
  app.use((asked, _response, next) => void asked.resume().once('end', () => next()))
  app.use(protectExpress(guarded.server, () => assert.fail('nothing may run')))
  const { port, close } = await listen(app)
  after(close)
  assert.equal((await exchange(port, request)).status, 400)
})
