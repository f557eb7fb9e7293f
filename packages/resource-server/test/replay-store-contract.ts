import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplayStore } from '@mcp-doorman/resource-server'
import { sha256 } from './dpop-client.ts'

/** How a store under the contract is made. */
export interface ReplayStoreMaker {
  readonly name: string
  /** An empty store that has room for so many proofs, and of one key for so many. */
  readonly open: (maxProofs: number, maxProofsOfKey: number) => Promise<ReplayStore>
}

const [alice, mallory] = [sha256('alice'), sha256('mallory')]
const proof = (name: string | number): string => sha256(`proof ${name}`)
const now = 1_800_000_000

/** What every replay store must do, whatever it is made of. */
export function testReplayStore({ name, open }: ReplayStoreMaker): void {
  test(`${name}: a proof is new once`, async () => {
    const store = await open(100, 100)
    assert.equal(await store.remember(alice, proof(1), now + 300, now), 'new')
    assert.equal(await store.remember(alice, proof(1), now + 300, now), 'seen')
    assert.equal(await store.remember(alice, proof(2), now + 300, now), 'new')
    await store.close()
  })

  test(`${name}: of many at the same time one is new`, async () => {
    const store = await open(100, 100)
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, async () => store.remember(alice, proof(1), now + 300, now)),
    )
    assert.equal(verdicts.filter((verdict) => verdict === 'new').length, 1)
    assert.equal(verdicts.filter((verdict) => verdict === 'seen').length, 49)
    await store.close()
  })

  test(`${name}: a proof is remembered until it ends, whatever is remembered after it`, async () => {
    const store = await open(1000, 1000)
    for (let second = 0; second < 300; second += 1) {
      assert.equal(await store.remember(alice, proof(second), now + second + 300, now + second), 'new')
      assert.equal(
        await store.remember(alice, proof(0), now + 300, now + second),
        'seen',
        `after ${second} s`,
      )
    }
    await store.close()
  })

  test(`${name}: what has ended makes room`, async () => {
    const store = await open(20, 20)
    for (let round = 0; round < 50; round += 1) {
      const time = now + round * 1000
      for (let count = 0; count < 10; count += 1) {
        assert.equal(await store.remember(alice, proof(`${round} ${count}`), time + 300, time), 'new')
      }
    }
    await store.close()
  })

  test(`${name}: without room nothing is let through and nothing is forgotten`, async () => {
    const store = await open(10, 10)
    for (let count = 0; count < 10; count += 1)
      await store.remember(sha256(`${count}`), proof(count), now + 300, now)
    assert.equal(await store.remember(alice, proof('more'), now + 300, now), 'full')
    assert.equal(await store.remember(alice, proof(0), now + 300, now), 'seen')
    await store.close()
  })

  test(`${name}: one key cannot take the room of another`, async () => {
    const store = await open(1000, 5)
    for (let count = 0; count < 5; count += 1) await store.remember(mallory, proof(count), now + 300, now)
    assert.equal(await store.remember(mallory, proof('more'), now + 300, now), 'full')
    assert.equal(await store.remember(alice, proof('more'), now + 300, now), 'new')
    await store.close()
  })
}
