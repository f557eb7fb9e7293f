/** Which redirect URIs clients may have. */
export interface RedirectPolicy {
  /**
   * `interchangeable`: `localhost`, `127.0.0.1` and `[::1]` stand for one another. `exact`: they are three hosts.
   */
  readonly loopbackHosts: 'interchangeable' | 'exact'
  /** Private-use schemes that applications on the user's device may be called back by, without the colon. */
  readonly appSchemes: readonly string[]
}

const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
/** A browser runs or shows these itself; a code sent there never reaches an application. */
const browserSchemes: ReadonlySet<string> = new Set([
  'about',
  'blob',
  'chrome',
  'data',
  'file',
  'filesystem',
  'ftp',
  'javascript',
  'vbscript',
  'view-source',
  'ws',
  'wss',
])

/** Whether a scheme may stand in {@link RedirectPolicy.appSchemes}. */
export function isAppScheme(scheme: string): boolean {
  return (
    /^[a-z][a-z0-9+.-]*$/.test(scheme) && !['http', 'https'].includes(scheme) && !browserSchemes.has(scheme)
  )
}

/** Why a redirect URI may not be registered, as the end of a sentence; undefined when it may. */
export function redirectUriProblem(uri: string, policy: RedirectPolicy): string | undefined {
  if (!URL.canParse(uri)) return 'is not an absolute URI'
  const url = new URL(uri)
  if (uri.includes('#')) return 'must not have a fragment (RFC 6749 §3.1.2)'
  if (url.username !== '' || url.password !== '' || hasUserinfo(uri))
    return 'must not have a user name or password'
  const scheme = url.protocol.slice(0, -1)
  if (scheme === 'https') return undefined
  if (scheme === 'http') {
    if (loopbackNames.has(url.hostname)) return undefined
    return 'must use https, or http on localhost, 127.0.0.1 or [::1]'
  }
  if (browserSchemes.has(scheme)) return `must not use the scheme ${scheme}`
  if (policy.appSchemes.includes(scheme)) return undefined
  return `must not use the scheme ${scheme}, which this server does not allow`
}

/** `https://@host/` has an empty user name, which the parser drops. */
function hasUserinfo(uri: string): boolean {
  return /^[^/?#]*:\/\/[^/?#]*@/.test(uri)
}

/**
 * Whether a request may be answered at this URI: the same string as a registered one or, on loopback, the same but for
 * the port (RFC 8252 §7.3) and, if the policy says so, the loopback host.
 */
export function redirectUriMatches(
  uri: string,
  registered: readonly string[],
  policy: RedirectPolicy,
): boolean {
  if (registered.includes(uri)) return true
  const wanted = loopbackPattern(uri, policy)
  return wanted !== undefined && registered.some((candidate) => loopbackPattern(candidate, policy) === wanted)
}

/** Whether a redirect goes to an application on the machine of the user, by http. */
export function isLoopbackRedirect(uri: string): boolean {
  return URL.canParse(uri) && new URL(uri).protocol === 'http:' && loopbackNames.has(new URL(uri).hostname)
}

/** What is compared of an http URI on loopback; undefined for any other URI. */
function loopbackPattern(uri: string, policy: RedirectPolicy): string | undefined {
  if (redirectUriProblem(uri, policy) !== undefined || !isLoopbackRedirect(uri)) return undefined
  const url = new URL(uri)
  const host = policy.loopbackHosts === 'interchangeable' ? 'loopback' : url.hostname
  // Dots, backslashes and the like are rewritten by the parser: whatever it changes is not compared, but refused.
  const rest = /^http:\/\/[^/?#]*(.*)$/.exec(uri)?.[1] ?? ''
  const parsed = url.pathname + url.search
  return rest === parsed || (rest === '' && parsed === '/') ? `${host} ${parsed}` : undefined
}
