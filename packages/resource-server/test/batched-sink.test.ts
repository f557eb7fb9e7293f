import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { createBatchedSink } from '#internal/audit-log/batched-sink'

function startSink(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const batches: (readonly string[])[] = []
  const reasons: string[] = []
  const disk = { full: false }
  const sink = createBatchedSink(
    (lines) => {
      if (disk.full) throw new Error('ENOSPC: no space left on device')
      batches.push([...lines])
    },
    (reason) => void reasons.push(reason),
  )
  return { sink, batches, reasons, disk, tick: (milliseconds: number) => mock.timers.tick(milliseconds) }
}

test('lines are written together after 25 ms', (t) => {
  const { sink, batches, tick } = startSink(t)
  for (const line of ['1', '2', '3']) sink.write(line)
  tick(24)
  assert.deepEqual(batches, [])
  tick(1)
  assert.deepEqual(batches, [['1', '2', '3']])
})

test('256 lines are written at once', (t) => {
  const { sink, batches } = startSink(t)
  for (let count = 0; count < 600; count += 1) sink.write(String(count))
  assert.deepEqual(
    batches.map(({ length }) => length),
    [256, 256],
  )
})

test('K6: a full disk makes it unavailable, once; when there is room, all that waited is written, in order', (t) => {
  const { sink, batches, reasons, disk, tick } = startSink(t)
  disk.full = true
  sink.write('1')
  assert.equal(sink.available(), true)
  tick(25)
  assert.equal(sink.available(), false)
  sink.write('2')
  for (let seconds = 0; seconds < 5; seconds += 1) tick(1000)
  assert.deepEqual(reasons, ['ENOSPC: no space left on device'])
  disk.full = false
  tick(999)
  assert.equal(sink.available(), false)
  tick(1)
  assert.equal(sink.available(), true)
  assert.deepEqual(batches, [['1', '2']])
  disk.full = true
  sink.write('3')
  tick(25)
  assert.equal(reasons.length, 2, 'a new run of failures is told again')
})

test('K6: what waits is bounded, and what was dropped is counted in the log', (t) => {
  const { sink, batches, disk, tick } = startSink(t)
  disk.full = true
  for (let count = 0; count < 20_500; count += 1) sink.write(String(count))
  tick(1000)
  disk.full = false
  tick(1000)
  const [batch = []] = batches
  assert.equal(batch.length, 20_001)
  const last = JSON.parse(batch.at(-1) ?? '') as Record<string, unknown> // The line that counts is an object.
  assert.deepEqual([last['kind'], last['records']], ['dropped', 500])
  sink.write('next')
  tick(25)
  assert.deepEqual(batches[1], ['next'])
})

test('closing writes what waits, and then nothing is taken', async (t) => {
  const { sink, batches, tick } = startSink(t)
  sink.write('1')
  await sink.close()
  sink.write('2')
  tick(5000)
  await sink.close()
  assert.deepEqual(batches, [['1']])
  assert.equal(sink.available(), false)
})
