import assert from 'node:assert/strict'
import { appendFileSync, closeSync, ftruncateSync, openSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { afterLastNewline, afterNewline, type TextEncoding } from '#internal/content/encoding'
import { cutPage } from '#internal/content/page'
import { inSandbox, memoryFolder, readAll, Sandbox } from './sandbox.ts'
import { rounds } from '../../../test/rounds.ts'

const pageBytes = 65_536

function encode(text: string, encoding: TextEncoding): Buffer {
  switch (encoding) {
    case 'utf-8':
      return Buffer.from(text)
    case 'utf-8-bom':
      return Buffer.from(`\ufeff${text}`)
    case 'utf-16le':
      return Buffer.from(`\ufeff${text}`, 'utf16le')
    case 'utf-16be':
      return Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
  }
}

const encodings: readonly TextEncoding[] = ['utf-8', 'utf-8-bom', 'utf-16le', 'utf-16be']

for (const encoding of encodings) {
  test(`row 34: ${encoding} is read as text, without its mark and with its name`, () =>
    inSandbox({}, async (sandbox) => {
      const text = 'eins\r\nzwei 界 😀\n\ndrei'
      sandbox.put('f.txt', encode(text, encoding))
      const page = await sandbox.ok('read_file', { path: 'f.txt' })
      assert.equal(page.text, text)
      assert.deepEqual([page.encoding, page.first_line, page.last_line], [encoding, 1, 4])
      for (const [line, limit, expected] of [
        [2, 1, 'zwei 界 😀\n'],
        [-2, 1, '\n'],
        [-1, 5, 'drei'],
        [-3, 2, 'zwei 界 😀\n\n'],
      ] as const) {
        assert.equal((await sandbox.ok('read_file', { path: 'f.txt', line, limit })).text, expected)
      }
    }))
}

test('a page shows whole lines, says which, and the next one goes on after them', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f.txt', Array.from({ length: 25 }, (_, at) => `line ${at + 1}\n`).join(''))
    const pages = await readAll(sandbox, { path: 'f.txt', line: 4, limit: 10 })
    assert.deepEqual(
      pages.map(({ first_line, last_line }) => [first_line, last_line]),
      [
        [4, 13],
        [14, 23],
        [24, 25],
      ],
    )
    assert.equal(pages[0]?.text.startsWith('line 4\n'), true)
    const fromEnd = await readAll(sandbox, { path: 'f.txt', line: -7, limit: 5 })
    assert.deepEqual(
      fromEnd.map(({ first_line, last_line }) => [first_line, last_line]),
      [
        [-7, -3],
        [-2, -1],
      ],
    )
    assert.equal(fromEnd[0]?.text.startsWith('line 19\n'), true)
    const more = await sandbox.ok('read_file', { path: 'f.txt', line: -1000 })
    assert.deepEqual([more.first_line, more.last_line], [-25, -1])
  }))

test('an empty file and a line past the end show nothing and say so', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('empty.txt', '')
    sandbox.put('two.txt', 'a\nb')
    for (const line of [1, 7, -7]) {
      const page = await sandbox.ok('read_file', { path: 'empty.txt', line })
      assert.deepEqual(
        [page.text, page.size, page.first_line, page.next_cursor],
        ['', 0, undefined, undefined],
      )
    }
    const result = await sandbox.call('read_file', { path: 'two.txt', line: 3 })
    assert.match(JSON.stringify(result.content), /has only 2 lines/)
  }))

test('a small file is read at once, without a turn of the event loop', () =>
  inSandbox({}, (sandbox) => {
    assert.ok(!(sandbox.callNow('read_file', { path: 'plain.txt' }) instanceof Promise))
    assert.ok(!(sandbox.callNow('read_file', { path: 'plain.txt', line: -1 }) instanceof Promise))
  }))

