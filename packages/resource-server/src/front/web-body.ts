import type { DenialCode } from '../denials.ts'

/** Reads the body of a web request, bounded in bytes whether its length is declared or not. */
export async function readWebBody(request: Request, maxBytes: number): Promise<Buffer | DenialCode> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return 'body_too_large'
  if (request.body === null) return Buffer.alloc(0)
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of request.body) {
      length += piece.length
      if (length > maxBytes) return 'body_too_large'
      pieces.push(piece)
    }
  } catch {
    return 'body_incomplete'
  }
  return Buffer.concat(pieces)
}

/** The request that a handler gets: the body that was judged, and without the client's credentials. */
export function withoutCredentials(request: Request, body: string): Request {
  const headers = new Headers(request.headers)
  for (const name of ['authorization', 'dpop', 'content-length', 'transfer-encoding']) headers.delete(name)
  const { method, url, signal } = request
  const empty = method === 'GET' || method === 'HEAD' || body === ''
  return new Request(url, { method, headers, signal, ...(!empty && { body }) })
}

export function rawHeadersOf(headers: Headers): readonly string[] {
  return [...headers].flat()
}
