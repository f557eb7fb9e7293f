import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { failureOf, inSandbox, memoryFolder, openers, Sandbox, textOf } from './sandbox.ts'
import { rounds } from '../../../test/rounds.ts'

async function searchAll(sandbox: Sandbox, args: Readonly<Record<string, unknown>>): Promise<string[]> {
  const found: string[] = []
  let cursor: string | undefined
  for (let pages = 0; ; pages++) {
    const page = await sandbox.ok('search_files', cursor === undefined ? args : { ...args, cursor })
    found.push(...page.matches.map(({ path, line }) => `${path}:${line}`))
    if (page.next_cursor === undefined) return found
    assert.ok(pages < 2000, 'searching ends')
    cursor = page.next_cursor
  }
}

for (const opener of openers) {
  test(`${opener}: a search finds lines literally, in order, by path and by page`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('a/x.md', 'one\ntwo (a+)+$\none one\n')
      sandbox.put('a/y.txt', 'One\r\nnone\r\n')
      sandbox.put('b.md', 'end one')
      sandbox.put('.hidden/z', 'one')
      const rows: ReadonlyArray<readonly [Record<string, unknown>, readonly string[]]> = [
        [{ query: 'one' }, ['a/x.md:1', 'a/x.md:3', 'a/y.txt:2', 'b.md:1']],
        [{ query: 'one', ignore_case: true }, ['a/x.md:1', 'a/x.md:3', 'a/y.txt:1', 'a/y.txt:2', 'b.md:1']],
        [{ query: 'ONE', ignore_case: true, path: 'b.md' }, ['b.md:1']],
        [{ query: 'one', path: 'a' }, ['a/x.md:1', 'a/x.md:3', 'a/y.txt:2']],
        [{ query: 'one', glob: '*.md' }, ['a/x.md:1', 'a/x.md:3', 'b.md:1']],
        [{ query: 'one', path: 'a', glob: 'y.*' }, ['a/y.txt:2']],
        [{ query: 'one', hidden: true, glob: 'z' }, ['.hidden/z:1']],
        [{ query: 'one', path: '.hidden' }, ['.hidden/z:1']],
        [{ query: '(a+)+$' }, ['a/x.md:2']],
        [{ query: '\none' }, []],
        [{ query: 'none\r' }, []],
        [{ query: 'nothing' }, []],
      ]
      for (const [args, expected] of rows) {
        assert.deepEqual(await searchAll(sandbox, args), expected, JSON.stringify(args))
        assert.deepEqual(
          await searchAll(sandbox, { ...args, limit: 1 }),
          expected,
          `${JSON.stringify(args)} by one`,
        )
      }
      const { content } = await sandbox.call('search_files', { query: 'none' })
      assert.deepEqual(content, [{ type: 'text', text: '"a/y.txt":2: none' }])
    }))

  test(`${opener}, rows 21 and 26: links, FIFOs and devices are passed over; what is no text is counted`, () =>
    inSandbox({ opener }, async (sandbox) => {
      symlinkSync('../O', join(sandbox.root, 'out'))
      symlinkSync('../O/secret', join(sandbox.root, 'secret'))
      mkdirSync(join(sandbox.root, 'd'))
      symlinkSync('..', join(sandbox.root, 'd/up'))
      execFileSync('mkfifo', [join(sandbox.root, 'p')])
      if (process.getuid?.() === 0) execFileSync('mknod', [join(sandbox.root, 'zero'), 'c', '1', '5'])
      sandbox.put('binary', Buffer.from('SECRET\0'))
      sandbox.put('large', '')
      truncateSync(join(sandbox.root, 'large'), 5_242_881)
      sandbox.put('utf16', Buffer.from('\ufeffSECRET', 'utf16le'))
      const page = await sandbox.ok('search_files', { query: 'SECRET' })
      assert.deepEqual(
        page.matches.map(({ path }) => path),
        ['utf16'],
      )
      assert.deepEqual([page.files_searched, page.skipped_binary, page.skipped_large], [2, 1, 1])
      for (const path of ['out', 'd/up', 'secret', 'd/up/plain.txt']) {
        await sandbox.fails('search_files', { query: 'a', path }, 'symlink')
      }
      const special = await sandbox.ok('search_files', { query: 'a', path: 'p' })
      assert.deepEqual([special.matches, special.files_searched], [[], 0])
      await sandbox.fails('search_files', { query: 'a', path: 'missing' }, 'not_found')
    }))
}

