import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TokenProxy {
  readonly url: string
  readonly close: () => Promise<void>
}

/**
 * Adds a token to every request, because the conformance tool cannot send one. Everything else goes through as it is,
 * except that the proxy's own address in `Host` becomes the server's; a foreign `Host` stays foreign.
 */
export async function startTokenProxy(target: string, token: string): Promise<TokenProxy> {
  const { hostname, port, pathname } = new URL(target)
  const server = createServer((incoming, outgoing) => {
    const { host = '', ...headers } = incoming.headers
    const forwarded = request(
      {
        hostname,
        port,
        path: incoming.url,
        method: incoming.method,
        headers: { ...headers, host: host.replace(`:${own}`, `:${port}`), authorization: `Bearer ${token}` },
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, hostname, resolve))
  // It listens on TCP, so its address is one.
  const own = (server.address() as AddressInfo).port
  return {
    url: `http://${hostname}:${own}${pathname}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
