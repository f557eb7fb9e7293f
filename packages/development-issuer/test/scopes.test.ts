import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorizeUrl, decode, getTokens, startIssuer } from './oauth-client.ts'
import type { CookieJar } from './walk-login.ts'

const cases: readonly { name: string; scope: string | undefined; expected: string }[] = [
  { name: 'no scope', scope: undefined, expected: 'files:list files:read' },
  { name: 'an empty scope', scope: '', expected: 'files:list files:read' },
  { name: 'offline_access alone', scope: 'offline_access', expected: 'files:list files:read' },
  { name: 'OpenID scopes alone', scope: 'openid email profile', expected: 'files:list files:read' },
  { name: 'one scope', scope: 'files:write', expected: 'files:write' },
  {
    name: 'everything',
    scope: 'files:list files:read files:write offline_access',
    expected: 'files:list files:read files:write',
  },
  { name: 'an unknown scope beside a known one', scope: 'files:admin files:read', expected: 'files:read' },
]
for (const { name, scope, expected } of cases) {
  test(`CA7: a request with ${name} gives ${expected}`, async (t) => {
    const issuer = await startIssuer(t)
    const tokens = await getTokens(issuer, { params: { scope } })
    assert.equal(tokens.scope, expected)
    assert.equal(decode(tokens.access).claims['scope'], expected)
  })
}

test('a request for unknown scopes only is refused with invalid_scope and iss', async (t) => {
  const issuer = await startIssuer(t)
  const response = await fetch(authorizeUrl(issuer, { scope: 'files:admin offline_access' }), {
    redirect: 'manual',
  })
  const { searchParams } = new URL(response.headers.get('location') ?? '')
  assert.equal(searchParams.get('error'), 'invalid_scope')
  assert.equal(searchParams.get('iss'), issuer.issuer)
})

test('a step-up in the same browser adds to nothing: the token has what was asked for this time', async (t) => {
  const issuer = await startIssuer(t)
  const cookies: CookieJar = new Map()
  const first = await getTokens(issuer, { cookies, params: { scope: 'files:list' } })
  const second = await getTokens(issuer, { cookies, params: { scope: 'files:list files:write' } })
  const third = await getTokens(issuer, { cookies, params: { scope: 'files:read' } })
  assert.deepEqual(
    [first.scope, second.scope, third.scope],
    ['files:list', 'files:list files:write', 'files:read'],
  )
})

test('a client that asks for openid also gets an ID token, and the access token stays for the resource', async (t) => {
  const issuer = await startIssuer(t)
  const { access } = await getTokens(issuer, { params: { scope: 'openid files:read' } })
  assert.equal(decode(access).header['typ'], 'at+jwt')
  assert.equal(decode(access).claims['aud'], 'http://127.0.0.1:8080/mcp')
})
