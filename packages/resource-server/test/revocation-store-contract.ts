import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity, Revocation, RevocationStore } from '@mcp-doorman/resource-server'
import { provenIdentity } from '#internal/identity/identity'

/** How a store under the contract is made. */
export interface RevocationStoreMaker {
  readonly name: string
  /** An empty store, and how to open once more what it has kept; `undefined` when it keeps nothing. */
  readonly open: () => Promise<{
    readonly store: RevocationStore
    readonly reopen: (() => Promise<RevocationStore>) | undefined
  }>
}

const issuer = 'https://issuer.example'
const now = 1_800_000_000

export interface Caller {
  readonly issuer?: string
  readonly subject?: string
  readonly clientId?: string
  readonly tokenId?: string
  readonly tokenHash?: string
  readonly issuedAt?: number | undefined
}

/** Alice, who has a token of this time for the notebook; or somebody else. */
export function callerOf({ issuedAt = now, ...change }: Caller = {}): Identity {
  return provenIdentity({
    issuer,
    subject: 'alice',
    clientId: 'notebook',
    scopes: new Set(),
    roles: new Set(),
    groups: new Set(),
    expiresAt: now + 600,
    tokenId: 'token-1',
    tokenHash: 'hash-1',
    callerKey: 'alice',
    claims: {},
    issuedAt,
    ...change,
  })
}

type Row = readonly [name: string, revocation: Partial<Revocation>, fits: Caller, others: readonly Caller[]]

const bob = { subject: 'bob' }
const phone = { clientId: 'phone' }
const later = { issuedAt: now + 1 }
const elsewhere = { issuer: 'https://other.example' }

const rows: readonly Row[] = [
  ['a subject', { subject: 'alice' }, {}, [bob, later, elsewhere]],
  ['a subject, whatever the client', { subject: 'alice' }, phone, [{ ...bob, ...phone }]],
  ['a client', { clientId: 'notebook' }, {}, [phone, later, elsewhere]],
  ['a client, whoever uses it', { clientId: 'notebook' }, bob, [{ ...bob, ...phone }]],
  ['a subject with a client', { subject: 'alice', clientId: 'notebook' }, {}, [bob, phone, later, elsewhere]],
  ['a token', { tokenId: 'token-1', issuedUpTo: 0 }, {}, [{ tokenId: 'token-2' }, elsewhere]],
  ['a token by its hash', { tokenId: 'hash-1', issuedUpTo: 0 }, {}, [{ tokenHash: 'hash-2' }, elsewhere]],
  [
    'a token, whoever has it',
    { tokenId: 'token-1', issuedUpTo: 0 },
    { ...bob, ...later },
    [{ tokenId: 'TOKEN-1' }],
  ],
  ['a time', {}, {}, [later, elsewhere]],
  ['a time, whoever it is', {}, { ...bob, ...phone, tokenId: 'token-2' }, [{ ...bob, ...later }]],
]

/** What every revocation store must do, whatever it is made of. */
export function testRevocationStore({ name, open }: RevocationStoreMaker): void {
  for (const [what, change, fits, others] of rows) {
    test(`${name}: a revocation by ${what} fits that alone, at once and after a restart`, async () => {
      const { store, reopen } = await open()
      assert.equal(store.revokes(callerOf(fits)), false)
      await store.add({ issuer, issuedUpTo: now, ...change })
      const check = (opened: RevocationStore): void => {
        assert.equal(opened.revokes(callerOf(fits)), true)
        for (const other of others)
          assert.equal(opened.revokes(callerOf(other)), false, JSON.stringify(other))
        assert.deepEqual(opened.list(), [{ issuer, issuedUpTo: now, ...change }])
      }
      check(store)
      await store.close()
      if (reopen === undefined) return
      const again = await reopen()
      check(again)
      await again.close()
    })
  }

  test(`${name}: a token that does not say when it was issued fits every time`, async () => {
    const { store } = await open()
    await store.add({ issuer, subject: 'alice', issuedUpTo: 1 })
    const { issuedAt: _, ...facts } = callerOf()
    assert.equal(
      store.revokes(provenIdentity({ ...facts, scopes: new Set(), roles: new Set(), groups: new Set() })),
      true,
    )
    assert.equal(store.revokes(callerOf()), false)
    await store.close()
  })

  test(`${name}: the later time holds, in whatever order they come`, async () => {
    for (const times of [
      [now, now - 100],
      [now - 100, now],
    ]) {
      const { store, reopen } = await open()
      for (const issuedUpTo of times) await store.add({ issuer, subject: 'alice', issuedUpTo })
      assert.equal(store.revokes(callerOf()), true)
      assert.deepEqual(store.list(), [{ issuer, subject: 'alice', issuedUpTo: now }])
      await store.close()
      const again = await reopen?.()
      if (again !== undefined) assert.deepEqual(again.list(), [{ issuer, subject: 'alice', issuedUpTo: now }])
      await again?.close()
    }
  })

  test(`${name}: listeners are told once the revocation holds, and no longer than they want`, async () => {
    const { store } = await open()
    const told: boolean[] = []
    const broken = store.onAdded(() => assert.fail('this one is broken'))
    const end = store.onAdded(() => told.push(store.revokes(callerOf())))
    const warned = new Promise((resolve) => process.once('warning', resolve))
    await store.add({ issuer, subject: 'alice', issuedUpTo: now })
    assert.deepEqual(told, [true], 'also after one that failed')
    await warned
    broken()
    end()
    await store.add({ issuer, subject: 'bob', issuedUpTo: now })
    assert.deepEqual(told, [true])
    await store.close()
  })

  test(`${name}: names that objects have by themselves are names like others`, async () => {
    const { store } = await open()
    for (const subject of ['__proto__', 'constructor', 'toString']) {
      assert.equal(store.revokes(callerOf({ subject, clientId: subject, tokenId: subject })), false)
      await store.add({ issuer, subject, issuedUpTo: now })
      assert.equal(store.revokes(callerOf({ subject })), true)
    }
    await store.close()
  })
}
