import assert from 'node:assert/strict'
import { after, mock, test } from 'node:test'
import { createWatch } from '#internal/identity/watch'
import { provenIdentity } from '#internal/identity/identity'
import { createMemoryRevocations } from '#internal/identity/revocations'

// Before any test: all of them move the same fake timers.
mock.timers.enable({ apis: ['setTimeout', 'Date'] })
after(() => mock.timers.reset())

const identity = (expiresAt: number) =>
  provenIdentity({
    issuer: 'https://issuer.example',
    subject: 'alice',
    clientId: 'client',
    scopes: new Set(),
    roles: new Set(),
    groups: new Set(),
    expiresAt,
    tokenId: 'token',
    tokenHash: 'hash',
    callerKey: 'alice',
    claims: {},
  })

const now = (): number => Date.now() / 1000

test('E13: what a token opened ends once, when the token is no longer accepted, and not before', () => {
  const ends: string[] = []
  createWatch(now, 30, createMemoryRevocations())(identity(now() + 5), (reason) => ends.push(reason))
  mock.timers.tick(0)
  mock.timers.tick(34_999)
  assert.deepEqual(ends, [])
  mock.timers.tick(2)
  assert.deepEqual(ends, ['expired'])
  mock.timers.tick(100_000)
  assert.deepEqual(ends, ['expired'])
})

test('E13: a token that has ended already ends what it opened, though not within the call', () => {
  const ends: string[] = []
  createWatch(now, 0, createMemoryRevocations())(identity(now() - 1), (reason) => ends.push(reason))
  assert.deepEqual(ends, [])
  mock.timers.tick(0)
  assert.deepEqual(ends, ['expired'])
})

test('what is no longer watched is not told', () => {
  const ends: string[] = []
  createWatch(now, 0, createMemoryRevocations())(identity(now() + 5), (reason) => ends.push(reason))()
  mock.timers.tick(10_000)
  assert.deepEqual(ends, [])
})

test('a token of many years is waited for in steps that a timer can take', () => {
  const ends: string[] = []
  const years = 40 * 365 * 86_400
  createWatch(now, 0, createMemoryRevocations())(identity(now() + years), (reason) => ends.push(reason))
  for (let day = 1; day < 40 * 365; day += 1) mock.timers.tick(86_400_000)
  assert.deepEqual(ends, [])
  mock.timers.tick(86_400_000)
  assert.deepEqual(ends, ['expired'])
})
