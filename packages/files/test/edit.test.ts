import assert from 'node:assert/strict'
import { chmodSync, linkSync, lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { applyEdits, type Edit } from '#internal/content/edits'
import { failureOf, fieldsOf, inSandbox, memoryFolder, openers, Sandbox } from './sandbox.ts'
import { rounds } from '../../../test/rounds.ts'

for (const opener of openers) {
  test(`${opener}, row 43: an edit matches exactly one place, and says how to go on if it does not`, () =>
    inSandbox({ opener }, async (sandbox) => {
      const text = 'one\ntwo\n  three\none\n'
      sandbox.put('f', text)
      const edits = (...list: readonly object[]): Record<string, unknown> => ({ path: 'f', edits: list })
      const twice = await sandbox.fails('edit_file', edits({ old: 'one', new: '1' }), 'ambiguous_match')
      assert.match(twice, /2 times \(lines 1, 4\)/)
      const missing = await sandbox.fails('edit_file', edits({ old: 'three \n', new: '3' }), 'no_match')
      assert.match(missing, /Line 3 differs from its first line only in white space/)
      await sandbox.fails('edit_file', edits({ old: 'two', new: 'two' }), 'invalid_arguments')
      await sandbox.fails('edit_file', edits({ old: '\n', new: '\r\n', all: true }), 'invalid_arguments')
      await sandbox.fails('edit_file', edits({ old: 'two', new: '\ud800' }), 'invalid_arguments')
      // All or nothing.
      await sandbox.fails('edit_file', edits({ old: 'two', new: '2' }, { old: 'four', new: '4' }), 'no_match')
      assert.equal(sandbox.textOf('f'), text)

      const { diff, replacements, etag } = await sandbox.ok(
        'edit_file',
        edits(
          { old: 'one', new: '$& $1 \\1', all: true },
          { old: 'two', new: 'deux' },
          { old: 'deux\n', new: '' },
        ),
      )
      assert.equal(sandbox.textOf('f'), '$& $1 \\1\n  three\n$& $1 \\1\n')
      assert.equal(replacements, 4)
      assert.equal(diff, '@@ -1,4 +1,3 @@\n-one\n-two\n+$& $1 \\1\n   three\n-one\n+$& $1 \\1\n')
      assert.equal((await sandbox.ok('read_file', { path: 'f' })).etag, etag)
    }))
}

test('row 43: a text that overlaps itself is there more than once', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'aaa')
    await sandbox.fails('edit_file', { path: 'f', edits: [{ old: 'aa', new: 'b' }] }, 'ambiguous_match')
    await sandbox.ok('edit_file', { path: 'f', edits: [{ old: 'aa', new: 'b', all: true }] })
    assert.equal(sandbox.textOf('f'), 'ba')
  }))

test('row 45: line feeds find and become the line ends that the place has; all else keeps its bytes', () =>
  inSandbox({}, async (sandbox) => {
    const rows: ReadonlyArray<
      readonly [before: string, edit: { old: string; new: string; all?: boolean }, after: string]
    > = [
      ['a\r\nb\r\nc\r\n', { old: 'a\nb', new: 'x\ny\nz' }, 'x\r\ny\r\nz\r\nc\r\n'],
      ['a\r\nb\r\nc\r\n', { old: 'b', new: 'x\ny' }, 'a\r\nx\r\ny\r\nc\r\n'],
      ['a\r\nb\r\nc\r\n', { old: 'a\r\nb', new: 'x\r\ny' }, 'x\r\ny\r\nc\r\n'],
      ['a\r\nb\nc\n', { old: 'b\nc', new: 'x\ny' }, 'a\r\nx\ny\n'],
      ['a\nb\r\nc\r\n', { old: 'b\nc', new: 'x\ny' }, 'a\nx\r\ny\r\n'],
      ['a\r\nx\na\nx\n', { old: 'a\nx', new: 'b\ny', all: true }, 'b\r\ny\nb\ny\n'],
      ['a\nb\n', { old: 'b', new: 'x\r\ny' }, 'a\nx\r\ny\n'],
      ['a\rb', { old: 'a', new: 'x\ny' }, 'x\ny\rb'],
      ['a', { old: 'a', new: 'x\ny' }, 'x\ny'],
      ['a\n', { old: 'a\n', new: 'b' }, 'b'],
    ]
    for (const [before, edit, after] of rows) {
      sandbox.put('f', before)
      await sandbox.ok('edit_file', { path: 'f', edits: [edit] })
      assert.equal(sandbox.textOf('f'), after, JSON.stringify([before, edit]))
    }
  }))