test('a long line is shown around its match, cut between characters', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put(
      'f',
      `short 😀\n${'😀'.repeat(1000)}needle${'😀'.repeat(1000)}\n${'x'.repeat(300)}\nneedle${'y'.repeat(400)}`,
    )
    const { matches } = await sandbox.ok('search_files', { query: 'needle', path: 'f' })
    assert.deepEqual(
      matches.map(({ line }) => line),
      [2, 4],
    )
    for (const { text } of matches) {
      assert.ok(text.length <= 300 && text.length > 290 && text.includes('needle'))
      assert.equal(Buffer.from(text).toString(), text, 'no character is cut')
    }
    assert.ok(matches[1]?.text.startsWith('needley') && matches[1].text.endsWith('y…'))
    const whole = await sandbox.ok('search_files', { query: 'xxx', path: 'f' })
    assert.equal(whole.matches[0]?.text, 'x'.repeat(300))
    // Lower case of this letter is two code units, which must not move what is shown.
    sandbox.put('g', `${'İ'.repeat(50)}\nline Two İ\n`)
    const folded = await sandbox.ok('search_files', { query: 'TWO', path: 'g', ignore_case: true })
    assert.deepEqual(folded.matches, [{ path: 'g', line: 2, text: 'line Two İ' }])
  }))

test('many long lines and paths end a page before it grows past 64 KiB and a line', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    sandbox.put(`${Array(8).fill('d'.repeat(250)).join('/')}/f`, 'x\n'.repeat(100))
    const { matches } = await sandbox.ok('search_files', { query: 'x', limit: 200 })
    assert.ok(matches.length > 20 && matches.length < 40, `${matches.length} matches`)
    assert.equal((await searchAll(sandbox, { query: 'x', limit: 200 })).length, 100)
  }))

test('row 37: a cursor is a place like any other that a caller sends', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('d/a', 'x\nx\nx\n')
    sandbox.put('d/b', 'x\n')
    const first = await sandbox.ok('search_files', { query: 'x', path: 'd', limit: 2 })
    assert.equal(first.next_cursor, '2:d/a')
    for (const cursor of [
      '2:../O/secret',
      '1:/etc/passwd',
      '0:plain.txt',
      'd/a',
      '-1:d/a',
      '2:dd/a',
      '2:d/\n',
      '9999999999:d/a',
    ]) {
      await sandbox.fails('search_files', { query: 'x', path: 'd', cursor }, 'invalid_path')
    }
    unlinkSync(join(sandbox.root, 'd/a'))
    const rest = await sandbox.ok('search_files', { query: 'x', path: 'd', cursor: first.next_cursor })
    assert.deepEqual(
      rest.matches.map(({ path }) => path),
      ['d/b'],
    )
    symlinkSync('../../O/secret', join(sandbox.root, 'd/a'))
    const swapped = await sandbox.ok('search_files', { query: 'SECRET', path: 'd', cursor: '1:d/a' })
    assert.deepEqual(swapped.matches, [])
  }))

test('row 41: the worst query over a million letters is literal and takes well under its budget', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'a'.repeat(1_000_000))
    const started = performance.now()
    for (const query of [
      '(a+)+$',
      `${'a'.repeat(10)}b${'a'.repeat(989)}`,
      `b${'a'.repeat(999)}`,
      `${'a'.repeat(999)}b`,
    ]) {
      assert.deepEqual((await sandbox.ok('search_files', { query })).matches, [])
    }
    assert.ok(performance.now() - started < 2000)
    assert.equal((await sandbox.ok('search_files', { query: 'a'.repeat(1000) })).matches.length, 1)
  }))

