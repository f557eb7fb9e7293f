import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { AnswerFilter } from '#internal/front/answer-filter'
import { createEventFilter, filterJson } from '#internal/front/answer-text'
import { rounds } from '../../../test/rounds.ts'

/** Drops what is `"drop"`, replaces what is `"change"`, and leaves the rest. */
function filterOf({ inPlace = [], mustRead = true }: Partial<AnswerFilter> = {}): AnswerFilter {
  return {
    mustRead,
    inPlace,
    message: (message) => (message === 'drop' ? undefined : message === 'change' ? 'changed' : message),
    result: () => 'ok',
  }
}

function filterPieces(pieces: readonly Uint8Array[], filter: AnswerFilter): string {
  const events = createEventFilter(filter)
  return pieces.map((piece) => events.take(piece)).join('') + events.end()
}

function cut(bytes: Buffer, places: readonly number[]): readonly Uint8Array[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length))
}

const one = fc.oneof(fc.constantFrom<unknown>('drop', 'change', 'ä€😀', { a: [1] }, null), fc.jsonValue())
const message = fc.oneof({ weight: 4, arbitrary: one }, fc.array(one, { maxLength: 3 }))
const lineEnd = fc.constantFrom('\n', '\r\n', '\r')

test('a stream of events is filtered in the same way however its bytes are cut', () => {
  const ends = fc.tuple(lineEnd, lineEnd, lineEnd)
  const event = fc.record({ message, id: fc.option(fc.nat()), ends })
  fc.assert(
    fc.property(fc.array(event), fc.array(fc.nat(), { maxLength: 20 }), (given, places) => {
      const text = given
        .map(({ message: told, id, ends: [first, second, third] }) => {
          // A return before a line feed would be one line end and not two.
          const blank = second === '\r' && third === '\n' ? '\r' : third
          return `${id === null ? '' : `id: ${id}${first}`}data: ${JSON.stringify(told)}${second}${blank}`
        })
        .join('')
      const whole = filterPieces([Buffer.from(text)], filterOf())
      assert.equal(filterPieces(cut(Buffer.from(text), places), filterOf()), whole)
      const datas = [...whole.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as unknown)
      const left = (told: unknown): unknown[] =>
        told === 'drop' ? [] : [told === 'change' ? 'changed' : told]
      const expected = given.flatMap(({ message: told }) => {
        if (!Array.isArray(told) || told.length === 0) return left(told)
        const list = told.flatMap(left)
        return list.length === 0 ? [] : [list]
      })
      // As a client gets them: written and read once.
      assert.deepEqual(datas, JSON.parse(JSON.stringify(expected)))
      const ids = [...whole.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
      assert.deepEqual(
        ids,
        given.flatMap(({ id }) => (id === null ? [] : [id])),
        'also of what is dropped',
      )
    }),
    rounds(1000),
  )
})

test('whatever a stream is made of, filtering it never throws', () => {
  const bytes = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 })
  fc.assert(
    fc.property(bytes, fc.boolean(), (pieces, mustRead) => void filterPieces(pieces, filterOf({ mustRead }))),
    rounds(1000),
  )
})

const events: readonly (readonly [name: string, given: string, expected: string])[] = [
  ['a comment', ': alive\n\n', ': alive\n\n'],
  ['an event without data', 'id: 1\nretry: 5\n\n', 'id: 1\nretry: 5\n\n'],
  ['data over two lines', 'data: {"a":\ndata: 1}\n\n', 'data: {"a":\ndata: 1}\n\n'],
  ['data over two lines that changes', 'id: 3\ndata: "chan\ndata: ge"\n\n', ''],
  ['data without a space', 'data:"change"\n\n', 'data: "changed"\n\n'],
  ['an event that is dropped', 'event: message\ndata: "drop"\n\n', ''],
  ['the id of one that is dropped', 'event: message\nid: 4\ndata: "drop"\n\n', 'id: 4\n\n'],
  ['data that is no JSON', 'data: {\n\n', ''],
  ['an event without its end', 'data: "change"\n', ''],
]
for (const [name, given, expected] of events) {
  test(`events: ${name}`, () => assert.equal(filterPieces([Buffer.from(given)], filterOf()), expected))
}

test('data that is no JSON goes on where nothing has to be left out of it', () => {
  const text = 'data: {\n\n'
  assert.equal(filterPieces([Buffer.from(text)], filterOf({ mustRead: false })), text)
  assert.equal(filterJson('{', filterOf({ mustRead: false })), '{')
  assert.equal(filterJson('{', filterOf()), undefined)
})

test('answers in place come first in a stream, and last in a list', () => {
  const filter = filterOf({ inPlace: [{ id: 2 }] })
  const stream = filterPieces([Buffer.from('data: 1\n\n')], filter)
  assert.equal(stream, 'event: message\ndata: {"id":2}\n\ndata: 1\n\n')
  assert.equal(filterPieces([], filter), 'event: message\ndata: {"id":2}\n\n')
  assert.equal(filterJson('[1]', filter), '[1,{"id":2}]')
  assert.equal(filterJson('1', filter), '[1,{"id":2}]')
  assert.equal(filterJson('', filter), '[{"id":2}]')
  assert.equal(filterJson('', filterOf()), '')
})

test('a JSON answer that nothing is changed in goes on letter by letter', () => {
  const text = ' { "a" : 1.0 } '
  assert.equal(filterJson(text, filterOf()), text)
  assert.equal(filterJson('["change", 1]', filterOf()), '["changed",1]')
  assert.equal(filterJson('["drop"]', filterOf()), '[]')
})

test('E9: a list of messages in one event is filtered one by one', () => {
  const text = 'data: ["drop","change",1]\n\nid: 4\ndata: ["drop"]\n\n'
  assert.equal(filterPieces([Buffer.from(text)], filterOf()), 'data: ["changed",1]\n\nid: 4\n\n')
})

test('an event of many megabytes in small pieces takes time that grows with its length', () => {
  const events = createEventFilter(filterOf())
  const piece = Buffer.alloc(16_384, 'x')
  const began = performance.now()
  events.take(Buffer.from('data: "'))
  for (let count = 0; count < 1024; count += 1) events.take(piece)
  const out = events.take(Buffer.from('"\n\n'))
  assert.equal(out.length, 1024 * 16_384 + 'data: ""\n\n'.length)
  assert.ok(performance.now() - began < 3000)
})
