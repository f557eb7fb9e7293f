import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller, ToolResult } from '@mcp-doorman/mcp-endpoint'
import { createCalls, type CallsOptions, type Work } from '#internal/calls'
import { createTurns } from '#internal/turns'
import { failureOf, inSandbox, textOf } from './sandbox.ts'

const done: ToolResult = { content: [{ type: 'text', text: 'done' }] }
const live = new AbortController().signal
const ann: Caller = { issuer: 'https://issuer.example', subject: 'ann', clientId: undefined }
const ben: Caller = { ...ann, subject: 'ben' }

/** Calls around work that does nothing until it is told to; the root is of no interest here. */
function createGated(options: Partial<CallsOptions> = {}) {
  const finish: Array<() => void> = []
  const calls = createCalls({
    findRoot: () => ({
      key: '',
      base: undefined as never,
      ownDirectory: undefined,
      directoryMode: 0,
      deny: undefined,
    }),
    prepareRoot: () => undefined,
    maxConcurrentCallsPerCaller: 8,
    maxWaitingCallsPerCaller: 64,
    callTimeLimitMs: 10_000,
    nowMs: () => performance.now(),
    ...options,
  })
  const work: Work<object> = () => new Promise((resolve) => finish.push(() => resolve(done)))
  const tool = calls.serve(work)
  // The work takes no arguments.
  const call = (caller: Caller | undefined, signal = live) =>
    Promise.resolve(tool({} as never, { caller, signal }))
  return { calls, finish, call }
}

test('a caller has 8 calls at once, 64 more wait their turn, the next is busy; others are not affected', async () => {
  const { finish, call } = createGated()
  const admitted = Array.from({ length: 72 }, () => call(ann))
  assert.equal(finish.length, 8)
  assert.match(failureOf(await call(ann)), /^busy: /)
  const others = call(ben)
  assert.equal(finish.length, 9, "another caller's call runs at once")
  for (let at = 0; at < 73; at++) {
    while (finish[at] === undefined) await new Promise((resolve) => setImmediate(resolve))
    finish[at]?.()
  }
  for (const result of await Promise.all([...admitted, others])) assert.equal(textOf(result), 'done')
  const again = call(ann)
  finish.at(-1)?.()
  assert.equal(textOf(await again), 'done', 'turns were given back')
})

test('a call that lasts too long is answered, running or waiting, and leaves the queue', async () => {
  const { finish, call } = createGated({ maxConcurrentCallsPerCaller: 1, callTimeLimitMs: 20 })
  const [running, waiting] = [call(ann), call(ann)]
  assert.match(failureOf(await running), /^busy: .*longer than 0.02 s/)
  assert.match(failureOf(await waiting), /^busy: .*longer than 0.02 s/)
  finish[0]?.()
  const next = call(ann)
  while (finish.length < 2) await new Promise((resolve) => setImmediate(resolve))
  finish[1]?.()
  assert.equal(textOf(await next), 'done')
  assert.equal(finish.length, 2, 'the call that gave up never ran')
})

test('a cancelled call is answered at once, before, in, and while waiting for its turn', async () => {
  const { finish, call } = createGated({ maxConcurrentCallsPerCaller: 1 })
  const cancelled = AbortSignal.abort()
  assert.match(failureOf(await call(ann, cancelled)), /^busy: /)
  assert.equal(finish.length, 0)
  const controllers = [new AbortController(), new AbortController()]
  const [running, waiting] = controllers.map(({ signal }) => call(ann, signal))
  for (const controller of controllers) controller.abort()
  for (const result of [running, waiting])
    assert.match(failureOf((await result) ?? done), /^busy: .*cancelled/)
})

test('closing answers what runs and waits, refuses what comes, and waits for work to let go', async () => {
  const { calls, finish, call } = createGated({ maxConcurrentCallsPerCaller: 1 })
  const open = [call(ann), call(ann)]
  let closed = false
  const closing = calls.close().then(() => (closed = true))
  for (const result of await Promise.all(open)) assert.match(failureOf(result), /^busy: .*shut down/)
  assert.match(failureOf(await call(ann)), /^busy: .*shutting down/)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(closed, false)
  finish[0]?.()
  await closing
  assert.equal(finish.length, 1, 'what waited never ran')
})

test('a fault of ours is thrown, whether it happens at once or later, and gives its turn back', async () => {
  const { calls } = createGated({ maxConcurrentCallsPerCaller: 1, maxWaitingCallsPerCaller: 0 })
  const fault = new TypeError('a fault of ours')
  const atOnce = calls.serve(() => {
    throw fault
  })
  const later = calls.serve(() => Promise.reject(fault))
  for (let time = 0; time < 3; time++) {
    assert.throws(() => atOnce({} as never, { caller: ann, signal: live }), fault)
    await assert.rejects(async () => later({} as never, { caller: ann, signal: live }), fault)
  }
})

test('turns are given in the order of asking, and whoever gives up is passed over', async () => {
  const turns = createTurns({ atOnce: 1, waiting: 3 })
  const order: number[] = []
  await turns.take('key', live)
  const controller = new AbortController()
  const waiting = [
    turns.take('key', live).then(() => order.push(1)),
    assert.rejects(turns.take('key', controller.signal), /gave up/),
    turns.take('key', live).then(() => order.push(3)),
  ]
  await assert.rejects(turns.take('key', live), { code: 'busy' })
  assert.equal(turns.tryTake('another'), true)
  controller.abort(new Error('gave up'))
  turns.give('key')
  turns.give('key')
  await Promise.all(waiting)
  assert.deepEqual(order, [1, 3])
  assert.equal(turns.tryTake('key'), false)
  turns.give('key')
  assert.equal(turns.tryTake('key'), true)
})

test('a write that is cancelled before it is published changes nothing and leaves no temp', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'old')
    const controller = new AbortController()
    const write = sandbox.call('write_file', { path: 'f', content: 'new' }, { signal: controller.signal })
    controller.abort()
    assert.match(failureOf(await write), /^busy: /)
    await sandbox.server.close()
    assert.equal(sandbox.textOf('f'), 'old')
    assert.match(failureOf(await sandbox.call('read_file', { path: 'f' })), /^busy: /)
    // Closed, so the plain read that ends every case would be refused.
    sandbox.put('plain.txt', '')
    const { rmSync } = await import('node:fs')
    rmSync(`${sandbox.root}/plain.txt`)
  }))