test('row 34: the byte order mark and the encoding stay as they were', () =>
  inSandbox({}, async (sandbox) => {
    const marked = '\ufeffeins 界 😀\nzwei\n'
    const rows: ReadonlyArray<readonly [string, (text: string) => Buffer]> = [
      ['utf-8-bom', (text) => Buffer.from(text)],
      ['utf-16le', (text) => Buffer.from(text, 'utf16le')],
      ['utf-16be', (text) => Buffer.from(text, 'utf16le').swap16()],
    ]
    for (const [encoding, encode] of rows) {
      sandbox.put('f', encode(marked))
      await sandbox.ok('edit_file', { path: 'f', edits: [{ old: 'zwei', new: 'ü' }] })
      assert.deepEqual(sandbox.bytesOf('f'), encode('\ufeffeins 界 😀\nü\n'), encoding)
      assert.equal((await sandbox.ok('read_file', { path: 'f' })).encoding, encoding)
    }
    sandbox.put('binary', Buffer.from([0x61, 0, 0x62]))
    await sandbox.fails('edit_file', { path: 'binary', edits: [{ old: 'a', new: 'b' }] }, 'not_text')
    sandbox.put('half', Buffer.from('a界').subarray(0, 3))
    await sandbox.fails('edit_file', { path: 'half', edits: [{ old: 'a', new: 'b' }] }, 'not_text')
  }))

test('row 46: a dry run shows the same difference and leaves the file as it is', () =>
  inSandbox({}, async (sandbox) => {
    const edits = [{ old: 'plain', new: 'simple' }]
    const { etag } = await sandbox.ok('read_file', { path: 'plain.txt' })
    const dry = await sandbox.ok('edit_file', { path: 'plain.txt', edits, dry_run: true })
    assert.deepEqual([dry.diff, dry.etag, dry.size], ['@@ -1,1 +1,1 @@\n-plain\n+simple\n', etag, 7])
    assert.equal(sandbox.textOf('plain.txt'), 'plain\n')
    const wet = await sandbox.ok('edit_file', { path: 'plain.txt', edits, if_match: dry.etag })
    assert.equal(wet.diff, dry.diff)
    await sandbox.fails('edit_file', { path: 'plain.txt', edits, if_match: dry.etag }, 'conflict')
    sandbox.put('plain.txt', 'plain\n')
  }))

test('of 50 parallel edits with one if_match exactly one succeeds; without it none is lost', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', Array.from({ length: 50 }, (_, at) => `<${at}>\n`).join(''))
    const { etag } = await sandbox.ok('read_file', { path: 'f' })
    const edit = (at: number, rest: object): ReturnType<Sandbox['call']> =>
      sandbox.call('edit_file', { path: 'f', edits: [{ old: `<${at}>`, new: `${at} done` }], ...rest })
    const first = await Promise.all(Array.from({ length: 50 }, (_, at) => edit(at, { if_match: etag })))
    const failed = first.filter(({ isError }) => isError === true)
    assert.equal(failed.length, 49)
    for (const result of failed) assert.match(failureOf(result), /^conflict: /)
    const winner = first.findIndex(({ isError }) => isError !== true)
    const others = Array.from({ length: 50 }, (_, at) => at).filter((at) => at !== winner)
    for (const result of await Promise.all(others.map((at) => edit(at, {})))) fieldsOf(result)
    assert.equal(sandbox.textOf('f'), Array.from({ length: 50 }, (_, at) => `${at} done\n`).join(''))
  }))

