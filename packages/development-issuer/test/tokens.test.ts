import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DevelopmentIssuer } from '@mcp-doorman/development-issuer'
import {
  type Answer,
  decode,
  getJson,
  getTokens,
  postForm,
  refresh,
  register,
  startIssuer,
} from './oauth-client.ts'

const checker = {
  clientId: 'resource-server',
  redirectUris: ['http://127.0.0.1/callback'],
  secret: 'a secret of the resource server',
  mayIntrospect: true,
}
const other = { ...checker, clientId: 'other', mayIntrospect: false }

function introspect(
  issuer: DevelopmentIssuer,
  token: string,
  client: { clientId: string; secret: string },
): Promise<Answer> {
  return postForm(`${issuer.issuer}/introspect`, {
    token,
    client_id: client.clientId,
    client_secret: client.secret,
  })
}

test('RFC 7662: a client that may introspect sees what an access token says', async (t) => {
  const issuer = await startIssuer(t, { clients: [checker] })
  const { access } = await getTokens(issuer)
  const { status, body, headers } = await introspect(issuer, access, checker)
  const { claims } = decode(access)
  assert.equal(status, 200)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(body['active'], true)
  for (const name of ['iss', 'aud', 'sub', 'client_id', 'scope', 'exp', 'iat', 'jti']) {
    assert.equal(body[name], claims[name], name)
  }
})

test('a client that may not introspect learns nothing about tokens of others', async (t) => {
  const issuer = await startIssuer(t, { clients: [checker, other] })
  const { access, refresh: token } = await getTokens(issuer)
  assert.deepEqual((await introspect(issuer, access, other)).body, { active: false })
  assert.deepEqual((await introspect(issuer, token, other)).body, { active: false })
  const { body } = await register(issuer, { redirect_uris: ['http://127.0.0.1/callback'] })
  const stranger = { clientId: String(body['client_id']), secret: String(body['client_secret']) }
  assert.deepEqual((await introspect(issuer, access, stranger)).body, { active: false })
})

test('introspection without client authentication is refused', async (t) => {
  const issuer = await startIssuer(t, { clients: [checker] })
  const { access } = await getTokens(issuer)
  assert.equal((await postForm(`${issuer.issuer}/introspect`, { token: access })).status, 400)
  assert.equal((await introspect(issuer, access, { ...checker, secret: 'wrong' })).status, 401)
})

test('what is no token of ours is inactive: its jti, its hash, a changed signature, rubbish', async (t) => {
  const issuer = await startIssuer(t, { clients: [checker] })
  const { access } = await getTokens(issuer)
  const jti = String(decode(access).claims['jti'])
  const hash = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(access))).toString('base64url')
  for (const token of [jti, hash, `issued:${hash}`, `${access}x`, access.slice(0, -1), 'a.b.c', 'x', 'é']) {
    assert.deepEqual((await introspect(issuer, token, checker)).body, { active: false }, token)
  }
})

test('RFC 7009: a revoked access token is inactive, and what was given with it too', async (t) => {
  const issuer = await startIssuer(t, { clients: [checker] })
  const { access, refresh: token } = await getTokens(issuer)
  const revoked = await postForm(`${issuer.issuer}/revoke`, { token: access, client_id: 'doorman-dev' })
  assert.equal(revoked.status, 200)
  assert.deepEqual((await introspect(issuer, access, checker)).body, { active: false })
  assert.equal((await refresh(issuer, token)).body['error'], 'invalid_grant')
})

test('RFC 7009: revoking the refresh token ends its access tokens', async (t) => {
  const issuer = await startIssuer(t, { clients: [checker] })
  const { access, refresh: token } = await getTokens(issuer)
  await postForm(`${issuer.issuer}/revoke`, { token, client_id: 'doorman-dev' })
  assert.equal((await refresh(issuer, token)).status, 400)
  assert.deepEqual((await introspect(issuer, access, checker)).body, { active: false })
})

test('another client cannot revoke a token, and is not told whether it exists', async (t) => {
  const issuer = await startIssuer(t, { clients: [checker, other] })
  const { access, refresh: token } = await getTokens(issuer)
  for (const stolen of [access, token, 'unknown']) {
    const form = { token: stolen, client_id: other.clientId, client_secret: other.secret }
    assert.equal((await postForm(`${issuer.issuer}/revoke`, form)).status, 200)
  }
  assert.equal((await introspect(issuer, access, checker)).body['active'], true)
  assert.equal((await refresh(issuer, token)).status, 200)
})

test('a form that is too large is refused, whole or in pieces', async (t) => {
  const { issuer } = await startIssuer(t)
  assert.equal((await postForm(`${issuer}/token`, { code: 'x'.repeat(70_000) })).status, 413)
})

test('after rotateKeys a new key signs and the old one is still published', async (t) => {
  const issuer = await startIssuer(t)
  const before = decode((await getTokens(issuer)).access).header['kid']
  await issuer.rotateKeys()
  const after = decode((await getTokens(issuer)).access).header['kid']
  assert.notEqual(after, before)
  assert.deepEqual(await publishedKeyIds(issuer), [after, before])
})

test('after replaceKeyUnderSameId another key has the same kid', async (t) => {
  const issuer = await startIssuer(t)
  const { body: before } = await getJson(`${issuer.issuer}/jwks`)
  const ids = await publishedKeyIds(issuer)
  const { refresh: token } = await getTokens(issuer)
  await issuer.replaceKeyUnderSameId()
  assert.deepEqual(await publishedKeyIds(issuer), ids)
  assert.notDeepEqual((await getJson(`${issuer.issuer}/jwks`)).body, before)
  assert.equal((await refresh(issuer, token)).status, 200)
})

async function publishedKeyIds(issuer: DevelopmentIssuer): Promise<readonly unknown[]> {
  const { body } = await getJson(`${issuer.issuer}/jwks`)
  assert.ok(Array.isArray(body['keys']))
  return body['keys'].map((key: { kid?: unknown }) => key.kid)
}
