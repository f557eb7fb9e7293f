import type { IncomingMessage } from 'node:http'
import type { DenialCode } from '@mcp-doorman/resource-server'
import type { BodyShare } from './body-budget.ts'

/**
 * Reads a request's body, bounded in bytes whether its length is declared or not: by its own limit, and by what the
 * bodies of other requests have left. Its share is the caller's to release.
 *
 * How long it may take is the server's request time-out, which closes the connection.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  share: BodyShare,
): Promise<Buffer | DenialCode> {
  return new Promise((resolve) => {
    const declared = Number(request.headers['content-length'] ?? 0)
    const refusal = refusalOf(declared, maxBytes, share)
    if (refusal !== undefined) {
      resolve(refusal)
      return
    }
    if (request.destroyed) {
      // The caller went away while its token was being verified, so no event will come any more.
      resolve('body_incomplete')
      return
    }
    let body: Buffer = Buffer.alloc(0)
    let length = 0

    function end(outcome: Buffer | DenialCode): void {
      // These would keep the body for as long as the request, which the answer keeps until it has been read.
      request.removeListener('data', take).removeListener('end', endWhole)
      request.removeListener('error', breakOff).removeListener('close', breakOff)
      resolve(outcome)
    }
    function take(chunk: Buffer): void {
      const refused = refusalOf(length + chunk.length, maxBytes, share)
      if (refused !== undefined) {
        request.pause()
        end(refused)
        return
      }
      body = append(body, length, chunk, declared)
      length += chunk.length
    }
    const endWhole = (): void => end(body.subarray(0, length))
    const breakOff = (): void => end('body_incomplete')
    request.on('data', take).once('end', endWhole).once('error', breakOff).once('close', breakOff)
  })
}

function refusalOf(bytes: number, maxBytes: number, share: BodyShare): DenialCode | undefined {
  if (bytes > maxBytes) return 'body_too_large'
  return share.covers(bytes) ? undefined : 'server_busy'
}

/**
 * Adds to the first `length` bytes of a buffer, in the same buffer where there is room.
 *
 * To keep the pieces would be simpler, but a piece of one byte takes hundreds, and the caller chooses their size.
 */
function append(body: Buffer, length: number, piece: Buffer, declared: number): Buffer {
  if (length === 0) return piece
  let roomy = body
  const needed = length + piece.length
  if (needed > body.length) {
    roomy = Buffer.allocUnsafe(needed <= declared ? Math.min(2 * needed, declared) : 2 * needed)
    body.copy(roomy, 0, 0, length)
  }
  piece.copy(roomy, length)
  return roomy
}
