/** Somebody who sits before a browser without scripts: follows redirects, keeps cookies, fills forms in. */
export interface LoginWalk {
  readonly authorizeUrl: string | URL
  readonly user: string
  readonly password: string
  readonly decision: 'allow' | 'deny'
  /** Given each page, in order. */
  readonly onPage?: (page: Page) => void
  /** The cookies of the browser: give the same jar to several walks to stay logged in. */
  readonly cookies?: CookieJar
}

export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Cookies by path and name, as a browser keeps them for one host. */
export type CookieJar = Map<string, { readonly path: string; readonly pair: string }>

const mostSteps = 20

/**
 * Walks from the authorization request to the redirect that leaves the issuer, and returns that URL.
 *
 * @throws {Error} when the password is refused, or a page has no form to go on with
 */
export async function walkLogin(walk: LoginWalk): Promise<URL> {
  const cookies: CookieJar = walk.cookies ?? new Map()
  const { origin } = new URL(walk.authorizeUrl)
  let next: { url: URL; form?: URLSearchParams } = { url: new URL(walk.authorizeUrl) }
  let passwordSent = false

  for (let step = 0; step < mostSteps; step += 1) {
    const { url, form } = next
    if (url.origin !== origin) return url
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: cookieHeader(cookies, url), accept: 'text/html' },
      ...(form !== undefined && { method: 'POST', body: form }),
    })
    keepCookies(cookies, response, url)
    const text = await response.text()
    const location = response.headers.get('location')
    if (location !== null) {
      next = { url: new URL(location, url) }
      continue
    }
    walk.onPage?.({ url, status: response.status, headers: response.headers, text })
    const { action, fields } = readForm(text, url)
    if (fields.has('password')) {
      if (passwordSent) throw new Error(`${walk.user} was not let in (status ${response.status})`)
      passwordSent = true
      fields.set('username', walk.user)
      fields.set('password', walk.password)
      const { name, value } = buttonOf(text)
      if (name !== undefined) fields.set(name, value ?? '')
    } else {
      fields.set(buttonOf(text, walk.decision).name ?? 'decision', walk.decision)
    }
    next = { url: action, form: fields }
  }
  throw new Error(`no redirect to the client after ${mostSteps} steps`)
}

/** The first form of a page, with the fields that it holds. */
export function readForm(
  page: string,
  base: URL,
): { readonly action: URL; readonly fields: URLSearchParams } {
  const [, attributes, content] = /<form\b([^>]*)>([^]*?)<\/form>/.exec(page) ?? []
  // A form without an action is sent to the page that it stands on.
  const action = attribute(attributes ?? '', 'action') ?? base.href
  if (content === undefined) {
    throw new Error(
      `${base.pathname} has no form: ${page
        .replace(/<[^>]*>/g, ' ')
        .trim()
        .slice(-300)}`,
    )
  }
  const fields = new URLSearchParams()
  for (const [, input = ''] of content.matchAll(/<input\b([^>]*)>/g)) {
    const name = attribute(input, 'name')
    if (name !== undefined) fields.set(name, attribute(input, 'value') ?? '')
  }
  return { action: new URL(action, base), fields }
}

/** The first button, or the first with this value. */
function buttonOf(
  page: string,
  value?: string,
): { readonly name: string | undefined; readonly value: string | undefined } {
  const buttons = [...page.matchAll(/<button\b([^>]*)>/g)].map(([, button = '']) => ({
    name: attribute(button, 'name'),
    value: attribute(button, 'value'),
  }))
  const chosen = value === undefined ? buttons[0] : buttons.find((button) => button.value === value)
  return chosen ?? { name: undefined, value: undefined }
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return value
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

function keepCookies(cookies: CookieJar, response: Response, url: URL): void {
  for (const line of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? url.pathname
    const key = `${path} ${pair.split('=', 1)[0]}`
    const expires = attributes.find((part) => /^expires=/i.test(part))?.slice(8)
    if (expires !== undefined && Date.parse(expires) <= Date.now()) cookies.delete(key)
    else cookies.set(key, { path, pair })
  }
}

function cookieHeader(cookies: CookieJar, url: URL): string {
  const inPath = (path: string): boolean =>
    url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
  return [...cookies.values()]
    .filter(({ path }) => inPath(path))
    .map(({ pair }) => pair)
    .join('; ')
}
