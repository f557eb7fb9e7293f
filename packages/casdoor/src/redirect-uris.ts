/**
 * Whether Casdoor takes a redirect URI for every application, listed or not: any path and port of `localhost` and of
 * `http://127.0.0.1`, and those of Chrome extensions.
 */
export function passesAnywhere(redirectUri: string): boolean {
  if (!URL.canParse(redirectUri)) return false
  const { protocol, hostname } = new URL(redirectUri)
  if (hostname === 'localhost') return protocol === 'http:' || protocol === 'https:'
  if (hostname === '127.0.0.1') return protocol === 'http:'
  return protocol === 'https:' && hostname.endsWith('.chromiumapp.org')
}

/** Why a text cannot be listed as a redirect URI; undefined when it can. */
export function redirectUriMistake(redirectUri: string): string | undefined {
  if (!URL.canParse(redirectUri)) return 'is not an absolute URI'
  const url = new URL(redirectUri)
  if (/[\s\p{Cc}\\*]/u.test(redirectUri))
    return 'has a space, a star, a backslash or a control character in it'
  if (redirectUri.includes('#')) return 'has a fragment (#)'
  if (url.username !== '' || url.password !== '') return 'has a user name or password in it'
  if (['javascript:', 'data:', 'file:', 'about:', 'blob:'].includes(url.protocol)) {
    return `begins with ${url.protocol}, which no client is reached by`
  }
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol === 'http:' && !loopback) return 'is plain http, so codes could be read on the way'
  return undefined
}
