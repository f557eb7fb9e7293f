import type { IncomingMessage } from 'node:http'
import type { DenialCode } from '@mcp-doorman/resource-server'

/**
 * Reads a request's body, bounded in bytes whether its length is declared or not.
 *
 * How long it may take is the server's request time-out, which closes the connection.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | DenialCode> {
  return new Promise((resolve) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      resolve('body_too_large')
      return
    }
    if (request.destroyed) {
      // The caller went away while its token was being verified, so no event will come any more.
      resolve('body_incomplete')
      return
    }
    let body: Buffer = Buffer.alloc(0)
    let length = 0
    request.on('data', (chunk: Buffer) => {
      if (length + chunk.length > maxBytes) {
        request.removeAllListeners('data')
        request.pause()
        resolve('body_too_large')
        return
      }
      body = append(body, length, chunk)
      length += chunk.length
    })
    request.once('end', () => resolve(body.subarray(0, length)))
    request.once('error', () => resolve('body_incomplete'))
    request.once('close', () => resolve('body_incomplete'))
  })
}

/**
 * Adds to the first `length` bytes of a buffer, in the same buffer where there is room.
 *
 * To keep the pieces would be simpler, but a piece of one byte takes hundreds, and the caller chooses their size.
 */
function append(body: Buffer, length: number, piece: Buffer): Buffer {
  if (length === 0) return piece
  let roomy = body
  if (length + piece.length > body.length) {
    roomy = Buffer.allocUnsafe(2 * (length + piece.length))
    body.copy(roomy, 0, 0, length)
  }
  piece.copy(roomy, length)
  return roomy
}
