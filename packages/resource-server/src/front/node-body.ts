import type { IncomingMessage } from 'node:http'
import type { DenialCode } from '../denials.ts'
import { credentialHeaders, hidesHeader, type HeaderView } from './hidden-headers.ts'

/** A Node request, and what frameworks put on it. */
export type NodeRequest = IncomingMessage & { body?: unknown }

/**
 * Reads the body of a Node request, bounded in bytes whether its length is declared or not.
 *
 * A body that somebody parsed before is taken as it was parsed. How long it may take is the server's request time-out.
 */
export function readNodeBody(request: NodeRequest, maxBytes: number): Promise<Buffer | DenialCode> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve('body_too_large')
  if (request.body !== undefined && request.readableEnded) {
    const bytes = Buffer.from(JSON.stringify(request.body))
    return Promise.resolve(bytes.length > maxBytes ? 'body_too_large' : bytes)
  }
  return new Promise((resolve) => {
    // The caller went away while its token was being verified, or somebody read the body and kept it.
    if (request.destroyed || request.readableEnded) return resolve('body_incomplete')
    const pieces: Buffer[] = []
    let length = 0
    function end(outcome: Buffer | DenialCode): void {
      request.removeListener('data', take).removeListener('end', endWhole)
      request.removeListener('error', breakOff).removeListener('close', breakOff)
      resolve(outcome)
    }
    function take(piece: Buffer): void {
      length += piece.length
      pieces.push(piece)
      if (length <= maxBytes) return
      end('body_too_large')
      request.resume() // The rest is read and thrown away, so that the client reads its answer.
    }
    const endWhole = (): void => end(Buffer.concat(pieces))
    const breakOff = (): void => end('body_incomplete')
    request.on('data', take).once('end', endWhole).once('error', breakOff).once('close', breakOff)
  })
}

/** Takes what its handler must not see out of a request, in every form in which Node has its headers. */
export function hideHeaders(request: IncomingMessage, view: HeaderView): void {
  // Node makes these two of the raw headers when they are first asked for, and expects to find all of them.
  const { rawHeaders, headers, headersDistinct } = request
  for (let place = rawHeaders.length - 2; place >= 0; place -= 2) {
    const name = rawHeaders[place]?.toLowerCase() ?? ''
    if (!hidesHeader(name, view)) continue
    rawHeaders.splice(place, 2)
    remove(name)
  }
  // Something before us may have put them there, and not among the raw ones.
  for (const name of credentialHeaders) remove(name)

  function remove(name: string): void {
    // oxlint-disable-next-line typescript/no-dynamic-delete -- few, and the request ends soon
    delete headers[name]
    // oxlint-disable-next-line typescript/no-dynamic-delete -- few, and the request ends soon
    delete (headersDistinct as NodeJS.Dict<string[]> | undefined)?.[name] // Not there with HTTP/2.
  }
}
