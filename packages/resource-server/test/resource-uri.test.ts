import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isPlainUri } from '#internal/resource-uri'
import { rounds } from '../../../test/rounds.ts'

const plain = [
  'file:///notes/today.md',
  'https://host',
  'mailto:alice@example.com',
  'test://static-text',
  'test://template/{id}/data',
  'file:///{+path}',
  'urn:isbn:9780141036144',
  'notes:///a..b/.hidden/...',
  'notes:///search?path=../up#..',
  'notes:///a%20b%2Fc%C3%A9',
]
const refused = [
  '',
  'notes',
  '/notes/today',
  '//host/notes',
  'notes:///a/../b',
  'notes:///a/./b',
  'notes:///..',
  'notes:///a/%2e%2E/b',
  'notes:///a/.%2e/b',
  'notes:///a%2f..%2Fb',
  'notes:///a/..\\b',
  'notes:///a%5c..%5cb',
  'notes:///%61',
  'notes:///%2E%2E%2E',
  'notes:///a%28b',
  'notes:///a%2fb',
  'notes:///a%',
  'notes:///a%2',
  'notes:///a%zz',
  'NOTES:///a',
  'http://HOST/a',
  'http://host:80/a',
  'http:/host/a',
  'file://localhost/a',
  'notes:///ü',
  'notes:///a b',
  'notes:///a\tb',
  'notes:///a\0b',
  ' notes:///a',
  `notes:///${'a'.repeat(8192)}`,
]

for (const uri of plain)
  test(`G61, E12: the URI ${uri} says one thing`, () => assert.equal(isPlainUri(uri), true))
for (const uri of refused) {
  test(`G61: the URI ${JSON.stringify(uri.slice(0, 40))} is refused`, () =>
    assert.equal(isPlainUri(uri), false))
}

test('G61: a URI that is taken keeps its path when it is resolved as a URL', () => {
  const piece = fc.constantFrom(
    '.',
    '..',
    '/',
    '%2e',
    '%2E',
    '%2f',
    '%5C',
    '\\',
    'a',
    'b',
    '?',
    '#',
    ' ',
    '%',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const uri = `http://host/${pieces.join('')}`
      if (!isPlainUri(uri)) return
      const [path = ''] = uri.slice('http://host'.length).split(/[?#]/, 1)
      assert.equal(new URL(uri).pathname, path)
    }),
    rounds(2000),
  )
})

test('a URI is judged without throwing, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (uri) => void isPlainUri(uri)),
    rounds(500),
  )
})
