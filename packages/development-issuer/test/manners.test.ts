/** CA11: what other providers do otherwise, as far as MCP clients and servers stumble over it. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type DevelopmentIssuer, likes, type Like } from '@mcp-doorman/development-issuer'
import {
  authorizeUrl,
  decode,
  getCode,
  getJson,
  redeem,
  refresh,
  register,
  resource,
  startIssuer,
} from './oauth-client.ts'

const native = { redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none' }

function start(t: TestContext, like: Like): Promise<DevelopmentIssuer> {
  return startIssuer(t, { like, autoLogin: true, autoConsent: true })
}

/** Where a request without pages ends. */
async function backFrom(
  issuer: DevelopmentIssuer,
  params: Parameters<typeof authorizeUrl>[1] = {},
): Promise<URLSearchParams> {
  const url = authorizeUrl({ ...issuer, issuer: issuer.issuer.replace(/\/$/, '') }, params)
  const response = await fetch(url, { redirect: 'manual' })
  return new URL(response.headers.get('location') ?? `about:${response.status}`).searchParams
}

async function tokenFor(
  issuer: DevelopmentIssuer,
  params: Parameters<typeof authorizeUrl>[1] = {},
): Promise<Readonly<Record<string, unknown>>> {
  const code = (await backFrom(issuer, params)).get('code') ?? ''
  const { status, body } = await redeem({ ...issuer, issuer: issuer.issuer.replace(/\/$/, '') }, code)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

const claimsIn = (body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  decode(String(body['access_token'])).claims

test('there is a manner for each provider that is known, and no other', async (t) => {
  for (const like of ['doorman', 'keycloak', 'auth0', 'entra'] as const) assert.ok(likes.includes(like))
  await assert.rejects(startIssuer(t, { like: 'okta' as Like }), /like: must be one of doorman/)
})

test('CF22, CF23: like Keycloak, no token names an audience, and no host may register, without CORS', async (t) => {
  const issuer = await start(t, 'keycloak')
  for (const asked of [{}, { resource: undefined }, { resource: 'https://unknown.example/mcp' }]) {
    const claims = claimsIn(await tokenFor(issuer, asked))
    assert.ok(!('aud' in claims))
    assert.equal(claims['iss'], issuer.issuer)
  }
  const refused = await register(issuer, native)
  assert.equal(refused.status, 403)
  assert.equal(refused.headers.get('access-control-allow-origin'), null)
  const { body, headers } = await getJson(`${issuer.issuer}/.well-known/oauth-authorization-server`)
  assert.equal(headers.get('access-control-allow-origin'), '*')
  assert.notEqual(body['client_id_metadata_document_supported'], true)
})

test('CF22: like Keycloak, one unknown scope among known ones ends the request', async (t) => {
  const issuer = await start(t, 'keycloak')
  const refused = await backFrom(issuer, { scope: 'files:read no:such' })
  assert.equal(refused.get('error'), 'invalid_scope')
  assert.ok((await backFrom(issuer, { scope: 'files:read offline_access' })).has('code'))
})

test('like Auth0, the issuer ends in a slash wherever it stands', async (t) => {
  const issuer = await start(t, 'auth0')
  assert.match(issuer.issuer, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  const { body } = await getJson(`${issuer.issuer}.well-known/openid-configuration`)
  assert.equal(body['issuer'], issuer.issuer)
  assert.equal((await backFrom(issuer)).get('iss'), issuer.issuer)
  assert.equal(claimsIn(await tokenFor(issuer))['iss'], issuer.issuer)
})

test('CF24: like Auth0, a token without an audience is opaque, also after a refresh; one with it is a JWT', async (t) => {
  const issuer = await start(t, 'auth0')
  const plain = { ...issuer, issuer: issuer.issuer.slice(0, -1) }
  const body = await tokenFor(issuer, { resource: undefined })
  assert.match(String(body['access_token']), /^[\w-]{32}$/)
  const refreshed = await refresh(plain, String(body['refresh_token']))
  assert.match(String(refreshed.body['access_token']), /^[\w-]{32}$/)
})

test('like Auth0, an audience by either name makes a JWT, and an unknown one is no service', async (t) => {
  const issuer = await start(t, 'auth0')
  for (const asked of [{}, { resource: undefined, audience: resource }]) {
    assert.equal(claimsIn(await tokenFor(issuer, asked))['aud'], resource)
  }
  for (const asked of [
    { resource: 'https://x.example/' },
    { resource: undefined, audience: 'https://x.example/' },
  ]) {
    const refused = await backFrom(issuer, asked)
    assert.equal(refused.get('error'), 'access_denied')
    assert.equal(refused.get('error_description'), 'Service not found: https://x.example/')
    assert.equal(refused.get('iss'), issuer.issuer)
  }
})

test('CF25: like Entra, resource and scope do not go together; either alone does', async (t) => {
  const issuer = await start(t, 'entra')
  const refused = await backFrom(issuer, { scope: 'files:read' })
  assert.equal(refused.get('error'), 'invalid_target')
  assert.match(refused.get('error_description') ?? '', /^AADSTS9010010/)
  assert.ok((await backFrom(issuer, { scope: 'files:read', resource: undefined })).has('code'))
  assert.ok((await backFrom(issuer, { scope: undefined })).has('code'))
})

test('CF26: like Entra, a refresh without scope fails, and one with it succeeds', async (t) => {
  const issuer = await start(t, 'entra')
  const body = await tokenFor(issuer, { resource: undefined, scope: 'files:read' })
  assert.match(String(claimsIn(body)['aud']), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/)
  const token = String(body['refresh_token'])
  const refused = await refresh(issuer, token)
  assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_request'])
  assert.match(String(refused.body['error_description']), /^AADSTS90009/)
  assert.equal((await refresh(issuer, token, { scope: 'files:read' })).status, 200)
})

test('CF28: like Entra, nobody registers, and metadata stands at the OpenID address only', async (t) => {
  const issuer = await start(t, 'entra')
  assert.equal((await getJson(`${issuer.issuer}/.well-known/oauth-authorization-server`)).status, 404)
  const { status, body } = await getJson(`${issuer.issuer}/.well-known/openid-configuration`)
  assert.equal(status, 200)
  assert.ok(!('registration_endpoint' in body))
  assert.equal((await register(issuer, native)).status, 404)
})

test('a person logs in with every manner, by the pages', async (t) => {
  for (const like of ['keycloak', 'auth0', 'entra'] as const) {
    const issuer = await startIssuer(t, { like })
    const plain = { ...issuer, issuer: issuer.issuer.replace(/\/$/, '') }
    assert.ok(
      (await getCode(plain, { params: { resource: like === 'entra' ? undefined : resource } })) !== '',
      like,
    )
  }
})

test('faults strike whatever the manners are', async (t) => {
  for (const like of likes) {
    const issuer = await start(t, like)
    await issuer.faults.enable('token-scope', { is: 'empty' })
    const token = await issuer.issueToken({ user: 'alice', scopes: ['files:read'] })
    assert.equal(decode(token).claims['scope'], '', like)
  }
})

test('CF15: like Casdoor too, a redirect on another port than the registered one ends at no client', async (t) => {
  const issuer = await start(t, 'casdoor')
  const url = new URL(`${issuer.issuer}/login/oauth/authorize`)
  url.search = authorizeUrl(issuer).search
  const answer = async (): Promise<string | null> =>
    (await fetch(url, { redirect: 'manual' })).headers.get('location')
  assert.match((await answer()) ?? '', /^http:\/\/127\.0\.0\.1:49152\/callback\?code=/)
  await issuer.faults.enable('redirect-ports')
  assert.equal(await answer(), null)
})
