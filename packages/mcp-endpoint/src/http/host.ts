import { isIP } from 'node:net'

/** Whether a request's `Host` is one that this server answers to. */
export type HostAllowed = (host: string | undefined) => boolean

/**
 * Guards against DNS rebinding: a page that makes its own name point here still sends its own name as `Host`.
 *
 * Accepted are the public addresses, the listening address, the loopback names when listening there, and what the
 * operator adds. Names are compared without regard to case; a port counts.
 *
 * @see requirement G52
 */
export function createHostCheck(
  publicUrls: readonly URL[],
  listening: { readonly host: string; readonly port: number },
  extra: readonly string[],
): HostAllowed {
  const { host, port } = listening
  const names = isLoopbackName(host) ? ['localhost', '127.0.0.1', '[::1]'] : []
  const accepted = new Set(
    [
      ...publicUrls.flatMap((url) => [
        url.host,
        // A default port may be written out.
        `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`,
      ]),
      ...[...names, isIP(host) === 6 ? `[${host}]` : host].map((name) => `${name}:${port}`),
      ...(port === 80 ? names : []),
      ...extra,
    ].map((name) => name.toLowerCase()),
  )
  return (value) => value !== undefined && accepted.has(value.toLowerCase())
}

/** Whether a listening address is reachable from this machine only. */
export function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
