import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRate, type Rate } from '@mcp-doorman/resource-server'
import { checkRate, createMemoryLimiter } from '#internal/limits'
import { heapAfterCollection } from './heap.ts'
import { rounds } from '../../../test/rounds.ts'

/** Intervals that are whole powers of two, so that fractions of seconds are exact. */
const rates = fc.record({
  rate: fc.constantFrom<Rate>(
    { count: 8, perSeconds: 1 },
    { count: 2, perSeconds: 1 },
    { count: 1, perSeconds: 1 },
    { count: 4, perSeconds: 16 },
  ),
  burst: fc.integer({ min: 1, max: 12 }),
})
const steps = fc.array(
  fc.record({
    wait: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 64 }).map((eighths) => eighths / 8),
    ),
    key: fc.constantFrom('a', 'b'),
    cost: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 60 },
)

test('J1: the limiter agrees with a bucket that is filled drop by drop', () => {
  fc.assert(
    fc.property(rates, steps, ({ rate, burst }, asked) => {
      const limiter = createMemoryLimiter({ ...rate, burst })
      const perSecond = rate.count / rate.perSeconds
      const buckets = new Map<string, { level: number; at: number }>()
      let now = 1000
      for (const { wait, key, cost } of asked) {
        now += wait
        const bucket = buckets.get(key) ?? { level: burst, at: now }
        bucket.level = Math.min(burst, bucket.level + (now - bucket.at) * perSecond)
        bucket.at = now
        buckets.set(key, bucket)
        const wanted = Math.min(cost, burst)
        const expected = bucket.level >= wanted
        if (expected) bucket.level -= wanted
        const state = limiter.take(key, cost, now)
        assert.equal(state.allowed, expected)
        assert.equal(state.remaining, Math.floor(bucket.level))
        assert.equal(state.resetSeconds, (burst - bucket.level) / perSecond)
      }
    }),
    rounds(1000),
  )
})

test('J2: Retry-After is honest: waiting that long is enough, and half of it is not', () => {
  fc.assert(
    fc.property(
      rates,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 3 }),
      ({ rate, burst }, times, cost) => {
        const full = { ...rate, burst }
        const refusedAfter = (wait: (seconds: number) => number): boolean | undefined => {
          const limiter = createMemoryLimiter(full)
          for (let time = 0; time < times; time += 1) limiter.take('a', cost, 1000)
          const { allowed, retryAfterSeconds } = limiter.take('a', cost, 1000)
          if (allowed) return undefined
          assert.ok(retryAfterSeconds > 0)
          return !limiter.take('a', cost, 1000 + wait(retryAfterSeconds)).allowed
        }
        assert.notEqual(
          refusedAfter((seconds) => seconds),
          true,
        )
        assert.notEqual(
          refusedAfter((seconds) => seconds / 2),
          false,
        )
      },
    ),
    rounds(500),
  )
})

test('odd rates keep their average: a third of a second each is three a second and no fourth', () => {
  const limiter = createMemoryLimiter({ count: 3, perSeconds: 1, burst: 1 })
  let allowed = 0
  for (let millisecond = 0; millisecond < 100_000; millisecond += 1) {
    if (limiter.take('a', 1, 5000 + millisecond / 1000).allowed) allowed += 1
  }
  assert.ok(allowed >= 298 && allowed <= 301, String(allowed))
})

test('J6: a million callers take no more room than a hundred thousand', () => {
  const limiter = createMemoryLimiter({ count: 10, perSeconds: 60 })
  const before = heapAfterCollection()
  for (let caller = 0; caller < 1_000_000; caller += 1) limiter.take(`caller-${caller}`, 1, 1)
  const mebibytes = (heapAfterCollection() - before) / 2 ** 20
  assert.ok(mebibytes < 40, `${mebibytes.toFixed(1)} MiB`)
  assert.ok(limiter.take('caller-999999', 9, 1).allowed)
  assert.ok(!limiter.take('caller-999999', 1, 1).allowed, 'the last of them are still known')
})

test('a caller who is idle until the burst is whole again is forgotten', () => {
  const limiter = createMemoryLimiter({ count: 10, perSeconds: 10 })
  const before = heapAfterCollection()
  for (let caller = 0; caller < 40_000; caller += 1) limiter.take(`caller-${caller}`, 1, 1)
  limiter.take('other', 1, 12)
  limiter.take('other', 1, 23)
  const mebibytes = (heapAfterCollection() - before) / 2 ** 20
  assert.ok(mebibytes < 2, `${mebibytes.toFixed(1)} MiB`)
})

const texts: readonly (readonly [text: string, rate: Rate | undefined])[] = [
  ['600/min', { count: 600, perSeconds: 60 }],
  ['10/s', { count: 10, perSeconds: 1 }],
  ['1/sec', { count: 1, perSeconds: 1 }],
  ['5/m', { count: 5, perSeconds: 60 }],
  ['1000/h', { count: 1000, perSeconds: 3600 }],
  ['1000/hour', { count: 1000, perSeconds: 3600 }],
  ['1/d', { count: 1, perSeconds: 86_400 }],
  ['7/day', { count: 7, perSeconds: 86_400 }],
  ['10000000/s', { count: 10_000_000, perSeconds: 1 }],
  ['10000001/s', undefined],
  ['99999999999/s', undefined],
  ['0/s', undefined],
  ['01/s', undefined],
  ['-1/s', undefined],
  ['1.5/s', undefined],
  ['1e3/s', undefined],
  ['10', undefined],
  ['10/', undefined],
  ['/s', undefined],
  ['10/week', undefined],
  ['10/constructor', undefined],
  ['10/S', undefined],
  ['10 / s', undefined],
  ['10/s ', undefined],
  ['10/s\n', undefined],
  ['10/s/s', undefined],
  ['', undefined],
]
for (const [text, rate] of texts) {
  test(`the rate ${JSON.stringify(text)} is ${rate === undefined ? 'none' : JSON.stringify(rate)}`, () => {
    assert.deepEqual(parseRate(text), rate)
  })
}

test('a rate that is read is a rate that is accepted', () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.nat(), fc.constantFrom('s', 'min', 'h', 'd', 'x'))
      .map(([count, period]) => `${count}/${period}`),
  )
  fc.assert(
    fc.property(text, (given) => {
      const rate = parseRate(given)
      if (rate === undefined) return
      const problems: string[] = []
      checkRate('limit', rate, problems)
      assert.deepEqual(problems, [])
    }),
    rounds(1000),
  )
})
