/** Bodies that are too large, or do not arrive whole, before any handler. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { readNodeBody, type NodeRequest } from '#internal/front/node-body'
import { adapterServers, listen } from './adapter-servers.ts'
import { callOf, startGuarded, type Guarded } from './guarded.ts'
import { exchange } from './http-exchange.ts'

const maxBodyBytes = 4096
const call = JSON.stringify(callOf('read_file'))

function headersFor({ issuer }: Guarded): readonly string[] {
  const accept = ['Accept', 'application/json, text/event-stream']
  return ['Authorization', `Bearer ${issuer.sign()}`, 'Content-Type', 'application/json', ...accept]
}

/** Says how long a body is, and sends as much of it as is given. */
function begin(port: number, headers: readonly string[], length: number, body = ''): Socket {
  const fields = [...headers, 'Content-Length', String(length)]
  const lines = fields.flatMap((field, place) => (place % 2 === 0 ? [`${field}: ${fields[place + 1]}`] : []))
  const socket = connect(port, '127.0.0.1')
  socket.write(['POST /mcp HTTP/1.1', 'Host: mcp.example', ...lines, '', body].join('\r\n'))
  return socket
}

/** The code of the next decision. */
function nextDecision({ sink }: Guarded): Promise<unknown> {
  return new Promise((resolve) => {
    sink.onLine = (line) => {
      // Each line is one JSON object, by the sink's contract.
      const record = JSON.parse(line) as Record<string, unknown>
      if (record['kind'] === 'decision') resolve(record['code'] ?? record['outcome'])
    }
  })
}

for (const { name, serve } of adapterServers) {
  test(`${name}: a body that says it is too large is refused before it comes`, async () => {
    const guarded = await startGuarded()
    const handler = (): { status: number } => ({ status: 202 })
    const { port, close } = await serve({
      resourceServer: guarded.server,
      handler,
      options: { maxBodyBytes },
    })
    after(close)
    const headers = headersFor(guarded)
    const decided = nextDecision(guarded)
    const socket = begin(port, headers, maxBodyBytes + 1)
    const [head] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    assert.match(head.toString(), /^HTTP\/1\.1 413 /)
    assert.equal(await decided, 'body_too_large')
    const whole = await exchange(port, { headers, body: call.padEnd(maxBodyBytes) })
    assert.equal(whole.status, 202, 'its neighbour, which is as long as may be')
  })

  test(`${name}: a caller that goes away in the middle of its body has asked for nothing`, async () => {
    const guarded = await startGuarded()
    let handled = 0
    const handler = (): { status: number } => ({ status: (handled += 1) && 202 })
    const { port, close } = await serve({ resourceServer: guarded.server, handler })
    after(close)
    const headers = headersFor(guarded)
    await exchange(port, { headers, body: call })
    assert.equal(handled, 1, 'the token is known, so that the body alone is waited for')
    const decided = nextDecision(guarded)
    begin(port, headers, call.length, call.slice(0, -1)).end()
    assert.equal(await decided, 'body_incomplete')
    assert.equal(handled, 1)
  })
}

/** What is read of a request, after something was done with it before. */
async function readAfter(
  before: (request: NodeRequest, socket: Socket) => Promise<void>,
  maxBytes: number,
): Promise<Buffer | string> {
  let came = (_request: NodeRequest): void => undefined
  const arrived = new Promise<NodeRequest>((resolve) => {
    came = resolve
  })
  const { port, close } = await listen((request, response) => {
    request.once('error', () => undefined).once('close', () => response.end())
    came(request)
  })
  after(close)
  const socket = begin(port, [], call.length, call)
  const request = await arrived
  await before(request, socket)
  return readNodeBody(request, maxBytes)
}

async function parse(request: NodeRequest): Promise<void> {
  request.resume()
  await once(request, 'end')
  request.body = JSON.parse(call)
}

test('a body that was parsed before is bounded as it was parsed', async () => {
  assert.equal(String(await readAfter(parse, call.length)), call)
  assert.equal(await readAfter(parse, call.length - 1), 'body_too_large')
})

test('a body that somebody read and kept, or whose sender has left, is no body', async () => {
  const take = async (request: NodeRequest): Promise<void> => {
    request.resume()
    await once(request, 'end')
  }
  assert.equal(await readAfter(take, maxBodyBytes), 'body_incomplete')
  const leave = async (request: NodeRequest, socket: Socket): Promise<void> => {
    socket.destroy()
    await new Promise<void>((resolve) => void request.once('close', resolve))
  }
  assert.equal(await readAfter(leave, maxBodyBytes), 'body_incomplete')
})
