import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { CallContext } from '@mcp-doorman/mcp-endpoint'
import { failureOf, type Fields, inSandbox, memoryFolder, openers, Sandbox, textOf } from './sandbox.ts'
import { rounds } from '../../../test/rounds.ts'

async function listAll(
  sandbox: Sandbox,
  args: Record<string, unknown>,
  between = () => {},
): Promise<string[]> {
  const paths: string[] = []
  let cursor: string | undefined
  for (let pages = 0; ; pages++) {
    const page: Fields = await sandbox.ok('list_files', cursor === undefined ? args : { ...args, cursor })
    paths.push(...page.entries.map(({ path }) => path))
    if (page.next_cursor === undefined) return paths
    assert.ok(pages < 2000, 'listing ends')
    cursor = page.next_cursor
    between()
  }
}

for (const opener of openers) {
  test(`${opener}: a listing shows path, type, size and the etag that reading gives, in order`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('b/c.txt', 'c')
      sandbox.put('b-1.txt', 'dash')
      sandbox.put('B.txt', 'upper')
      symlinkSync('nowhere', join(sandbox.root, 'link'))
      const { entries } = await sandbox.ok('list_files', { depth: 2 })
      assert.deepEqual(
        entries.map(({ path, type, size }) => [path, type, size]),
        [
          ['B.txt', 'file', 5],
          ['b', 'directory', undefined],
          ['b/c.txt', 'file', 1],
          ['b-1.txt', 'file', 4],
          ['link', 'symlink', undefined],
          ['plain.txt', 'file', 6],
        ],
      )
      const { etag } = await sandbox.ok('read_file', { path: 'b/c.txt' })
      assert.equal(entries[2]?.etag, etag)
    }))
}

test('depth, hidden and glob choose what is shown', () =>
  inSandbox({}, async (sandbox) => {
    for (const path of ['a/b/c/d.md', 'a/x.txt', '.git/config', 'a/.env', 'top.md']) sandbox.put(path, '')
    const rows: ReadonlyArray<readonly [Record<string, unknown>, readonly string[]]> = [
      [{}, ['a', 'plain.txt', 'top.md']],
      [{ path: '.' }, ['a', 'plain.txt', 'top.md']],
      [{ depth: 2, path: 'a' }, ['a/b', 'a/b/c', 'a/x.txt']],
      [{ hidden: true }, ['.git', 'a', 'plain.txt', 'top.md']],
      [{ hidden: true, depth: 2, glob: '.*' }, ['.git', 'a/.env']],
      [{ depth: 16, glob: '*.md' }, ['a/b/c/d.md', 'top.md']],
      [{ depth: 3, glob: '*.md' }, ['top.md']],
      [{ depth: 16, path: 'a', glob: 'b/**' }, ['a/b', 'a/b/c', 'a/b/c/d.md']],
      [{ path: 'a/.env' }, ['a/.env']],
      [{ path: '.git' }, ['.git/config']],
      [{ glob: 'nothing' }, []],
    ]
    for (const [args, expected] of rows) {
      assert.deepEqual(await listAll(sandbox, args), expected, JSON.stringify(args))
      assert.deepEqual(
        await listAll(sandbox, { ...args, limit: 1 }),
        expected,
        `${JSON.stringify(args)} by one`,
      )
    }
  }))

test('names that no path can express are left out and counted; odd ones are quoted', () =>
  inSandbox({}, async (sandbox) => {
    writeFileSync(join(sandbox.root, 'two\nlines'), '')
    writeFileSync(Buffer.concat([Buffer.from(`${sandbox.root}/bad-`), Buffer.from([0xff])]), '')
    writeFileSync(join(sandbox.root, 'right\u202eleft'), '')
    writeFileSync(join(sandbox.root, '.doorman-tmp-1-a-b'), '')
    mkdirSync(join(sandbox.root, '.doorman'))
    const result = await sandbox.call('list_files', { hidden: true })
    const { entries, left_out } = result.structuredContent as unknown as Fields
    // The name in bytes that are not UTF-8 reads as one that is not there: nothing is shown for it.
    assert.deepEqual(
      entries.map(({ path }) => path),
      ['plain.txt', 'right\u202eleft'],
    )
    assert.equal(left_out, 1)
    assert.match(textOf(result), /"right\\u202eleft"/)
    unlinkSync(join(sandbox.root, '.doorman-tmp-1-a-b'))
  }))

test('a listing goes on after its last path, also if that path is gone, and refuses foreign cursors', () =>
  inSandbox({}, async (sandbox) => {
    for (const path of ['d/a', 'd/b/c', 'd/b/e', 'd/f']) sandbox.put(path, '')
    const first = await sandbox.ok('list_files', { path: 'd', depth: 2, limit: 3 })
    assert.equal(first.next_cursor, 'd/b/c')
    rmSync(join(sandbox.root, 'd/b'), { recursive: true })
    const rest = await sandbox.ok('list_files', { path: 'd', depth: 2, cursor: first.next_cursor })
    assert.deepEqual(
      rest.entries.map(({ path }) => path),
      ['d/f'],
    )
    for (const cursor of ['../O/secret', '/etc', 'plain.txt', 'd', 'dd/x', 'd/\n']) {
      await sandbox.fails('list_files', { path: 'd', cursor }, 'invalid_path')
    }
  }))

