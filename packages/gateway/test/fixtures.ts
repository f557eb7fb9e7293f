import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openUpstream, type Upstream, type UpstreamEvent, type UpstreamLimits } from '@mcp-doorman/gateway'
import { createRelay, type ServerEnd } from '@mcp-doorman/mcp-endpoint'
import { startHttpFixture } from '../../../test/conformance/fixture/http.ts'

const stdioFixture = fileURLToPath(new URL('../../../test/conformance/fixture/stdio.ts', import.meta.url))
const legacyFixture = fileURLToPath(new URL('programs/legacy-fixture.ts', import.meta.url))

export interface Opened {
  readonly upstream: Upstream
  readonly relay: ServerEnd
  readonly events: readonly UpstreamEvent[]
}

interface Scope {
  readonly after: TestContext['after']
}

/** An upstream with a relay in front of it, called as the fixture is. */
export function openRelay(scope: Scope, options: Parameters<typeof openUpstream>[0]): Opened {
  const events: UpstreamEvent[] = []
  const upstream = openUpstream({ onEvent: (event) => events.push(event), ...options })
  scope.after(() => upstream.close())
  const relay = createRelay({ name: 'fixture', version: '1.0.0', source: upstream.source })
  return { upstream, relay, events }
}

/** The fixture server behind a gateway, in each way in which it can be reached. */
export const ways: Readonly<Record<string, (scope: Scope, limits?: UpstreamLimits) => Promise<Opened>>> = {
  'stdio, 2026': (scope, limits) =>
    Promise.resolve(openRelay(scope, { command: [process.execPath, stdioFixture], ...limits })),
  'stdio, 2025': (scope, limits) =>
    Promise.resolve(openRelay(scope, { command: [process.execPath, legacyFixture], ...limits })),
  'HTTP, 2026': async (scope, limits) => {
    const { url, token } = await startFixture(scope)
    return openRelay(scope, { url, headers: { authorization: `Bearer ${token}` }, ...limits })
  },
  'HTTP, 2025': async (scope, limits) => {
    const { url, token } = await startFixture(scope)
    const old = await startOldServer(scope, url)
    return openRelay(scope, { url: old, headers: { authorization: `Bearer ${token}` }, ...limits })
  },
}

async function startFixture(scope: Scope): ReturnType<typeof startHttpFixture> {
  const fixture = await startHttpFixture({ sessions: {} })
  scope.after(fixture.close)
  return fixture
}

/** Makes a server that knows the revisions of 2025 only out of one that knows all. */
async function startOldServer(scope: Scope, target: string): Promise<string> {
  const { hostname, port, pathname } = new URL(target)
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers['mcp-protocol-version'] === '2026-07-28') {
      outgoing
        .writeHead(400, { 'content-type': 'text/plain' })
        .end('Bad Request: Unsupported protocol version')
      return
    }
    const headers = { ...incoming.headers, host: `${hostname}:${port}` }
    const forwarded = request(
      { hostname, port, path: pathname, method: incoming.method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
        outgoing.on('close', () => answer.destroy())
      },
    )
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  // It listens on TCP, so its address is one.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`
}
