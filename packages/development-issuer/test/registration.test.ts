import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  authorizeUrl,
  decode,
  getCode,
  type Json,
  redeem,
  refresh,
  register,
  startIssuer,
  tokensOf,
} from './oauth-client.ts'

/** What real clients send, by habit rather than by name. */
const bodies: readonly { name: string; body: Json; redirect: string; confidential?: boolean }[] = [
  {
    name: 'a native client with the scopes of its first request',
    redirect: 'http://127.0.0.1:3118/callback',
    body: {
      redirect_uris: ['http://127.0.0.1:33418/callback'],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'files:list files:read offline_access',
    },
  },
  {
    name: 'no type, no scope, several redirects',
    redirect: 'http://localhost:7777/oauth/callback',
    body: {
      redirect_uris: ['http://localhost:6274/oauth/callback/debug', 'http://localhost:6274/oauth/callback'],
      token_endpoint_auth_method: 'none',
    },
  },
  {
    name: 'an empty scope, empty strings and nulls',
    redirect: 'http://localhost:50000/callback',
    body: {
      redirect_uris: ['http://localhost/callback'],
      token_endpoint_auth_method: 'none',
      scope: '',
      client_uri: '',
      logo_uri: null,
      contacts: null,
    },
  },
  {
    name: 'no auth method, which means a secret in Basic',
    redirect: 'http://localhost:50000/callback',
    body: { client_name: 'Fast', redirect_uris: ['http://localhost:50000/callback'], scope: 'files:list' },
    confidential: true,
  },
  {
    name: 'a web client',
    redirect: 'https://claude.ai/api/mcp/auth_callback',
    body: {
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
      application_type: 'web',
      token_endpoint_auth_method: 'none',
    },
  },
  {
    name: 'a web client on loopback, which still may choose its port',
    redirect: 'http://localhost:3456/callback',
    body: {
      redirect_uris: ['http://localhost/callback'],
      application_type: 'web',
      token_endpoint_auth_method: 'none',
    },
  },
  {
    name: 'an application with its own scheme',
    redirect: 'cursor://anysphere.cursor-mcp/oauth/callback',
    body: {
      redirect_uris: ['cursor://anysphere.cursor-mcp/oauth/callback'],
      token_endpoint_auth_method: 'none',
    },
  },
  {
    name: 'grant types and members that we do not know',
    redirect: 'https://vscode.dev/redirect',
    body: {
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      redirect_uris: ['https://vscode.dev/redirect', 'http://127.0.0.1/', 'http://127.0.0.1:33418/'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      software_id: 'x',
      software_version: '1',
      something_new: { a: 1 },
    },
  },
  {
    name: 'https on loopback',
    redirect: 'https://localhost:3080/api/mcp/files/oauth/callback',
    body: {
      redirect_uris: ['https://localhost:3080/api/mcp/files/oauth/callback'],
      token_endpoint_auth_method: 'none',
    },
  },
]
for (const { name, body, redirect, confidential } of bodies) {
  test(`CA4: ${name}: registers, logs in, gets tokens, and steps up later`, async (t) => {
    const issuer = await startIssuer(t)
    const registered = await register(issuer, body)
    assert.equal(registered.status, 201, JSON.stringify(registered.body))
    assert.equal(registered.headers.get('cache-control'), 'no-store')
    assert.deepEqual(registered.body['redirect_uris'], body['redirect_uris'])
    assert.equal(
      registered.body['token_endpoint_auth_method'],
      body['token_endpoint_auth_method'] ?? 'client_secret_basic',
    )
    assert.deepEqual(registered.body['grant_types'], ['authorization_code', 'refresh_token'])
    assert.equal('client_secret' in registered.body, confidential ?? false)
    assert.ok(!/null|""/.test(JSON.stringify(registered.body)))

    const id = String(registered.body['client_id'])
    const headers: Record<string, string> = confidential
      ? {
          authorization: `Basic ${Buffer.from(`${id}:${String(registered.body['client_secret'])}`).toString('base64')}`,
        }
      : {}
    const form = { redirect_uri: redirect, client_id: confidential ? undefined : id }
    for (const scope of ['files:list', 'files:write']) {
      const params = { client_id: id, redirect_uri: redirect, scope }
      const tokens = tokensOf(await redeem(issuer, await getCode(issuer, { params }), form, headers))
      assert.equal(tokens.scope, scope)
    }
  })
}

const refused: readonly { name: string; uris: unknown; error?: string }[] = [
  { name: 'javascript:', uris: ['javascript:alert(1)'] },
  { name: 'data:', uris: ['data:text/html,x'] },
  { name: 'a fragment', uris: ['https://client.example/callback#here'] },
  { name: 'an empty fragment', uris: ['https://client.example/callback#'] },
  { name: 'userinfo', uris: ['https://user:password@client.example/callback'] },
  { name: 'empty userinfo', uris: ['https://@client.example/callback'] },
  { name: 'plain http elsewhere', uris: ['http://client.example/callback'] },
  { name: 'a scheme that is not allowed', uris: ['windsurf://callback'] },
  { name: 'one bad among good ones', uris: ['http://localhost/callback', 'file:///etc/passwd'] },
  { name: 'none', uris: [], error: 'invalid_redirect_uri' },
  { name: 'no list', uris: 'http://localhost/callback', error: 'invalid_redirect_uri' },
]
for (const { name, uris, error } of refused) {
  test(`CA3: redirect URIs with ${name} are refused at registration`, async (t) => {
    const issuer = await startIssuer(t)
    const { status, body } = await register(issuer, {
      redirect_uris: uris,
      token_endpoint_auth_method: 'none',
    })
    assert.equal(status, 400)
    assert.equal(body['error'], error ?? 'invalid_redirect_uri')
    assert.equal(typeof body['error_description'], 'string')
  })
}

test('an allowed scheme of an application can be registered', async (t) => {
  const issuer = await startIssuer(t, { redirects: { appSchemes: ['windsurf'] } })
  assert.equal((await register(issuer, { redirect_uris: ['windsurf://callback'] })).status, 201)
})

test('registration can be turned off, and is then not advertised', async (t) => {
  const issuer = await startIssuer(t, { registration: false })
  assert.equal((await register(issuer, { redirect_uris: ['http://localhost/callback'] })).status, 404)
  const metadata = await fetch(`${issuer.issuer}/.well-known/oauth-authorization-server`)
  assert.ok(!(await metadata.text()).includes('registration_endpoint'))
})

test('CF54: of registrations that were never used the oldest go; a used one stays', async (t) => {
  let now = Math.floor(Date.now() / 1000)
  const issuer = await startIssuer(t, { registration: { mostUnused: 3 }, nowSeconds: () => now })
  const isKnown = async (id: string): Promise<boolean> => {
    const url = authorizeUrl(issuer, { client_id: id, redirect_uri: 'http://localhost/callback' })
    return (await fetch(url, { redirect: 'manual' })).status === 303
  }
  const add = async (): Promise<string> => {
    const { body } = await register(issuer, {
      redirect_uris: ['http://localhost/callback'],
      token_endpoint_auth_method: 'none',
    })
    return String(body['client_id'])
  }
  const used = await add()
  const params = { client_id: used, redirect_uri: 'http://localhost/callback' }
  tokensOf(await redeem(issuer, await getCode(issuer, { params }), params))
  const unused = [await add(), await add(), await add()]
  now += 600 // Now they are no longer fresh.
  unused.push(await add())
  assert.deepEqual(await Promise.all(unused.map(isKnown)), [false, true, true, true])
  assert.ok(await isKnown(used))
})

test('a flood of registrations is told to wait, and drops none that its client may still log in with', async (t) => {
  let now = Math.floor(Date.now() / 1000)
  const issuer = await startIssuer(t, { registration: { mostUnused: 3 }, nowSeconds: () => now })
  const metadata = { redirect_uris: ['http://localhost/callback'], token_endpoint_auth_method: 'none' }
  const honest = String((await register(issuer, metadata)).body['client_id'])
  const flood = await Promise.all(Array.from({ length: 20 }, () => register(issuer, metadata)))
  const refused = flood.filter(({ status }) => status !== 201)
  assert.equal(refused.length, 18)
  for (const { status, headers, body } of refused) {
    assert.equal(status, 503)
    assert.equal(headers.get('retry-after'), '60')
    assert.equal(body['error'], 'temporarily_unavailable')
    assert.match(String(body['error_description']), /try again later/)
  }
  const params = { client_id: honest, redirect_uri: 'http://localhost/callback' }
  tokensOf(await redeem(issuer, await getCode(issuer, { params }), params))

  // Its place is free again, since it was used; the next has to wait until the first of the flood is old.
  assert.equal((await register(issuer, metadata)).status, 201)
  now += 599
  assert.equal((await register(issuer, metadata)).status, 503)
  now += 1
  assert.equal((await register(issuer, metadata)).status, 201)
})

test('CF54: an unused registration expires, a used one much later', async (t) => {
  let now = Math.floor(Date.now() / 1000)
  const issuer = await startIssuer(t, {
    registration: { unusedSeconds: 100, idleSeconds: 1000 },
    nowSeconds: () => now,
  })
  const body = { redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none' }
  const used = String((await register(issuer, body)).body['client_id'])
  const unused = String((await register(issuer, body)).body['client_id'])
  const tokens = tokensOf(
    await redeem(issuer, await getCode(issuer, { params: { client_id: used } }), { client_id: used }),
  )
  now += 200
  await register(issuer, body) // What expired goes at the next write.
  assert.equal((await fetch(authorizeUrl(issuer, { client_id: unused }), { redirect: 'manual' })).status, 400)
  assert.equal(
    decode(tokensOf(await refresh(issuer, tokens.refresh, { client_id: used })).access).claims['client_id'],
    used,
  )
  now += 1001
  await register(issuer, body)
  assert.equal((await fetch(authorizeUrl(issuer, { client_id: used }), { redirect: 'manual' })).status, 400)
})
