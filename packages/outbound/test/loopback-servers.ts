import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { createOutbound, type Outbound, type OutboundOptions } from '@mcp-doorman/outbound'

/** A server that does what it is told to with each request, however rude. */
export interface LoopbackServer {
  readonly port: number
  /** `http://127.0.0.1:port` or `https://127.0.0.1:port`. */
  readonly origin: string
  /** The head of each request that came, in order. */
  readonly requests: readonly string[]
  /** Connections accepted so far. */
  accepted(): number
  /** Resolves when no connection is open. */
  idle(): Promise<void>
  /** Breaks every connection and takes no more. */
  stop(): void
}

/** Called once a whole request head has come; a body, if any, may still be on its way. */
export type Behaviour = (socket: Socket, head: string, server: LoopbackServer) => void

export function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
}

export function startServer(t: TestContext, behave: Behaviour): Promise<LoopbackServer> {
  return listen(t, createServer(), 'http', 'connection', behave)
}

/** A server at an https origin that does something else than TLS with each connection. */
export function startBrokenTlsServer(
  t: TestContext,
  greet: (socket: Socket) => void,
): Promise<LoopbackServer> {
  return listen(t, createServer(greet), 'https', 'secureConnection', answerNever)
}

export function startTlsServer(
  t: TestContext,
  certificate: string,
  behave: Behaviour,
): Promise<LoopbackServer> {
  const server = createTlsServer({ cert: fixture(certificate), key: fixture('server-key.pem') })
  return listen(t, server, 'https', 'secureConnection', behave)
}

async function listen(
  t: TestContext,
  server: Server,
  scheme: 'http' | 'https',
  event: 'connection' | 'secureConnection',
  behave: Behaviour,
): Promise<LoopbackServer> {
  const open = new Set<Socket>()
  const requests: string[] = []
  let accepted = 0
  let whenIdle: (() => void)[] = []

  server.on('connection', (socket: Socket) => {
    accepted += 1
    open.add(socket)
    socket.on('error', () => undefined) // The tests break connections on purpose.
    socket.on('close', () => {
      open.delete(socket)
      if (open.size > 0) return
      for (const resolve of whenIdle) resolve()
      whenIdle = []
    })
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo

  const started: LoopbackServer = {
    port,
    origin: `${scheme}://127.0.0.1:${port}`,
    requests,
    accepted: () => accepted,
    idle: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
    stop: () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
  server.on(event, (socket: Socket) => {
    let received = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      for (let end = received.indexOf('\r\n\r\n'); end !== -1; end = received.indexOf('\r\n\r\n')) {
        const head = received.slice(0, end)
        received = received.slice(end + 4)
        requests.push(head)
        behave(socket, head, started)
      }
    })
  })
  t.after(() => started.stop())
  return started
}

/** An outbound that closes with the test. */
export function startOutbound(t: TestContext, options: OutboundOptions): Outbound {
  const outbound = createOutbound(options)
  t.after(() => outbound.close())
  return outbound
}

export const answerHello: Behaviour = (socket) => {
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello')
}

/** For a server that no test expects to be asked. */
export const answerNever: Behaviour = (socket) => {
  socket.destroy()
}