test('long names end a page before it grows past 64 KiB', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const folder = Array(8).fill('d'.repeat(250)).join('/')
    for (let at = 0; at < 100; at++) sandbox.put(`${folder}/${at}`, '')
    const page = await sandbox.ok('list_files', { path: folder, limit: 1000 })
    assert.ok(page.entries.length < 40, `${page.entries.length} entries`)
    assert.equal((await listAll(sandbox, { path: folder, limit: 1000 })).length, 100)
  }))

test('what no path could name, being too deep or too long, is left out of a deep listing', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const folder = Array(63).fill('d').join('/')
    sandbox.put(`${folder}/x/y/z`, '')
    const { entries, left_out } = await sandbox.ok('list_files', { path: folder, depth: 16 })
    assert.deepEqual([entries.map(({ path }) => path), left_out], [[`${folder}/x`], 2])
  }))

test('row 38: 50,000 entries are listed once each while half are deleted and half are added', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const folder = join(sandbox.root, 'many')
    mkdirSync(folder)
    for (let at = 0; at < 50_000; at++) writeFileSync(join(folder, `f${String(at).padStart(6, '0')}`), '')
    let removed = 1
    let added = 0
    const paths = await listAll(sandbox, { path: 'many', limit: 1000 }, () => {
      for (let at = 0; at < 500; at++, removed += 2) {
        rmSync(join(folder, `f${String(removed).padStart(6, '0')}`), { force: true })
        writeFileSync(join(folder, `g${String(added++).padStart(6, '0')}`), '')
      }
    })
    assert.equal(new Set(paths).size, paths.length, 'nothing twice')
    assert.deepEqual(paths, paths.toSorted())
    const shown = new Set(paths)
    for (let at = 0; at < 50_000; at += 2) assert.ok(shown.has(`many/f${String(at).padStart(6, '0')}`))

    let turns = 0
    let listing = true
    const count = (): void => {
      turns++
      if (listing) setImmediate(count)
    }
    setImmediate(count)
    await sandbox.ok('list_files', { path: 'many' })
    listing = false
    assert.ok(turns >= 10, `others had ${turns} turns during one page`)

    const controller = new AbortController()
    const cancelled = sandbox.call('list_files', { path: 'many' }, { signal: controller.signal })
    setImmediate(() => controller.abort())
    assert.match(failureOf(await cancelled), /^busy: /)
  }))

test('pages joined are the tree in order, whatever the tree, the depth and the limit', async () => {
  const sandbox = new Sandbox({ folder: memoryFolder })
  const name = fc.constantFrom('a', 'b', 'a-', 'ab', 'A', 'é', '~', '!')
  const tree = fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(
      tree,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 8 }),
      async (paths, depth, limit) => {
        rmSync(join(sandbox.root, 't'), { recursive: true, force: true })
        mkdirSync(join(sandbox.root, 't'))
        const expected = new Set<string>()
        for (const components of paths) {
          mkdirSync(join(sandbox.root, 't', ...components), { recursive: true })
          for (let count = 1; count <= Math.min(components.length, depth); count++) {
            expected.add(['t', ...components.slice(0, count)].join('/'))
          }
        }
        // A slash sorts before all that may stand in a name, so that a directory's content follows it.
        const key = (path: string): string => path.replaceAll('/', '\0')
        const ordered = [...expected].toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
        assert.deepEqual(await listAll(sandbox, { path: 't', depth, limit }), ordered)
      },
    ),
    rounds(100),
  )
  await sandbox.end()
})

test('times that RFC 3339 cannot express are shown as the nearest that it can', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const rows = [
      ['after', 9_999_999_999_999, '9999-12-31T23:59:59.999Z'],
      ['before', -9_999_999_999_999, '0000-01-01T00:00:00.000Z'],
      ['now', 1_700_000_000, '2023-11-14T22:13:20.000Z'],
    ] as const
    for (const [name, seconds] of rows) {
      sandbox.put(`d/${name}`, '')
      utimesSync(join(sandbox.root, 'd', name), seconds, seconds)
    }
    const { entries } = await sandbox.ok('list_files', { path: 'd' })
    // Most disks cannot hold such times, and keep others that can be expressed.
    const expected = new Map(rows.map(([name, seconds, shown]) => [`d/${name}`, { seconds, shown }]))
    for (const { path, modified } of entries) {
      const { seconds, shown } = expected.get(path) ?? { seconds: 0, shown: '' }
      const kept = lstatSync(join(sandbox.root, path), { bigint: true }).mtimeMs === BigInt(seconds) * 1000n
      if (kept) assert.equal(modified, shown)
      assert.match(modified, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    }
    assert.equal(entries.length, rows.length)
    const context = { caller: undefined, mayUse: () => true, signal: new AbortController().signal }
    const page = await sandbox.server.template.list?.(undefined, context as unknown as CallContext)
    assert.equal(page?.resources.length, rows.length + 1)
  }))
