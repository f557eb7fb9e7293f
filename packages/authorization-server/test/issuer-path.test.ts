import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { type AuthorizationServer, html, openAuthorizationServer } from '@mcp-doorman/authorization-server'

/** A server whose issuer has a path, on a free port. */
async function startServer(t: TestContext): Promise<string> {
  let server: AuthorizationServer
  const listener = createServer((request, response) => server.handle(request, response))
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/tenant/a` // It listens on a TCP port.
  server = await openAuthorizationServer({
    issuer,
    resources: [{ resource: 'https://mcp.example.com/mcp', scopes: ['read'] }],
    clients: [{ clientId: 'known', redirectUris: ['https://client.example/callback'] }],
    login: {
      page: (view) => ({ title: 'Who is there?', content: html`<form action="${view.action}"></form>` }),
      verify: async () => undefined,
      findAccount: () => undefined,
    },
  })
  t.after(() => {
    listener.close()
    listener.closeAllConnections()
    server.close()
  })
  return issuer
}

test('metadata of an issuer with a path stands at the path-inserted and at the appended URL, and nowhere else', async (t) => {
  const issuer = await startServer(t)
  const { origin, pathname } = new URL(issuer)
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    for (const url of [`${origin}/.well-known/${name}${pathname}`, `${issuer}/.well-known/${name}`]) {
      const response = await fetch(url)
      const text = await response.text()
      assert.equal(response.status, 200, url)
      assert.ok(text.includes(`"issuer":"${issuer}"`))
      assert.ok(text.includes(`"token_endpoint":"${issuer}/token"`))
      assert.ok(text.includes(`"jwks_uri":"${issuer}/jwks"`))
    }
    for (const url of [
      `${origin}/.well-known/${name}`,
      `${origin}/.well-known/${name}/tenant`,
      `${origin}/token`,
    ]) {
      assert.equal((await fetch(url)).status, 404, url)
    }
  }
})

test('pages and cookies of an issuer with a path stand below it', async (t) => {
  const issuer = await startServer(t)
  const { pathname } = new URL(issuer)
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'known',
    redirect_uri: 'https://client.example/callback',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  })
  const response = await fetch(`${issuer}/authorize?${query}`, { redirect: 'manual' })
  const location = response.headers.get('location') ?? ''
  assert.equal(response.status, 303)
  assert.match(location, new RegExp(`^${pathname}/interaction/`))
  for (const cookie of response.headers.getSetCookie()) {
    assert.match(cookie, new RegExp(`path=${pathname}/`))
    assert.match(cookie, /httponly/i)
    assert.match(cookie, /samesite=lax/i)
  }
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0])
  const page = await fetch(new URL(location, issuer), { headers: { cookie: cookies.join('; ') } })
  assert.equal(page.status, 200)
  assert.match(await page.text(), new RegExp(`action="${location}/login"`))
})
