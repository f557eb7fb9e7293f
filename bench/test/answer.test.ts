import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAnswer } from '../answer.ts'

const sized = 'HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length: 5\r\n\r\nhello'
const chunked =
  'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n'
const empty = 'HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n'

const whole = [
  { name: 'a sized answer', text: sized, status: 200, body: 'hello' },
  { name: 'a chunked answer with an extension and a trailer', text: chunked, status: 403, body: 'hello' },
  { name: 'an answer without a body', text: empty, status: 204, body: '' },
]
for (const { name, text, status, body } of whole) {
  test(`${name} is read, and nothing after it`, () => {
    const parsed = parseAnswer(Buffer.from(`${text}HTTP/1.1`))
    assert.ok(parsed.kind === 'answer')
    assert.deepEqual([parsed.status, parsed.body.toString(), parsed.length], [status, body, text.length])
  })
  test(`${name} is incomplete until its last byte`, () => {
    for (let length = 0; length < text.length; length += 1) {
      assert.equal(parseAnswer(Buffer.from(text.slice(0, length))).kind, 'incomplete', `at ${length}`)
    }
  })
}

const wrong = [
  { name: 'no status line', text: 'SSH-2.0-x\r\n\r\n' },
  { name: 'a body that ends with the connection', text: 'HTTP/1.1 200 OK\r\n\r\nhello' },
  { name: 'a length that is no number', text: 'HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello' },
  { name: 'a chunk without a size', text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n' },
  {
    name: 'a chunk longer than it says',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n',
  },
  { name: 'a head without an end', text: 'x'.repeat(20_000) },
]
for (const { name, text } of wrong) {
  test(`${name} is malformed`, () => assert.equal(parseAnswer(Buffer.from(text)).kind, 'malformed'))
}