test('row 30: a 600 MiB sparse file is read a page at a time, from either end, in little memory', () =>
  inSandbox({}, async (sandbox) => {
    const fd = openSync(join(sandbox.root, 'sparse.txt'), 'w')
    writeSync(fd, 'head line\n'.repeat(20_000))
    ftruncateSync(fd, 600 * 1024 * 1024)
    writeSync(fd, '\nlast line\n', 600 * 1024 * 1024 - 11)
    closeSync(fd)
    sandbox.put('hole', '')
    truncateSync(join(sandbox.root, 'hole'), 600 * 1024 * 1024)
    const before = process.memoryUsage().rss
    const first = await sandbox.ok('read_file', { path: 'sparse.txt', limit: 5000 })
    assert.equal(Buffer.byteLength(first.text), 5000 * 10)
    assert.equal((await sandbox.ok('read_file', { path: 'sparse.txt', line: -1 })).text, 'last line\n')
    const past = await sandbox.ok('read_file', { path: 'sparse.txt', line: 1_000_000_000 })
    assert.equal(past.text, '')
    await sandbox.fails('read_file', { path: 'hole' }, 'too_large')
    await sandbox.fails('read_file', { path: 'hole', line: -5 }, 'too_large')
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024, 'memory stays within 64 MiB')
  }))

test('row 31: one line of 100 MiB comes in pages of at most 64 KiB, cut on characters, in order', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const path = join(sandbox.root, 'long.txt')
    const fd = openSync(path, 'w')
    const block = Buffer.from(Array.from({ length: 95_326 }, (_, at) => `${at}界`).join('')).subarray(
      0,
      1_048_576,
    )
    for (let at = 0; at < 100; at++) writeSync(fd, block)
    closeSync(fd)
    let joined = ''
    let cursor: string | undefined
    for (let page = 0; page < 4; page++) {
      const args = cursor === undefined ? { path: 'long.txt' } : { path: 'long.txt', cursor }
      const answer = await sandbox.ok('read_file', args)
      const bytes = Buffer.byteLength(answer.text)
      assert.ok(bytes <= pageBytes && bytes > pageBytes - 4, `${bytes} bytes`)
      assert.deepEqual([answer.first_line, answer.last_line], [1, 1])
      joined += answer.text
      cursor = answer.next_cursor
    }
    assert.ok(!joined.includes('\ufffd'))
    assert.ok(block.toString().startsWith(joined))
  }))

test('row 32: a character across a page edge is whole on one page; half a character is no text', () =>
  inSandbox({}, async (sandbox) => {
    for (const lead of [0, 1, 2, 3]) {
      const text = 'a'.repeat(lead) + '界'.repeat(70_000)
      sandbox.put('f.txt', text)
      const pages = await readAll(sandbox, { path: 'f.txt' })
      assert.equal(pages.map((page) => page.text).join(''), text)
      assert.ok(pages.every((page) => !page.text.includes('\ufffd')))
    }
    const half = Buffer.from('界').subarray(0, 2)
    sandbox.put('small.txt', Buffer.concat([Buffer.from('text '), half]))
    const small = await sandbox.call('read_file', { path: 'small.txt' })
    assert.equal(small.content[0]?.type, 'resource')

    sandbox.put('large.txt', Buffer.concat([Buffer.from('x'.repeat(80_000)), half]))
    const { next_cursor } = await sandbox.ok('read_file', { path: 'large.txt' })
    await sandbox.fails('read_file', { path: 'large.txt', cursor: next_cursor }, 'not_text')
  }))

test('row 35: a file that changed in any way between two pages is a conflict, not a mixture', () =>
  inSandbox({}, async (sandbox) => {
    const text = 'line\n'.repeat(50_000)
    const changes: readonly (() => unknown)[] = [
      () => appendFileSync(join(sandbox.root, 'f.txt'), 'more\n'),
      () => truncateSync(join(sandbox.root, 'f.txt'), 100_000),
      () => sandbox.put('f.txt', text),
      () => sandbox.ok('write_file', { path: 'f.txt', content: text }),
    ]
    for (const change of changes) {
      sandbox.put('f.txt', text)
      const { next_cursor } = await sandbox.ok('read_file', { path: 'f.txt' })
      assert.ok((await sandbox.ok('read_file', { path: 'f.txt', cursor: next_cursor })).text.length > 0)
      await change()
      await sandbox.fails('read_file', { path: 'f.txt', cursor: next_cursor }, 'conflict')
    }
  }))

const anyText = fc
  .array(fc.constantFrom('a', 'é', '界', '😀', '\n', '\r\n', ' long word ', '\u00a0'), { maxLength: 40 })
  .map((parts) => parts.join(''))

