import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { BodyShare } from '#internal/http/body-budget'
import { readBody } from '#internal/http/read-body'

const limit = 64

/** A share of a budget that is never spent. */
function ampleShare(): BodyShare {
  return new BodyShare({ leftBytes: 1024 ** 3 })
}

/** A request that came over no connection; the test says what arrives. */
function requestOf(headers: Readonly<Record<string, string>> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers })
}

test('a body is the same however it is cut into pieces, up to the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 }), async (pieces) => {
      const request = requestOf()
      const read = readBody(request, limit, ampleShare())
      for (const piece of pieces) request.emit('data', Buffer.from(piece))
      request.emit('end')
      const whole = Buffer.concat(pieces)
      assert.deepEqual(await read, whole.length > limit ? 'body_too_large' : whole)
    }),
  )
})

for (const [name, end, expected] of [
  ['that breaks off', (request: IncomingMessage) => request.destroy(), 'body_incomplete'],
  ['that fails', (request: IncomingMessage) => request.destroy(new Error('reset')), 'body_incomplete'],
] as const) {
  test(`a body ${name} is incomplete, also when that happened before it was asked for`, async () => {
    const request = requestOf()
    const read = readBody(request, limit, ampleShare())
    request.emit('data', Buffer.from('{}'))
    end(request)
    assert.equal(await read, expected)
    assert.equal(await readBody(request, limit, ampleShare()), expected)
  })
}

test('a declared length over the limit is refused before a byte is read', async () => {
  const request = requestOf({ 'content-length': String(limit + 1) })
  assert.equal(await readBody(request, limit, ampleShare()), 'body_too_large')
  assert.equal(request.listenerCount('data'), 0)
})

test('J7: a body in pieces of one byte takes no more memory than its bytes', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // What the flag makes.
  const request = requestOf()
  const count = 300_000
  const read = readBody(request, count, ampleShare())
  collect()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < count; index += 1) request.emit('data', Buffer.from([0x20]))
  collect()
  const grown = process.memoryUsage().heapUsed - before
  request.emit('end')
  assert.equal((await read).length, count)
  assert.ok(grown < 4 * 1024 * 1024, `${grown} bytes`)
})