test('row 53: an edit keeps the mode, and the other name of a file keeps its content', () =>
  inSandbox({}, async (sandbox) => {
    for (const mode of [0o700, 0o600, 0o640]) {
      sandbox.put('f', 'old')
      chmodSync(join(sandbox.root, 'f'), mode)
      await sandbox.ok('edit_file', { path: 'f', edits: [{ old: 'old', new: 'new' }] })
      assert.equal(statSync(join(sandbox.root, 'f')).mode & 0o777, mode)
    }
    linkSync(join(sandbox.root, 'f'), join(sandbox.root, 'g'))
    await sandbox.ok('edit_file', { path: 'f', edits: [{ old: 'new', new: 'newer' }] })
    assert.deepEqual([sandbox.textOf('f'), sandbox.textOf('g')], ['newer', 'new'])
    assert.equal(lstatSync(join(sandbox.root, 'f')).nlink, 1)
  }))

test('row 30: an edit takes files up to 5 MiB, and makes none larger', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const most = 5_242_880
    sandbox.put('f', `${'x'.repeat(most - 1)}\n`)
    const last = { old: 'x\n', new: 'y\n' }
    await sandbox.ok('edit_file', { path: 'f', edits: [last] })
    for (const edits of [[{ old: 'y', new: '界' }], [{ old: 'y', new: 'yy' }]]) {
      await sandbox.fails('edit_file', { path: 'f', edits }, 'too_large')
    }
    await sandbox.fails('edit_file', { path: 'f', edits: [{ old: 'x', new: 'z', all: true }] }, 'too_large')
    sandbox.put('g', `${'x'.repeat(most)}\n`)
    await sandbox.fails('edit_file', { path: 'g', edits: [last] }, 'too_large')
    assert.ok(sandbox.textOf('f').endsWith('xxxy\n'))
  }))

test('row 30: what an edit would make too large is refused before it is built', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    // Each would make a text longer than the engine can hold, and the last one out of a short request.
    const rows: ReadonlyArray<readonly [text: string, replacement: string]> = [
      ['a'.repeat(100_000), 'b'.repeat(6000)],
      ['a'.repeat(100_000), 'é界'.repeat(3000)],
      ['a\r\n'.repeat(5000), '\n'.repeat(100_000)],
    ]
    for (const [text, replacement] of rows) {
      sandbox.put('f', text)
      const started = performance.now()
      const edits = [{ old: 'a', new: replacement, all: true }]
      const why = await sandbox.fails('edit_file', { path: 'f', edits }, 'too_large')
      assert.match(why, /After edit 1 the file is larger than 5242880 bytes/)
      assert.ok(performance.now() - started < 1000, `${performance.now() - started} ms`)
      assert.equal(sandbox.textOf('f'), text)
    }
  }))

test('row 30: an edit with many new lines at many places makes a file of exactly 5 MiB, and no more', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    // Each line of three bytes becomes one of six.
    const exact = 'a\r\n'.repeat(40_000)
    const rest = 'x'.repeat(5_242_880 - 40_000 * 6)
    const edits = [{ old: 'a', new: '\n\n', all: true }]
    sandbox.put('f', exact + rest)
    await sandbox.ok('edit_file', { path: 'f', edits })
    assert.equal(sandbox.textOf('f'), '\r\n\r\n\r\n'.repeat(40_000) + rest)
    sandbox.put('f', `${exact}${rest}x`)
    await sandbox.fails('edit_file', { path: 'f', edits }, 'too_large')
  }))