test('pages joined are the file, whatever the encoding, the limit and the place of line ends', async () => {
  const sandbox = new Sandbox()
  await fc.assert(
    fc.asyncProperty(
      anyText,
      fc.nat(3000),
      fc.constantFrom(...encodings),
      fc.integer({ min: 1, max: 5000 }),
      async (part, times, encoding, limit) => {
        const text = part.repeat(times)
        sandbox.put('f.txt', encode(text, encoding))
        const pages = await readAll(sandbox, { path: 'f.txt', limit }, 100_000)
        assert.equal(pages.map((page) => page.text).join(''), text)
        assert.ok(pages.every((page) => Buffer.byteLength(page.text) <= pageBytes))
      },
    ),
    rounds(40),
  )
  await sandbox.end()
})

test('line n is what splitting the text says, from the start and from the end', async () => {
  const sandbox = new Sandbox()
  await fc.assert(
    fc.asyncProperty(
      anyText,
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom(...encodings),
      async (text, number, encoding) => {
        sandbox.put('f.txt', encode(text, encoding))
        const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
        const forward = await sandbox.ok('read_file', { path: 'f.txt', line: number, limit: 1 })
        assert.equal(forward.text, lines[number - 1] ?? '')
        const backward = await sandbox.ok('read_file', { path: 'f.txt', line: -number, limit: 1 })
        assert.equal(backward.text, lines[Math.max(lines.length - number, 0)] ?? '')
        if (lines.length > 0) assert.equal(backward.first_line, -Math.min(number, lines.length))
      },
    ),
    rounds(300),
  )
  await sandbox.end()
})

test('lines are found across the edges of the chunks that are looked through', async () => {
  const sandbox = new Sandbox()
  for (const encoding of encodings) {
    for (const length of [65_533, 65_534, 65_535, 65_536, 32_766, 32_767]) {
      const text = `${'x'.repeat(length)}\nsecond\n${'y'.repeat(length)}\nlast\n`
      sandbox.put('f.txt', encode(text, encoding))
      assert.equal((await sandbox.ok('read_file', { path: 'f.txt', line: 2, limit: 1 })).text, 'second\n')
      assert.equal((await sandbox.ok('read_file', { path: 'f.txt', line: 4 })).text, 'last\n')
      assert.equal((await sandbox.ok('read_file', { path: 'f.txt', line: -3, limit: 1 })).text, 'second\n')
      assert.equal((await sandbox.ok('read_file', { path: 'f.txt', line: -1 })).text, 'last\n')
    }
  }
  await sandbox.end()
})

test('a page is cut after a line if one fits, else between characters, and never stands still', () => {
  fc.assert(
    fc.property(
      anyText,
      fc.constantFrom(...encodings),
      fc.integer({ min: 4, max: 40 }),
      (text, encoding, max) => {
        const bytes = encode(text, encoding).subarray(
          encoding === 'utf-8' ? 0 : encoding === 'utf-8-bom' ? 3 : 2,
        )
        for (let at = 0; at < bytes.length;) {
          const page = bytes.subarray(at, at + max + 1)
          const cut = cutPage(page, encoding, 3, max)
          assert.ok(cut.length > 0 && cut.length <= max)
          assert.ok(cut.lines >= 1 && cut.lines <= 3)
          at += cut.length
          const before = bytes.subarray(0, at)
          assert.ok(!encode('', encoding).equals(before))
          const shown =
            encoding === 'utf-16be'
              ? Buffer.from(before).swap16().toString('utf16le')
              : before.toString(encoding === 'utf-16le' ? 'utf16le' : 'utf8')
          assert.ok(text.startsWith(shown) && Buffer.from(shown).toString() === shown, 'no character is cut')
        }
      },
    ),
    rounds(500),
  )
})

test('in UTF-16 only the code unit U+000A ends a line, not its bytes inside other characters', () => {
  for (const encoding of ['utf-16le', 'utf-16be'] as const) {
    const bytes = encode('\u0a0a\u000a\u0a00\u010a', encoding).subarray(2)
    assert.equal(afterNewline(bytes, 0, encoding), 4)
    assert.equal(afterNewline(bytes, 4, encoding), -1)
    assert.equal(afterLastNewline(bytes, bytes.length, encoding), 4)
    assert.equal(afterLastNewline(bytes, 3, encoding), -1)
  }
})