test('row 42: a search over 50,000 files lets others go first, and stops when it is cancelled', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    for (let at = 0; at < 50; at++) {
      const folder = join(sandbox.root, `d${at}`)
      mkdirSync(folder)
      for (let file = 0; file < 1000; file++) writeFileSync(join(folder, `f${file}`), 'nothing here\n')
    }
    const state = { turns: 0, searching: true }
    let worstMs = 0
    let before = performance.now()
    const count = (): void => {
      state.turns++
      worstMs = Math.max(worstMs, performance.now() - before)
      before = performance.now()
      if (state.searching) setImmediate(count)
    }
    setImmediate(count)
    const controller = new AbortController()
    const search = sandbox.call('search_files', { query: 'absent' }, { signal: controller.signal })
    while (state.turns < 30) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    assert.match(failureOf(await search), /^busy: .*cancelled/)
    const cpu = process.cpuUsage()
    state.searching = false
    await new Promise((resolve) => setTimeout(resolve, 200))
    const { user, system } = process.cpuUsage(cpu)
    assert.ok(user + system < 100_000, `${user + system} µs of CPU after the cancel`)
    // Without pauses it would be seconds; a busy machine makes some of its own.
    assert.ok(worstMs < 500, `${worstMs} ms without a turn for others`)
    const whole = await sandbox.call('search_files', { query: 'absent' })
    assert.match(textOf(whole), /No match in \d+ files/)
  }))

test('after its budget a search answers with what it has, and its cursor goes on from there', () =>
  inSandbox({}, async (sandbox) => {
    for (let at = 0; at < 30; at++) sandbox.put(`f${String(at).padStart(2, '0')}`, 'x\n')
    // A clock of which a minute passes between two looks: every page ends as soon as it may.
    const { createSearchFilesTool } = await import('#internal/tools/search-files')
    const { createCalls } = await import('#internal/calls')
    const { descriptorWalk } = await import('#internal/walk/descriptor-walk')
    const { closeSync } = await import('node:fs')
    const base = descriptorWalk.openBase(sandbox.root)
    const root = { key: '', base, ownDirectory: undefined, directoryMode: 0o755, deny: undefined }
    const calls = createCalls({
      findRoot: () => root,
      prepareRoot: () => undefined,
      maxConcurrentCallsPerCaller: 8,
      maxWaitingCallsPerCaller: 64,
      callTimeLimitMs: 10_000,
      nowMs: () => performance.now(),
    })
    let minutes = 0
    const tool = createSearchFilesTool(calls, () => ++minutes * 60_000)
    const found: string[] = []
    let cursor: string | undefined
    let pages = 0
    do {
      const args = { query: 'x', ...(cursor !== undefined && { cursor }) }
      const result = await tool.call(args as never, {
        caller: undefined,
        signal: new AbortController().signal,
      })
      const page = result.structuredContent as unknown as {
        matches: { path: string }[]
        next_cursor?: string
      }
      found.push(...page.matches.map(({ path }) => path))
      cursor = page.next_cursor
    } while (cursor !== undefined && ++pages < 100)
    assert.ok(pages > 10)
    assert.deepEqual(
      found,
      Array.from({ length: 30 }, (_, at) => `f${String(at).padStart(2, '0')}`),
    )
    closeSync(base.fd)
  }))

test('a search finds the lines that splitting and looking finds, whatever the text and the pages', async () => {
  const sandbox = new Sandbox({ folder: memoryFolder })
  const piece = fc.constantFrom('a', 'b', 'ab', '\n', '\r\n', '界', 'A')
  const text = (maxLength: number): fc.Arbitrary<string> =>
    fc.array(piece, { maxLength }).map((parts) => parts.join(''))
  const query = text(3).filter((value) => value !== '' && !/[\r\n]/.test(value))
  await fc.assert(
    fc.asyncProperty(
      fc.array(text(20), { maxLength: 4 }),
      query,
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      async (texts, query, ignore_case, limit) => {
        mkdirSync(join(sandbox.root, 't'), { recursive: true })
        for (let at = 0; at < 4; at++) writeFileSync(join(sandbox.root, 't', String(at)), texts[at] ?? '')
        const fold = (value: string): string => (ignore_case ? value.toLowerCase() : value)
        const expected = texts.flatMap((content, at) =>
          content
            .split('\n')
            .flatMap((line, index) => (fold(line).includes(fold(query)) ? [`t/${at}:${index + 1}`] : [])),
        )
        assert.deepEqual(await searchAll(sandbox, { query, path: 't', ignore_case, limit }), expected)
      },
    ),
    rounds(300),
  )
  await sandbox.end()
})