test('row 43: the worst files and edits take time that grows with the file, and no more', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const most = 5_242_880
    const rows: ReadonlyArray<readonly [text: string, edit: object, code: string | undefined]> = [
      // Everything matches everywhere.
      ['a'.repeat(most), { old: 'a'.repeat(50_000), new: 'b' }, 'ambiguous_match'],
      ['\r\n'.repeat(most / 2), { old: '\n'.repeat(1_000_000), new: 'b' }, 'ambiguous_match'],
      ['a'.repeat(most), { old: `${'a'.repeat(300)}b${'a'.repeat(2_600_000)}`, new: 'b' }, 'no_match'],
      [`${'\n'.repeat(most - 1)}x`, { old: `${'\n'.repeat(2_600_000)}y`, new: 'b' }, 'no_match'],
      // A hundred thousand changes in one line.
      [`${'x'.repeat(50)}y`.repeat(100_000), { old: 'y', new: 'z', all: true }, undefined],
      [`${'x'.repeat(50)}y`.repeat(100_000), { old: 'y', new: '\n', all: true }, undefined],
      [`${'x'.repeat(50)}\n`.repeat(100_000), { old: '\n', new: '', all: true }, undefined],
      ['y'.repeat(100_001), { old: 'y', new: 'z', all: true }, 'too_large'],
    ]
    for (const [text, edit, code] of rows) {
      sandbox.put('f', text)
      const started = performance.now()
      const call = { path: 'f', edits: [edit] }
      if (code === undefined) await sandbox.ok('edit_file', call)
      else await sandbox.fails('edit_file', call, code)
      assert.ok(
        performance.now() - started < 4000,
        `${JSON.stringify(edit).slice(0, 50)}: ${performance.now() - started} ms`,
      )
    }
  }))

test('a failed edit gives others turns while it looks for the lines that it names', () => {
  const text = '\n'.repeat(1_000_000)
  const rows: ReadonlyArray<readonly [text: string, edit: Edit, code: string, pauses: number]> = [
    [text, { old: 'nope', new: '' }, 'no_match', 90],
    [`${text}aa`, { old: 'a', new: '' }, 'ambiguous_match', 90],
  ]
  for (const [before, edit, code, least] of rows) {
    const steps = applyEdits(before, [edit], before.length)
    let pauses = 0
    assert.throws(
      () => {
        while (steps.next().done !== true) pauses++
      },
      { code },
    )
    assert.ok(pauses >= least, `${code}: ${pauses} pauses`)
  }
})

test('edits do what the same replacements on the text do, or nothing', async () => {
  const sandbox = new Sandbox({ folder: memoryFolder })
  const piece = fc.constantFrom('a', 'b', 'ab', '\n', '界', '😀', ' ')
  const text = (maxLength: number): fc.Arbitrary<string> =>
    fc.array(piece, { maxLength }).map((parts) => parts.join(''))
  const edit = fc.record({ old: text(3), new: text(4), all: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(
      text(40),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (unix, drawn, dos) => {
        const edits = drawn.filter((one) => one.old !== '' && one.old !== one.new)
        if (edits.length === 0) return
        const toFile = (lines: string): string =>
          dos && unix.includes('\n') ? lines.replaceAll('\n', '\r\n') : lines
        sandbox.put('f', `\ufeff${toFile(unix)}`)
        let expected: string | undefined = unix
        for (const one of edits) expected = expected === undefined ? undefined : replaceInText(expected, one)
        const result = await sandbox.call('edit_file', { path: 'f', edits })
        assert.equal(result.isError === true, expected === undefined, JSON.stringify(result.content))
        // An edit that takes away the last line end leaves nothing to tell what the file had.
        if (dos && expected !== undefined && !keepsALineEnd(unix, edits)) return
        assert.equal(sandbox.textOf('f'), `\ufeff${toFile(expected ?? unix)}`)
      },
    ),
    rounds(300),
  )
  await sandbox.end()
})

interface PlainEdit {
  readonly old: string
  readonly new: string
  readonly all: boolean
}

function replaceInText(text: string, edit: PlainEdit): string | undefined {
  const at = text.indexOf(edit.old)
  if (at === -1) return undefined
  if (edit.all) return text.split(edit.old).join(edit.new)
  if (text.indexOf(edit.old, at + 1) !== -1) return undefined
  return text.slice(0, at) + edit.new + text.slice(at + edit.old.length)
}

function keepsALineEnd(text: string, edits: readonly PlainEdit[]): boolean {
  let current = text
  for (const edit of edits) {
    current = replaceInText(current, edit) ?? current
    if (!current.includes('\n')) return false
  }
  return true
}
