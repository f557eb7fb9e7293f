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
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) {
        request.removeAllListeners('data')
        request.pause()
        resolve('body_too_large')
        return
      }
      chunks.push(chunk)
    })
    request.once('end', () => {
      const [first] = chunks
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length))
    })
    request.once('error', () => resolve('body_incomplete'))
    request.once('close', () => resolve('body_incomplete'))
  })
}
