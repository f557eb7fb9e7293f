import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAdapter, issuedTokenName, presentedTokenName, rememberAccessToken } from '#internal/adapter'
import { openStore, type Store } from '#internal/store'
import type { Adapter } from 'oidc-provider'

const limits = { mostUnused: 2, unusedSeconds: 100, idleSeconds: 1000, freshSeconds: 10 }

interface Kept {
  readonly store: Store
  readonly adapter: (model: string) => Adapter
  readonly wait: (seconds: number) => void
}
function keep(t: { after(done: () => void): void }): Kept {
  let now = 1_000_000
  const nowSeconds = (): number => now
  const store = openStore(undefined, limits, nowSeconds)
  t.after(() => store.close())
  return {
    store,
    adapter: (model) => createAdapter(model, store, { reuseGraceSeconds: 60, nowSeconds }),
    wait(seconds) {
      now += seconds
    },
  }
}

test('a code is consumed by one of two; the other is refused and the grant is gone', async (t) => {
  const { adapter } = keep(t)
  const codes = adapter('AuthorizationCode')
  await adapter('Grant').upsert('g', { accountId: 'alice' }, 500)
  await adapter('RefreshToken').upsert('r', { grantId: 'g' }, 500)
  await codes.upsert('c', { grantId: 'g' }, 60)
  await codes.consume('c')
  await assert.rejects(codes.consume('c'), { error: 'invalid_grant' })
  assert.equal(await adapter('Grant').find('g'), undefined)
  assert.equal(await adapter('RefreshToken').find('r'), undefined)
})

test('a consumed code is found as consumed, at once', async (t) => {
  const codes = keep(t).adapter('AuthorizationCode')
  await codes.upsert('c', { grantId: 'g' }, 60)
  await codes.consume('c')
  assert.ok((await codes.find('c'))?.consumed !== undefined)
})

test('a refresh token is found as unused until the grace ends', async (t) => {
  const { adapter, wait } = keep(t)
  const tokens = adapter('RefreshToken')
  await tokens.upsert('r', { grantId: 'g' }, 500)
  await tokens.consume('r')
  wait(60)
  await tokens.consume('r')
  assert.deepEqual(await tokens.find('r'), { grantId: 'g' })
  wait(1)
  assert.equal((await tokens.find('r'))?.consumed, 1_000_000)
  await assert.rejects(tokens.consume('r'), { error: 'invalid_grant' })
})

test('a refresh token whose family was revoked meanwhile cannot be consumed', async (t) => {
  const { adapter } = keep(t)
  const tokens = adapter('RefreshToken')
  await tokens.upsert('r', { grantId: 'g' }, 500)
  await tokens.revokeByGrantId('g')
  await assert.rejects(tokens.consume('r'), { error: 'invalid_grant' })
})

test('what has expired is not found, and is deleted later', async (t) => {
  const { adapter, wait } = keep(t)
  const grants = adapter('Grant')
  await grants.upsert('g', { accountId: 'alice' }, 60)
  wait(59)
  assert.ok((await grants.find('g')) !== undefined)
  wait(1)
  assert.equal(await grants.find('g'), undefined)
})

test('a session is found by its uid', async (t) => {
  const sessions = keep(t).adapter('Session')
  await sessions.upsert('s', { uid: 'u', accountId: 'alice' }, 60)
  assert.equal((await sessions.findByUid('u'))?.accountId, 'alice')
  await sessions.destroy('s')
  assert.equal(await sessions.findByUid('u'), undefined)
})

test('models do not see each other', async (t) => {
  const { adapter } = keep(t)
  await adapter('RefreshToken').upsert('x', { grantId: 'g' }, 60)
  assert.equal(await adapter('AuthorizationCode').find('x'), undefined)
})

test('an issued JWT is found by its whole text only', async (t) => {
  const { adapter, store } = keep(t)
  const claims = {
    jti: 'j',
    iat: 1_000_000,
    exp: 1_000_100,
    sub: 'alice',
    client_id: 'c',
    aud: 'a',
    scope: 's',
  }
  const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`
  rememberAccessToken(store, token, 'g')
  const tokens = adapter('AccessToken')
  assert.equal((await tokens.find(presentedTokenName(token)))?.jti, 'j')
  for (const other of ['j', `${token}x`, issuedTokenName(token), token.replace('signature', 'other')]) {
    assert.equal(await tokens.find(presentedTokenName(other)), undefined, other)
  }
  await tokens.destroy('j')
  assert.equal(await tokens.find(presentedTokenName(token)), undefined)
})

test('registrations: the oldest unused go first, used ones stay, all have an end', (t) => {
  const { store, wait } = keep(t)
  store.putClient('used', '{}')
  store.touchClient('used')
  for (const id of ['a', 'b']) assert.ok(store.putClient(id, '{}'))
  wait(9)
  assert.ok(!store.putClient('c', '{}'), 'a and b are still fresh')
  wait(1)
  assert.ok(store.putClient('c', '{}'))
  const known = (): readonly string[] =>
    ['used', 'a', 'b', 'c'].filter((id) => store.findClient(id) !== undefined)
  assert.deepEqual(known(), ['used', 'b', 'c'])
  wait(100)
  store.putClient('d', '{}')
  assert.deepEqual(known(), ['used'])
  wait(900)
  store.putClient('e', '{}')
  assert.deepEqual(known(), [])
})
