/** What every application may be called back at. */
const everybodys = [
  /^https?:\/\/localhost(?::\d+)?(?:[/?]|$)/,
  /^http:\/\/127\.0\.0\.1(?::\d+)?(?:[/?]|$)/,
  /^https:\/\/[a-z0-9-]+\.chromiumapp\.org(?:[/?]|$)/,
]

interface UriParts {
  readonly scheme: string
  readonly host: string
  /** As written: `:443` is another port than none. */
  readonly port: string
  readonly path: string
}

/**
 * Whether an application may be called back there: at a registered URI, whatever its query, or on a subdomain of its
 * host.
 */
export function mayRedirect(registered: readonly string[] | null, uri: string): boolean {
  if (everybodys.some((pattern) => pattern.test(uri))) return true
  const asked = parseUri(uri)
  return (registered ?? []).some((known) => {
    if (known === uri) return true
    const own = parseUri(known)
    if (asked === undefined || own === undefined) return false
    const sameHost = asked.host === own.host || asked.host.endsWith(`.${own.host}`)
    return sameHost && asked.scheme === own.scheme && asked.port === own.port && asked.path === own.path
  })
}

function parseUri(uri: string): UriParts | undefined {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#:@\\]+)(:\d+)?(\/[^?#]*)?(?:[?#]|$)/i.exec(uri)
  if (parts === null) return undefined
  const [, scheme = '', host = '', port = '', path = ''] = parts
  return { scheme, host, port, path }
}
