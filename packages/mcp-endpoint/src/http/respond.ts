import type { IncomingMessage, ServerResponse } from 'node:http'

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** Writes a whole response in one go. */
export function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpResponse,
  extra: Readonly<Record<string, string>> | undefined,
  responseTimeoutSeconds: number,
): void {
  if (response.destroyed) return
  const fields: Record<string, string | number> = { ...headers, ...extra }
  if (status !== 204 && status !== 304) fields['content-length'] = Buffer.byteLength(body)
  // A body that was not read has to be read to its end before the connection can be used again.
  if (!request.complete && hasLargeBody(request)) fields['connection'] = 'close'
  response.writeHead(status, fields)
  response.end(body) // Node leaves it out where the method is HEAD.

  // What the system did not take at once waits in our memory, so the client has to read it some time.
  const { socket } = request
  if (socket.writableLength > 0) {
    const timer = setTimeout(() => socket.destroy(), responseTimeoutSeconds * 1000)
    response.once('close', () => clearTimeout(timer))
  }
}

// Up to here the rest is read and thrown away, so that a client that uploads a file with an old token reads its 401
// rather than a connection reset. The time for a request ends it.
const discardableBytes = 16 * 1024 * 1024

function hasLargeBody({ headers }: IncomingMessage): boolean {
  return (
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > discardableBytes
  )
}

/** An error outside of MCP: a path that is not there, a host or origin that is not ours. */
export function errorResponse(status: number, error: string, description: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ error, error_description: description }),
  }
}
