import { IncomingMessage } from 'node:http'

export type BodyAnswer =
  | { readonly ok: true; readonly value: Buffer }
  | { readonly ok: false; readonly status: 400 | 413 }

/** Reads a whole body. How long it may take is up to the server's `requestTimeout`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyAnswer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      // Without setEncoding, streams of node:http give Buffers.
      const part = chunk as Buffer
      bytes += part.length
      if (bytes > maxBytes) return { ok: false, status: 413 }
      chunks.push(part)
    }
  } catch {
    return { ok: false, status: 400 } // The connection ended before the body did.
  }
  return { ok: true, value: Buffer.concat(chunks) }
}

/** Whether a body is a form, by its declared type. */
export function isForm(request: IncomingMessage): boolean {
  return /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '')
}

/**
 * The same request with another body. oidc-provider reads bodies from the stream itself, so what has been read must be
 * put into a stream again.
 */
export function withBody(request: IncomingMessage, body: Buffer): IncomingMessage {
  const copy = new IncomingMessage(request.socket)
  copy.method = request.method ?? 'POST'
  copy.url = request.url ?? '/'
  copy.httpVersion = request.httpVersion
  copy.headers = { ...request.headers, 'content-length': String(body.length) }
  delete copy.headers['transfer-encoding']
  copy.complete = true
  copy.push(body)
  copy.push(null)
  return copy
}
