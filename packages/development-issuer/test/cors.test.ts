import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getCode, redeem, startIssuer } from './oauth-client.ts'

const origin = { origin: 'https://inspector.example' }
const open = [
  { path: '/.well-known/oauth-authorization-server', method: 'GET' },
  { path: '/.well-known/openid-configuration', method: 'GET' },
  { path: '/jwks', method: 'GET' },
  { path: '/register', method: 'POST' },
  { path: '/token', method: 'POST' },
  { path: '/revoke', method: 'POST' },
]
for (const { path, method } of open) {
  test(`CA9: ${method} ${path} may be called by pages of any origin, without credentials`, async (t) => {
    const { issuer } = await startIssuer(t)
    const preflight = await fetch(issuer + path, {
      method: 'OPTIONS',
      headers: {
        ...origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
      },
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    assert.match(preflight.headers.get('access-control-allow-methods') ?? '', new RegExp(method))
    for (const name of ['authorization', 'content-type', 'mcp-protocol-version']) {
      assert.match(preflight.headers.get('access-control-allow-headers') ?? '', new RegExp(name, 'i'))
    }
    const answer = await fetch(issuer + path, { method, headers: origin })
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.equal(answer.headers.get('access-control-allow-credentials'), null)
    assert.match(answer.headers.get('access-control-expose-headers') ?? '', /WWW-Authenticate/i)
  })
}

test('CA9: what acts on cookies or for servers is closed to other origins', async (t) => {
  const { issuer } = await startIssuer(t)
  for (const path of ['/authorize', '/interaction/abcdefghijklmnop', '/introspect', '/development/token']) {
    for (const method of ['OPTIONS', 'GET']) {
      const answer = await fetch(issuer + path, { method, headers: origin, redirect: 'manual' })
      assert.equal(answer.headers.get('access-control-allow-origin'), null, `${method} ${path}`)
    }
  }
})

test('CA9: a browser redeems its code from another origin', async (t) => {
  const issuer = await startIssuer(t)
  const code = await getCode(issuer)
  const answer = await redeem(issuer, code, {}, origin)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('access-control-allow-origin'), '*')
})
