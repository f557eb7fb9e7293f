import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryReplayStore } from '@mcp-doorman/resource-server'
import { repeats } from '../../../test/rounds.ts'
import { sha256 } from './dpop-client.ts'
import { heapAfterCollection } from './heap.ts'
import { testReplayStore } from './replay-store-contract.ts'

testReplayStore({
  name: 'in memory',
  open: (maxProofs, maxProofsOfKey) => Promise.resolve(createMemoryReplayStore(maxProofs, maxProofsOfKey)),
})

test('F11: memory stays flat, however many proofs come', () => {
  const store = createMemoryReplayStore(100_000)
  const keys = Array.from({ length: 50 }, (_, count) => sha256(`key ${count}`))
  const before = heapAfterCollection()
  const verdicts = { new: 0, seen: 0, full: 0 }
  for (let count = 0; count < repeats(200_000, 5); count += 1) {
    const verdict = store.remember(keys[count % 50] ?? '', sha256(`proof ${count}`), 300, 0)
    if (typeof verdict === 'string') verdicts[verdict] += 1
  }
  const mebibytes = (heapAfterCollection() - before) / 2 ** 20
  assert.equal(verdicts.new, 100_000)
  assert.equal(verdicts.seen, 0)
  assert.ok(mebibytes < 16, `${mebibytes.toFixed(1)} MiB`)
  assert.equal(store.remember(keys[0] ?? '', sha256('later'), 900, 600), 'new', 'and all of it ends')
})
