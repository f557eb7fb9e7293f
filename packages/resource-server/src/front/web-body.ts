import type { DenialCode } from '../denials.ts'
import type { Call } from './call.ts'
import { hidesHeader } from './hidden-headers.ts'

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

/**
 * The request that a handler gets: without the headers that it must not see, and with the body that was judged. That is
 * written anew, since of two members of one name whoever reads the original may take the one that was not judged.
 */
export function handedRequest(request: Request, { body, view }: Pick<Call, 'body' | 'view'>): Request {
  const rewritten = { ...view, reduced: true }
  const headers = new Headers([...request.headers].filter(([name]) => !hidesHeader(name, rewritten)))
  const { method, url, signal } = request
  const empty = method === 'GET' || method === 'HEAD' || body === undefined
  return new Request(url, { method, headers, signal, ...(!empty && { body: JSON.stringify(body) }) })
}

export function rawHeadersOf(headers: Headers): readonly string[] {
  return [...headers].flat()
}
