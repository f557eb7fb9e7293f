import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IssuerKeys } from '#internal/identity/issuer-keys'
import { provenIdentity } from '#internal/identity/identity'
import { VerifiedTokens, type VerifiedToken } from '#internal/identity/verified-tokens'
import type { Decision } from '@mcp-doorman/resource-server'
import { makeKey } from './compact-jws.ts'
import { resource, startGuarded } from './guarded.ts'
import { heapAfterCollection } from './heap.ts'
import { startTestIssuer } from './test-issuer.ts'

/** The very object that a verification made: the same one again means that nothing was verified again. */
function identityOf(decision: Decision): object {
  assert.ok(decision.granted)
  return decision.identity
}

test('C31: a token is verified once, and found again until it ends', async () => {
  const world = await startGuarded()
  const token = world.issuer.sign({ claims: { exp: world.clock.now + 100 } })
  const first = identityOf(await world.ask({ token }))
  for (const seconds of [1, 50, 99, 129]) {
    world.clock.now += seconds - (world.clock.now % 1000)
    assert.equal(identityOf(await world.ask({ token })), first)
  }
  world.clock.now += 1
  assert.equal(await world.outcome({ token }), 'token_expired')
  // Here it ended before the request, which the guard would notice too, in other words.
  assert.match(String(world.records().at(-1)?.['detail']), /^ended at \d+$/)
  assert.equal(await world.outcome({ token }), 'token_expired', 'also when it is no longer remembered')
})

test('a remembered token is found without waiting', async () => {
  const world = await startGuarded()
  const token = world.issuer.sign()
  await world.ask({ token })
  await world.issuer.close()
  assert.equal(await world.outcome({ token }), 'allow')
})

test('C31: a change of the keys makes every token prove itself again', async () => {
  const world = await startGuarded()
  const token = world.issuer.sign()
  const first = identityOf(await world.ask({ token }))
  world.issuer.keys = [...world.issuer.keys, makeKey()]
  await world.ask({ token: world.issuer.sign({ header: { kid: 'unknown' } }) })
  const second = identityOf(await world.ask({ token }))
  assert.notEqual(second, first)
  assert.equal(identityOf(await world.ask({ token })), second)
})

test('a key change of one issuer lets the tokens of another stand', async () => {
  const other = await startTestIssuer({ audience: resource, nowSeconds: () => world.clock.now })
  const world = await startGuarded({
    optionsOf: ({ issuer }) => ({ issuers: [{ issuer }, { issuer: other.issuer }] }),
  })
  const token = other.sign()
  const first = identityOf(await world.ask({ token }))
  await world.ask({ token: world.issuer.sign() })
  world.issuer.keys = [makeKey()]
  await world.ask({ token: world.issuer.sign() })
  assert.equal(identityOf(await world.ask({ token })), first)
  await other.close()
})

test('garbage pushes nothing out', async () => {
  const world = await startGuarded({ options: { maxCachedTokens: 100 } })
  const token = world.issuer.sign()
  const first = identityOf(await world.ask({ token }))
  const expired = { claims: { exp: 1 } }
  for (let count = 0; count < 300; count += 1) {
    await world.ask({ token: count % 2 === 0 ? world.issuer.sign(expired) : `${token}x${count}` })
  }
  assert.equal(identityOf(await world.ask({ token })), first)
})

const keys = new IssuerKeys(
  () => Promise.resolve({ ok: false, reason: '' }),
  [],
  { maxAge: 1, staleLimit: 1, cooldown: 1 },
  () => 0,
)

function verifiedToken(subject: string): VerifiedToken {
  const identity = provenIdentity({
    issuer: 'https://issuer.example',
    subject,
    clientId: 'client',
    scopes: new Set(['files:read', 'files:write']),
    roles: new Set(),
    groups: new Set(),
    expiresAt: 1,
    tokenId: subject,
    tokenHash: 'hash',
    callerKey: `["https://issuer.example","${subject}","client"]`,
    claims: { iss: 'https://issuer.example', sub: subject, scope: 'files:read files:write', exp: 1, iat: 1 },
  })
  return { identity, keys, generation: 0, endsAt: 1, askAgainAt: Number.POSITIVE_INFINITY }
}

test('C31: 100,000 tokens take no more room than the limit of 20,000', () => {
  const tokens = new VerifiedTokens(20_000, 64 * 2 ** 20)
  const before = heapAfterCollection()
  for (let count = 0; count < 100_000; count += 1)
    tokens.keep(`hash-${count}`, 900, verifiedToken(`user-${count}`))
  const mebibytes = (heapAfterCollection() - before) / 2 ** 20
  assert.ok(tokens.size <= 20_000, String(tokens.size))
  assert.ok(mebibytes < 60, `${mebibytes.toFixed(1)} MiB`)
  assert.ok(tokens.find('hash-99999'), 'the newest is there')
  assert.ok(tokens.find('hash-90000'), 'at least half of the limit is there')
  assert.equal(tokens.find('hash-0'), undefined)
})

test('large tokens are bounded by their bytes', () => {
  const tokens = new VerifiedTokens(20_000, 2 ** 20)
  for (let count = 0; count < 1000; count += 1) tokens.keep(`hash-${count}`, 16_384, verifiedToken('a'))
  assert.ok(tokens.size <= 66, String(tokens.size))
  assert.ok(tokens.size >= 32, String(tokens.size))
})

test('a token that is forgotten is gone from both generations', () => {
  const tokens = new VerifiedTokens(4, 2 ** 20)
  for (const name of ['a', 'b', 'c']) tokens.keep(name, 1, verifiedToken(name))
  for (const name of ['a', 'c']) {
    assert.ok(tokens.find(name))
    tokens.forget(name)
    assert.equal(tokens.find(name), undefined)
  }
})
