import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decode,
  getTokens,
  refresh,
  register,
  getCode,
  redeem,
  resource,
  startIssuer,
  tokensOf,
} from './oauth-client.ts'

test('CA7: a refresh token is rotated; neither scope nor resource need be said again', async (t) => {
  const issuer = await startIssuer(t)
  const first = await getTokens(issuer)
  const second = tokensOf(await refresh(issuer, first.refresh))
  assert.notEqual(second.refresh, first.refresh)
  assert.notEqual(second.access, first.access)
  assert.equal(second.scope, first.scope)
  assert.equal(decode(second.access).claims['aud'], resource)
  assert.equal(
    (await refresh(issuer, second.refresh, { resource, scope: 'files:list' })).body['scope'],
    'files:list',
  )
})

test('a client without the grant type gets no refresh token', async (t) => {
  const issuer = await startIssuer(t)
  const { body } = await register(issuer, {
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'none',
  })
  const client = String(body['client_id'])
  const code = await getCode(issuer, {
    params: { client_id: client, scope: 'files:read offline_access', prompt: 'consent' },
  })
  const answer = await redeem(issuer, code, { client_id: client })
  assert.equal(answer.status, 200)
  assert.ok(!('refresh_token' in answer.body))
})

test('a refresh does not widen the scope', async (t) => {
  const issuer = await startIssuer(t)
  const { refresh: token } = await getTokens(issuer, { params: { scope: 'files:list' } })
  assert.equal(
    (await refresh(issuer, token, { scope: 'files:list files:write' })).body['error'],
    'invalid_scope',
  )
  assert.equal((await refresh(issuer, token)).status, 200)
})

test('a refresh token is bound to its client', async (t) => {
  const issuer = await startIssuer(t)
  const { refresh: token } = await getTokens(issuer)
  const { body } = await register(issuer, {
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  })
  assert.equal(
    (await refresh(issuer, token, { client_id: String(body['client_id']) })).body['error'],
    'invalid_grant',
  )
  assert.equal((await refresh(issuer, token)).status, 200)
})

test('CF31: parallel refreshes all succeed, and every one can go on', async (t) => {
  const issuer = await startIssuer(t)
  const { refresh: token } = await getTokens(issuer)
  const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(issuer, token)))
  const next = answers.map((answer) => tokensOf(answer).refresh)
  assert.equal(new Set(next).size, 6)
  for (const one of next) assert.equal((await refresh(issuer, one)).status, 200)
})

for (const { seconds, works } of [
  { seconds: 0, works: true },
  { seconds: 60, works: true },
  { seconds: 61, works: false },
]) {
  test(`CA7, CF31: a refresh token used again after ${seconds} s ${works ? 'works' : 'ends the whole family'}`, async (t) => {
    let now = Math.floor(Date.now() / 1000)
    const issuer = await startIssuer(t, { nowSeconds: () => now })
    const first = await getTokens(issuer)
    const second = tokensOf(await refresh(issuer, first.refresh))
    now += seconds
    const again = await refresh(issuer, first.refresh)
    assert.equal(again.status, works ? 200 : 400)
    if (!works) assert.equal(again.body['error'], 'invalid_grant')
    assert.equal((await refresh(issuer, second.refresh)).status, works ? 200 : 400)
  })
}

test('the grace counts from the first use: using the token again does not renew it', async (t) => {
  let now = Math.floor(Date.now() / 1000)
  const issuer = await startIssuer(t, { nowSeconds: () => now })
  const { refresh: token } = await getTokens(issuer)
  for (const seconds of [0, 40, 20]) {
    now += seconds
    assert.equal((await refresh(issuer, token)).status, 200)
  }
  now += 1
  assert.equal((await refresh(issuer, token)).status, 400)
})
