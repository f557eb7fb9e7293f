import assert from 'node:assert/strict'
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatReadCursor, maxReadCursorLength, parseReadCursor } from '#internal/content/read-cursor'
import { failureOf, inSandbox } from './sandbox.ts'

const etag = 'abcdefghijklmnopqrstuv'

test('a cursor gives back what was put in, for its own path and root only', () => {
  const numbers = { offset: fc.nat(Number.MAX_SAFE_INTEGER), line: fc.integer() }
  fc.assert(
    fc.property(fc.record(numbers), fc.string(), fc.string(), (numbers, root, path) => {
      const position = { ...numbers, etag }
      const cursor = formatReadCursor(position, root, path)
      assert.ok(cursor.length <= maxReadCursorLength)
      assert.deepEqual(parseReadCursor(cursor, root, path), position)
      assert.equal(parseReadCursor(cursor, `${root}x`, path), undefined)
      assert.equal(parseReadCursor(cursor, root, `${path}x`), undefined)
    }),
  )
})

test('row 37: whatever one bit of a cursor is flipped, it is a cursor no more', () => {
  const cursor = formatReadCursor({ offset: 65_536, line: 12, etag }, 'root', 'a.txt')
  for (let bit = 0; bit < cursor.length * 8; bit++) {
    const bytes = Buffer.from(cursor)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(parseReadCursor(bytes.toString('latin1'), 'root', 'a.txt'), undefined)
  }
})

test('row 37: reading any string as a cursor never throws and never accepts', () => {
  const like = fc.tuple(fc.string(), fc.string(), fc.string()).map((parts) => [etag, ...parts].join('.'))
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), like), (text) => {
      assert.equal(parseReadCursor(text, 'root', 'a.txt'), undefined)
    }),
  )
})

test('row 37: garbage, and the cursor of another path, are invalid_path; its own goes on', () =>
  inSandbox({}, async (sandbox) => {
    const text = 'line\n'.repeat(20_000)
    sandbox.put('a.txt', text)
    linkSync(join(sandbox.root, 'a.txt'), join(sandbox.root, 'same.txt'))
    const { next_cursor } = await sandbox.ok('read_file', { path: 'a.txt' })
    await sandbox.fails('read_file', { path: 'a.txt', cursor: 'garbage' }, 'invalid_path')
    await sandbox.fails('read_file', { path: 'same.txt', cursor: next_cursor }, 'invalid_path')
    await sandbox.fails('read_file', { path: 'a.txt', cursor: next_cursor, line: 3 }, 'invalid_arguments')
    await sandbox.ok('read_file', { path: 'a.txt', cursor: next_cursor })
  }))

test('row 37: the cursor of another user is invalid_path, and shows nothing of their file', () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    const [ann, ben] = ['ann', 'ben'].map((subject) => {
      return { caller: { issuer: 'https://issuer.example', subject, clientId: undefined } }
    })
    for (const [context, word] of [
      [ann, 'anns'],
      [ben, 'bens'],
    ] as const) {
      await sandbox.call('write_file', { path: 'f.txt', content: `${word}\n`.repeat(20_000) }, context)
    }
    const page = await sandbox.call('read_file', { path: 'f.txt' }, ann)
    const cursor = page.structuredContent?.['next_cursor']
    const answer = failureOf(await sandbox.call('read_file', { path: 'f.txt', cursor }, ben))
    assert.match(answer, /^invalid_path: /)
    assert.doesNotMatch(answer, /anns/)
  }))
