/** Events are the same in whatever pieces they come, and none grows beyond its limit. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SseReader, type SseEvent } from '#internal/link/sse-reader'
import { rounds } from '../../../test/rounds.ts'

function read(pieces: readonly Uint8Array[], maxBytes = 1_000_000): readonly SseEvent[] {
  const reader = new SseReader(maxBytes)
  return pieces.flatMap((piece) => [...reader.read(piece)])
}
const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8')

for (const [name, text, events] of [
  ['one event', 'data: a\n\n', [['message', 'a']]],
  ['no space after the colon', 'data:a\n\n', [['message', 'a']]],
  ['two spaces', 'data:  a\n\n', [['message', ' a']]],
  ['several lines', 'data: a\ndata: b\n\n', [['message', 'a\nb']]],
  [
    'another type',
    'event: ping\ndata: a\n\ndata: b\n\n',
    [
      ['ping', 'a'],
      ['message', 'b'],
    ],
  ],
  ['comments and unknown fields', ': hello\nfoo: bar\ndata: a\n\n', [['message', 'a']]],
  ['nothing but an id', 'id: 7\n\n', []],
  ['empty data', 'data\n\n', [['message', '']]],
  ['an event that does not end', 'data: a\n', []],
  ['carriage returns', 'data: a\rdata: b\r\r', [['message', 'a\nb']]],
  ['both', 'data: a\r\ndata: b\r\n\r\n', [['message', 'a\nb']]],
  ['a feed after both', 'data: a\r\n\n', [['message', 'a']]],
  ['a byte order mark', '\ufeffdata: a\n\n', [['message', 'a']]],
] as const) {
  test(`server-sent events: ${name}`, () => {
    const found = read([bytesOf(text)]).map(({ type, data }) => [type, data])
    assert.deepEqual(found, events)
    const byBytes = read([...bytesOf(text)].map((byte) => Uint8Array.of(byte)))
    assert.deepEqual(
      byBytes.map(({ type, data }) => [type, data]),
      events,
    )
  })
}

test('server-sent events: whatever is cut in pieces is read as it would be whole', () => {
  const lines = fc.constantFrom('data: x', 'data: €', 'data', 'event: e', 'id: 1', ': c', '', '')
  const ends = fc.constantFrom('\n', '\r', '\r\n')
  const streams = fc.array(fc.tuple(lines, ends)).map((parts) => parts.flat().join(''))
  fc.assert(
    fc.property(streams, fc.array(fc.nat(60)), (text, cuts) => {
      const bytes = bytesOf(text)
      const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length]
      const pieces = places.map((place, index) => bytes.subarray(place, places[index + 1]))
      assert.deepEqual(read(pieces), read([bytes]))
    }),
    rounds(300),
  )
})

test('server-sent events: bytes of any kind are events, or a failure, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        read([bytes])
      } catch (error) {
        assert.equal((error as Error).name, 'UpstreamFailure')
      }
    }),
    rounds(300),
  )
})

for (const [name, pieces] of [
  ['one line', Array.from({ length: 20 }, () => bytesOf('x'.repeat(100)))],
  ['many lines of one event', Array.from({ length: 40 }, () => bytesOf(`data: ${'x'.repeat(50)}\n`))],
] as const) {
  test(`server-sent events: ${name} beyond the limit is a failure, and up to it is not`, () => {
    assert.throws(() => read([bytesOf('data: '), ...pieces], 1000), { kind: 'too_large' })
    read([bytesOf('data: '), ...pieces], 4000)
  })
}

test('server-sent events: a megabyte in pieces of a kilobyte takes no time to speak of', () => {
  const began = performance.now()
  read(
    [bytesOf('data: '), ...Array.from({ length: 8000 }, () => bytesOf('x'.repeat(1024))), bytesOf('\n\n')],
    1e8,
  )
  assert.ok(performance.now() - began < 2000)
})
