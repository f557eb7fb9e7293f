import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Json } from '../../mcp-endpoint/test/messages.ts'

/** What a request to the server looked like. */
export interface Seen {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: Json
}

export interface OddServer {
  readonly url: string
  /** Has the server know nothing any more of the sessions that were begun. */
  readonly forgetSessions: () => void
  /** Has the tool "echo" repeat another argument in a header, and refuse calls without it. */
  readonly moveHeader: () => void
  readonly seen: readonly Seen[]
  /** Resolves when a call has come that is never answered. */
  readonly hanging: Promise<void>
  /** How many connections are open. */
  readonly connections: () => Promise<number>
  readonly close: () => Promise<void>
}

/** Answers a tool call in its own way: the rest is up to it. */
type Oddity = (response: ServerResponse, id: unknown, seen: Seen) => void

const json = (response: ServerResponse, body: Json, status = 200): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', ...body }))
const text = (value: unknown): Json => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })
const stream = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' })
const plain = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Oddity => {
  return (response) => void response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body)
}

const secret = '<html>Exception at https://internal.example/admin token=hunter2</html>'

/** The tools of the server are called as the ways in which it goes wrong. */
export const oddities: Readonly<Record<string, Oddity>> = {
  echo: (response, id, seen) => json(response, { id, result: text(seen) }),
  reset: (response) => void response.socket?.destroy(),
  'half-head': (response) => void response.socket?.end('HTTP/1.1 200 OK\r\nContent-Ty'),
  'half-body': (response, id) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '9999' })
    response.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},`, () => response.socket?.destroy())
  },
  'status-500': plain(500, secret),
  'status-401': plain(401, secret, {
    'www-authenticate': 'Bearer resource_metadata="https://internal.example/prm"',
  }),
  'status-403': plain(403, secret),
  'status-404': plain(404, secret),
  'status-429': plain(429, secret, { 'retry-after': '7' }),
  redirect: plain(307, '', { location: 'https://internal.example/elsewhere' }),
  html: plain(200, secret),
  'not-json': (response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0",'),
  'other-id': (response) => json(response, { id: 'somebody else’s', result: text('not yours') }),
  'no-result': (response, id) => json(response, { id, result: { text: secret } }),
  'deep-json': (response, id) =>
    void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(
        `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":${'['.repeat(5000)}${']'.repeat(5000)}}}`,
      ),
  'member-twice': (response, id) =>
    void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(
        `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[],"content":[{"type":"text"}]}}`,
      ),
  encoded: (response, id) =>
    void response
      .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: text('x') })),
  'fifty-megabytes': (response, id) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"`)
    pour(response, 50)
  },
  'endless-event': (response) => {
    stream(response).write('data: ')
    pour(response, 50)
  },
  'garbage-events': (response) =>
    void stream(response).end('event: message\ndata: {"jsonrpc"\n\ndata: \u0000\n\n'),
  'bytes-for-events': (response) =>
    void stream(response).end(Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xfe, 0x0a, 0x0a])),
  'no-answer-in-events': (response) => void stream(response).end(': only a comment\n\n'),
  'pretty-json': (response, id) =>
    void response
      .writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
      .end(
        JSON.stringify({ jsonrpc: '2.0', id, result: text('pretty') }, undefined, 2).replaceAll('\n', '\r\n'),
      ),
  'other-line-ends': (response, id) => {
    const event = JSON.stringify({ jsonrpc: '2.0', id, result: text('events') })
    stream(response).end(
      `\ufeffretry: 5\r\rid: 1\r\ndata: ${event.slice(0, 17)}\rdata: ${event.slice(17)}\r\n\r\n`,
    )
  },
}

/** Writes so many megabytes, as long as somebody reads them. */
function pour(response: ServerResponse, megabytes: number): void {
  const piece = 'x'.repeat(65_536)
  let left = megabytes * 16
  const write = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1
      if (!response.write(piece)) {
        response.once('drain', write)
        return
      }
    }
    response.end('"}]}}')
  }
  write()
}

const tool = (name: string, properties: Json = {}): Json => ({
  name,
  inputSchema: { type: 'object', properties },
})

/** Two pages of tools: with an argument that is repeated in a header, and with one that cannot be. */
function pageOf(cursor: unknown, moved: boolean): Json {
  if (cursor === undefined) {
    const region = { type: 'string', 'x-mcp-header': moved ? 'Zone' : 'Region' }
    return {
      tools: [tool('echo', { region, count: { type: 'integer', 'x-mcp-header': 'Count' } })],
      nextCursor: 'two',
    }
  }
  const refused = { tools: [] }
  const broken = tool('html', { a: { type: 'number', 'x-mcp-header': 'Not A Header' } })
  return cursor === 'two'
    ? { tools: [tool('reset'), broken, { title: 'Nameless' }, tool('redirect')] }
    : refused
}

/** Starts a server of one era that answers calls as they are called. */
export async function startOddServer(era: 'modern' | 'legacy' = 'legacy'): Promise<OddServer> {
  const seen: Seen[] = []
  let sessions = 0
  let forgotten = 0
  let moved = false
  let hang = (): void => undefined
  const hanging = new Promise<void>((resolve) => (hang = resolve))
  const server = createServer((request, response) => {
    response.on('error', () => undefined)
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const message = (body === '' ? {} : JSON.parse(body)) as Json // The gateway writes objects.
      const one: Seen = { method: request.method ?? '', headers: request.headers, body: message }
      seen.push(one)
      take(one, response)
    })
  })

  function take(one: Seen, response: ServerResponse): void {
    const { id, method, params = {} } = one.body
    const capabilities = { tools: {}, resources: {}, prompts: {} }
    const session = Number(one.headers['mcp-session-id'] ?? forgotten + 1)
    if (session <= forgotten) response.writeHead(404).end()
    else if (one.method !== 'POST') response.writeHead(405).end()
    else if (id === undefined) response.writeHead(202).end()
    else if (method === 'tools/list')
      json(response, { id, result: pageOf((params as Json)['cursor'], moved) })
    else if (method === 'server/discover' && era === 'modern') {
      json(response, {
        id,
        result: { supportedVersions: ['2026-07-28'], capabilities, resultType: 'complete' },
      })
    } else if (method === 'initialize' && era === 'legacy') {
      const serverInfo = { name: 'odd', version: '1' }
      sessions += 1
      response.setHeader('mcp-session-id', String(sessions))
      json(response, { id, result: { protocolVersion: '2025-06-18', capabilities, serverInfo } })
    } else if (method === 'tools/call') {
      const { name } = params as Json // It was written by the gateway.
      const oddity = oddities[String(name)]
      if (moved && one.headers['mcp-param-zone'] === undefined) {
        json(response, { id, error: { code: -32020, message: 'Mcp-Param-Zone is missing' } }, 400)
      } else if (oddity === undefined) hang()
      else oddity(response, id, one)
    } else json(response, { id, error: { code: -32601, message: 'Method not found' } }, 400)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    // It listens on TCP, so its address is one.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    forgetSessions: () => (forgotten = sessions),
    moveHeader: () => (moved = true),
    hanging,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
