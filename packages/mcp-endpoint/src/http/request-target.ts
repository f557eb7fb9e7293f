import type { IncomingMessage } from 'node:http'
import type { HostAllowed } from './host.ts'

const absolute = /^https?:\/\/([^/]*)(\/.*)?$/i

/**
 * The path and query of a request, byte for byte as they were sent.
 *
 * @returns `undefined` when the request is for another host: by its only `Host`, or by an absolute target
 * @see RFC 9112 §3.2
 */
export function readTarget(request: IncomingMessage, hostAllowed: HostAllowed): string | undefined {
  if (!hostAllowed(request.headers.host) || hasSecondHost(request.rawHeaders)) return undefined
  const { url = '' } = request
  if (url.startsWith('/')) return url
  const [, host, path = '/'] = absolute.exec(url) ?? []
  return hostAllowed(host) ? path : undefined
}

/** Node keeps the first of two; whoever stands before us may have looked at the other. */
function hasSecondHost(rawHeaders: readonly string[]): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count > 1
}
