import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { DevelopmentIssuer } from '@mcp-doorman/development-issuer'
import {
  authorizeUrl,
  decode,
  files,
  redeem,
  redirectUri,
  register,
  startIssuer,
  tokensOf,
} from './oauth-client.ts'
import { type CookieJar, type Page, readForm, walkLogin } from './walk-login.ts'

/** Every page of a login. */
async function seePages(
  issuer: DevelopmentIssuer,
  params: Parameters<typeof authorizeUrl>[1] = {},
  cookies: CookieJar = new Map(),
): Promise<readonly Page[]> {
  const pages: Page[] = []
  await walkLogin({
    authorizeUrl: authorizeUrl(issuer, params),
    user: 'alice',
    password: 'alice',
    decision: 'deny',
    onPage: (page) => pages.push(page),
    cookies,
  })
  return pages
}

const visibleText = (page: Page): string =>
  page.text.replace(/<style>[^]*<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ')

test('M43: the consent page names the client, where it goes back to, the resource, and each scope in words', async (t) => {
  const issuer = await startIssuer(t)
  const [login, consent] = await seePages(issuer, { scope: 'files:list files:write' })
  assert.ok(login !== undefined && consent !== undefined)
  assert.match(visibleText(login), /to continue to Doorman development client/)
  const text = visibleText(consent)
  for (const part of [
    'Doorman development client',
    '127.0.0.1:49152',
    files.name,
    files.resource,
    'See the names of files and folders',
    'Create and change files',
    'Allow',
    'Deny',
    'alice',
  ]) {
    assert.ok(text.includes(part), `${part} in: ${text}`)
  }
  assert.ok(!text.includes('files:read'))
})

test('CA8: pages are sent with headers that keep frames, scripts, caches and referrers away', async (t) => {
  const issuer = await startIssuer(t)
  for (const { headers, text } of await seePages(issuer)) {
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.ok(!policy.includes('form-action'), 'CF32: form-action would block the redirect to the client')
    assert.ok(!policy.includes('unsafe'))
    const style = /<style>([^]*)<\/style>/.exec(text)?.[1] ?? ''
    assert.ok(policy.includes(`'sha256-${createHash('sha256').update(style).digest('base64')}'`))
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-frame-options'), 'DENY')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.ok(!/<script|\son\w+=|\sstyle=/i.test(text))
  }
})

test('a hostile client name is shown as text and nothing else', async (t) => {
  const issuer = await startIssuer(t)
  const name = `</strong><script>alert(1)</script>"' onfocus=x &amp; \u202egnp.exe ${'x'.repeat(500)}`
  const { body } = await register(issuer, {
    client_name: name,
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  })
  const pages = await seePages(issuer, {
    client_id: String(body['client_id']),
    login_hint: '"><script>alert(2)</script>',
  })
  assert.equal(pages.length, 2)
  for (const { text } of pages) {
    assert.ok(
      text.includes(
        '&lt;/strong&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onfocus=x &amp;amp; \ufffdgnp',
      ),
    )
    assert.ok(!/<script/.test(text))
    assert.ok(!text.includes('\u202e'))
    assert.ok(!text.includes('x'.repeat(101)), 'a long name is cut')
  }
})

test('an error page shows what the request said as text', async (t) => {
  const issuer = await startIssuer(t)
  const response = await fetch(authorizeUrl(issuer, { client_id: '<script>alert(1)</script>' }), {
    redirect: 'manual',
  })
  const page = await response.text()
  assert.equal(response.status, 400)
  assert.ok(!page.includes('<script'))
})

test('a wrong password and an unknown user get the same page, without the password in it', async (t) => {
  const issuer = await startIssuer(t)
  const attempts = [
    { username: 'alice', password: 'not-the-password' },
    { username: 'nobody', password: 'not-the-password' },
    { username: 'alice', password: '' },
    { username: '', password: '' },
  ]
  const pages = await Promise.all(attempts.map((attempt) => attemptLogin(issuer, attempt)))
  for (const { status, text } of pages) {
    assert.equal(status, 403)
    assert.match(text, /role="alert">The name or the password is wrong\.</)
    assert.ok(!text.includes('not-the-password'))
  }
})

test('after a wrong password the same page lets the right one in', async (t) => {
  const issuer = await startIssuer(t)
  const { browser, login } = await openLogin(issuer)
  const again = await browser.submit(login, { username: 'alice', password: 'wrong' })
  const { status, location } = await browser.submit(again, { username: 'alice', password: 'alice' })
  assert.equal(status, 303)
  assert.match(location, /^\/authorize\/|^http:\/\/127\.0\.0\.1:\d+\/authorize\//)
})

test('a form without the token of its page, or with that of another, is refused', async (t) => {
  const issuer = await startIssuer(t)
  const other = await openLogin(issuer)
  for (const change of [
    { form_token: '' },
    { form_token: 'x' },
    { form_token: readForm(other.login.text, other.login.url).fields.get('form_token') ?? '' },
  ]) {
    const { browser, login } = await openLogin(issuer)
    const { status, location } = await browser.submit(login, {
      username: 'alice',
      password: 'alice',
      ...change,
    })
    assert.equal(status, 400)
    assert.equal(location, '')
  }
})

test('a form from another browser, without its cookie, is refused', async (t) => {
  const issuer = await startIssuer(t)
  const { login } = await openLogin(issuer)
  const stranger = createBrowser()
  const { status, text } = await stranger.submit(login, { username: 'alice', password: 'alice' })
  assert.equal(status, 400)
  assert.match(text, /no longer open/)
})

test('a cookie opens the page that it was set for and no other', async (t) => {
  const issuer = await startIssuer(t)
  const [one, other] = await Promise.all([openLogin(issuer), openLogin(issuer)])
  const cookie = [...one.cookies.values()].map(({ pair }) => pair).join('; ')
  assert.equal((await fetch(one.login.url, { headers: { cookie } })).status, 200)
  assert.equal((await fetch(other.login.url, { headers: { cookie } })).status, 400)
})

test('who must log in again cannot answer the consent page first', async (t) => {
  const issuer = await startIssuer(t)
  const cookies: CookieJar = new Map()
  await seePages(issuer, {}, cookies)
  const browser = createBrowser(cookies)
  const login = await browser.open(authorizeUrl(issuer, { prompt: 'login' }))
  const skipped = { ...login, text: login.text.replace('/login"', '/consent"') }
  assert.equal((await browser.submit(skipped, { decision: 'allow' })).status, 400)
})

test('Cancel on the login page ends at the client with access_denied', async (t) => {
  const issuer = await startIssuer(t)
  const { browser, login } = await openLogin(issuer)
  const { location } = await browser.submit(login, { decision: 'deny' })
  const back = await browser.follow(new URL(location, issuer.issuer))
  assert.equal(back.origin + back.pathname, redirectUri)
  assert.equal(back.searchParams.get('error'), 'access_denied')
})

test('"Use another account" ends the session and asks who is there for the same request', async (t) => {
  const issuer = await startIssuer(t)
  const cookies: CookieJar = new Map()
  await seePages(issuer, {}, cookies)
  const browser = createBrowser(cookies)
  const consent = await browser.open(authorizeUrl(issuer, { scope: 'files:write' }))
  assert.match(visibleText(consent), /signed in as alice/)
  const { status, location } = await browser.submit(consent, { decision: 'switch' })
  assert.equal(status, 303)
  const back = await walkLogin({
    authorizeUrl: new URL(location, issuer.issuer),
    user: 'bob',
    password: 'bob',
    decision: 'allow',
    cookies,
  })
  assert.equal(back.searchParams.get('state'), 'a state & more')
  const { access } = tokensOf(await redeem(issuer, back.searchParams.get('code') ?? ''))
  assert.equal(decode(access).claims['sub'], 'bob')
  assert.equal(decode(access).claims['scope'], 'files:write')
})

test('prompt=login lets another person log in at the same browser', async (t) => {
  const issuer = await startIssuer(t)
  const cookies: CookieJar = new Map()
  await seePages(issuer, {}, cookies)
  const back = await walkLogin({
    authorizeUrl: authorizeUrl(issuer, { prompt: 'login' }),
    user: 'bob',
    password: 'bob',
    decision: 'allow',
    cookies,
    onPage: ({ text }) => assert.ok(!text.includes('<script'), 'no page may need a script'),
  })
  const { access } = tokensOf(await redeem(issuer, back.searchParams.get('code') ?? ''))
  assert.equal(decode(access).claims['sub'], 'bob')
})

test('a browser that is logged in is asked for consent again, and not for the password', async (t) => {
  const issuer = await startIssuer(t)
  const cookies: CookieJar = new Map()
  assert.equal((await seePages(issuer, {}, cookies)).length, 2)
  const again = await seePages(issuer, {}, cookies)
  assert.deepEqual(
    again.map((page) => page.text.includes('type="password"')),
    [false],
  )
})

interface Answered extends Page {
  readonly location: string
}
interface Browser {
  open(url: URL): Promise<Page>
  follow(url: URL): Promise<URL>
  submit(page: Page, fields: Readonly<Record<string, string>>): Promise<Answered>
}

/** A browser that goes one step at a time. */
function createBrowser(cookies: CookieJar = new Map()): Browser {
  const go = async (url: URL, form?: URLSearchParams): Promise<Answered> => {
    const pairs = [...cookies.values()]
      .filter(({ path }) => url.pathname.startsWith(path))
      .map(({ pair }) => pair)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: pairs.join('; ') },
      ...(form !== undefined && { method: 'POST', body: form }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...rest] = line.split('; ')
      const path = rest.find((part) => part.startsWith('path='))?.slice(5) ?? '/'
      cookies.set(`${path} ${pair.split('=', 1)[0]}`, { path, pair })
    }
    const { status, headers } = response
    return { url, status, headers, text: await response.text(), location: headers.get('location') ?? '' }
  }
  const browser: Browser = {
    async open(url) {
      const answer = await go(url)
      return answer.location === '' ? answer : browser.open(new URL(answer.location, url))
    },
    async follow(url) {
      const answer = await go(url)
      const next = new URL(answer.location, url)
      return next.origin === url.origin ? browser.follow(next) : next
    },
    submit(page, fields) {
      const form = readForm(page.text, page.url)
      for (const [name, value] of Object.entries(fields)) form.fields.set(name, value)
      return go(form.action, form.fields)
    },
  }
  return browser
}

async function openLogin(
  issuer: DevelopmentIssuer,
): Promise<{ browser: Browser; cookies: CookieJar; login: Page }> {
  const cookies: CookieJar = new Map()
  const browser = createBrowser(cookies)
  return { browser, cookies, login: await browser.open(authorizeUrl(issuer)) }
}

async function attemptLogin(
  issuer: DevelopmentIssuer,
  attempt: Readonly<Record<string, string>>,
): Promise<Page> {
  const { browser, login } = await openLogin(issuer)
  return browser.submit(login, attempt)
}
