import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { failWith, withPatchedFs } from './patched-fs.ts'
import { failureOf, inSandbox, memoryFolder, openers } from './sandbox.ts'

for (const opener of openers) {
  test(`${opener}: a file is moved with its content, its mode and missing parents`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('a/f', 'content')
      const moved = await sandbox.ok('move_file', { from: 'a/f', to: 'b/c/g' })
      assert.deepEqual(
        [moved.type, sandbox.textOf('b/c/g'), readdirSync(join(sandbox.root, 'a'))],
        ['file', 'content', []],
      )
      assert.equal(lstatSync(join(sandbox.root, 'b/c/g')).nlink, 1)
      assert.equal((await sandbox.ok('read_file', { path: 'b/c/g' })).etag, moved.etag)
    }))

  test(`${opener}: a directory is moved with all that is in it`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('a/b/f', 'content')
      const moved = await sandbox.ok('move_file', { from: 'a', to: 'x/y' })
      assert.deepEqual(
        [moved.type, moved.etag, sandbox.textOf('x/y/b/f')],
        ['directory', undefined, 'content'],
      )
      assert.ok(!existsSync(join(sandbox.root, 'a')))
    }))

  test(`${opener}, row 56: a move replaces nothing and goes nowhere it cannot; the source stays whole`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('f', 'source')
      sandbox.put('d/in', 'inside')
      sandbox.put('full/x', 'x')
      mkdirSync(join(sandbox.root, 'empty'))
      symlinkSync('nowhere', join(sandbox.root, 'link'))
      execFileSync('mkfifo', [join(sandbox.root, 'p')])
      const rows: ReadonlyArray<readonly [from: string, to: string, code: string]> = [
        ['f', 'plain.txt', 'exists'],
        ['f', 'link', 'exists'],
        ['f', 'full', 'exists'],
        ['f', 'empty', 'exists'],
        ['f', 'f', 'exists'],
        ['d', 'full', 'exists'],
        ['d', 'empty', 'exists'],
        ['d', 'd', 'exists'],
        ['d', 'plain.txt', 'exists'],
        ['d', 'd/x', 'invalid_path'],
        ['d', 'd/in/x/y', 'invalid_path'],
        ['', 'x', 'invalid_path'],
        ['.', 'x', 'invalid_path'],
        ['f', '', 'invalid_path'],
        ['f', '../O/new', 'invalid_path'],
        ['../O/secret', 'x', 'invalid_path'],
        ['link', 'x', 'symlink'],
        ['p', 'x', 'not_a_file'],
        ['missing', 'new/x', 'not_found'],
        ['f', 'plain.txt/x', 'not_a_directory'],
        ['f', 'link/x', 'symlink'],
        ['link/x', 'y', 'symlink'],
      ]
      const before = readdirSync(sandbox.root)
      for (const [from, to, code] of rows) await sandbox.fails('move_file', { from, to }, code)
      assert.deepEqual(readdirSync(sandbox.root), before)
      assert.deepEqual(
        [sandbox.textOf('f'), sandbox.textOf('d/in'), sandbox.textOf('full/x')],
        ['source', 'inside', 'x'],
      )
      // Its neighbours differ in one thing each.
      await sandbox.ok('move_file', { from: 'd', to: 'dd/x' })
      await sandbox.ok('move_file', { from: 'f', to: 'full/f' })
    }))

  test(`${opener}, rows 20 and 59: a file, a link or an empty directory is deleted, and nothing else`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('f', 'x')
      sandbox.put('full/x', 'x')
      mkdirSync(join(sandbox.root, 'empty'))
      execFileSync('mkfifo', [join(sandbox.root, 'p')])
      symlinkSync('../O/secret', join(sandbox.root, 'to-file'))
      symlinkSync('../O', join(sandbox.root, 'to-directory'))
      symlinkSync('full', join(sandbox.root, 'inside'))
      for (const path of ['', '.']) await sandbox.fails('delete_file', { path }, 'invalid_path')
      await sandbox.fails('delete_file', { path: 'full' }, 'not_empty')
      await sandbox.fails('delete_file', { path: 'p' }, 'not_a_file')
      await sandbox.fails('delete_file', { path: 'to-directory/secret' }, 'symlink', 'not_a_directory')
      await sandbox.fails('delete_file', { path: 'inside/x' }, 'symlink')
      for (const [path, type] of [
        ['f', 'file'],
        ['empty', 'directory'],
        ['to-file', 'symlink'],
        ['to-directory', 'symlink'],
        ['inside', 'symlink'],
      ] as const) {
        assert.equal((await sandbox.ok('delete_file', { path })).type, type)
        await sandbox.fails('delete_file', { path }, 'not_found')
      }
      assert.deepEqual(readdirSync(sandbox.root), ['full', 'p', 'plain.txt'])
    }))
}

test('if_match deletes exactly the version it names, and no directory', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'old')
    mkdirSync(join(sandbox.root, 'd'))
    const { etag } = await sandbox.ok('read_file', { path: 'f' })
    await sandbox.fails('delete_file', { path: 'f', if_match: 'another' }, 'conflict')
    await sandbox.fails('delete_file', { path: 'd', if_match: etag }, 'conflict')
    sandbox.put('f', 'new!')
    await sandbox.fails('delete_file', { path: 'f', if_match: etag }, 'conflict')
    await sandbox.ok('delete_file', {
      path: 'f',
      if_match: (await sandbox.ok('read_file', { path: 'f' })).etag,
    })
    await sandbox.ok('delete_file', { path: 'd' })
  }))

test('of 50 parallel moves to one name exactly one succeeds, and no source is lost', () =>
  inSandbox({}, async (sandbox) => {
    for (let at = 0; at < 50; at++) sandbox.put(`from/${at}`, String(at))
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, at) => sandbox.call('move_file', { from: `from/${at}`, to: 'one' })),
    )
    const failed = results.filter(({ isError }) => isError === true)
    assert.equal(failed.length, 49)
    for (const result of failed) assert.match(failureOf(result), /^exists: /)
    assert.equal(readdirSync(join(sandbox.root, 'from')).length, 49)
    assert.equal(sandbox.textOf('one'), String(results.findIndex(({ isError }) => isError !== true)))
  }))

test('a directory is not moved to where a path below it would be too deep or too long', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const levels = (count: number, name = 'd'): string => Array<string>(count).fill(name).join('/')
    const rows: ReadonlyArray<readonly [inside: string, fits: string, tooMuch: string]> = [
      // 64 components and 65.
      [levels(59), levels(4, 'to'), levels(5, 'to')],
      // 4096 bytes and 4097, with names that take two bytes for a letter.
      [`${levels(15, 'ü'.repeat(125))}/${'x'.repeat(228)}`, `to/${'y'.repeat(97)}`, `to/${'y'.repeat(98)}`],
    ]
    for (const [inside, fits, tooMuch] of rows) {
      sandbox.put(`s/${inside}/f`, 'deep')
      const text = await sandbox.fails('move_file', { from: 's', to: tooMuch }, 'invalid_path')
      assert.match(text, /^invalid_path: "s" cannot be moved there: a path below it/)
      assert.deepEqual(readdirSync(sandbox.root), ['plain.txt', 's'], 'nothing is made for it')
      await sandbox.ok('move_file', { from: 's', to: fits })
      assert.equal((await sandbox.ok('read_file', { path: `${fits}/${inside}/f` })).text, 'deep')
      rmSync(join(sandbox.root, 'to'), { recursive: true })
    }
  }))

test('what lies deeper than a path can reach may be moved up, by a name that is no longer', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const inside = Array<string>(70).fill('d').join('/')
    sandbox.put(`s/t/${inside}/f`, 'deep')
    await sandbox.fails('move_file', { from: 's/t', to: 's/longer' }, 'invalid_path')
    await sandbox.ok('move_file', { from: 's/t', to: 'u' })
    assert.equal(sandbox.textOf(`u/${inside}/f`), 'deep')
  }))

test('two moves that cross each other do not wait for ever', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('a', 'a')
    sandbox.put('b', 'b')
    for (let round = 0; round < 20; round++) {
      await Promise.all([
        sandbox.call('move_file', { from: 'a', to: 'b' }),
        sandbox.call('move_file', { from: 'b', to: 'a' }),
      ])
    }
    assert.deepEqual([sandbox.textOf('a'), sandbox.textOf('b')], ['a', 'b'])
  }))

test('what another process makes at the new name in that moment is not replaced', () =>
  inSandbox({}, (sandbox) => {
    sandbox.put('f', 'ours')
    const beaten = (link: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      sandbox.put('g', 'theirs')
      return link(...args)
    }
    return withPatchedFs('linkSync', beaten, async () => {
      await sandbox.fails('move_file', { from: 'f', to: 'g' }, 'exists')
      assert.deepEqual([sandbox.textOf('f'), sandbox.textOf('g')], ['ours', 'theirs'])
    })
  }))

test('a link that takes the place of the source in that moment is not moved, and its target not touched', () =>
  inSandbox({}, (sandbox) => {
    sandbox.put('f', 'ours')
    const swapped = (link: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      renameSync(join(sandbox.root, 'f'), join(sandbox.root, 'aside'))
      symlinkSync('../O/secret', join(sandbox.root, 'f'))
      return link(...args)
    }
    return withPatchedFs('linkSync', swapped, async () => {
      await sandbox.fails('move_file', { from: 'f', to: 'g' }, 'conflict')
      assert.deepEqual(readdirSync(sandbox.root), ['aside', 'f', 'plain.txt'])
    })
  }))

test('a file that was replaced while its old version was moved is not lost', () =>
  inSandbox({}, (sandbox) => {
    sandbox.put('f', 'old')
    const replaced = (link: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      const result = link(...args)
      unlinkSync(join(sandbox.root, 'f'))
      sandbox.put('f', 'new')
      return result
    }
    return withPatchedFs('linkSync', replaced, async () => {
      await sandbox.ok('move_file', { from: 'f', to: 'g' })
      assert.deepEqual([sandbox.textOf('f'), sandbox.textOf('g')], ['new', 'old'])
    })
  }))

for (const opener of openers) {
  test(`${opener}: a file whose first name cannot be taken away keeps that one alone, and no directory is made`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('d/f', 'content')
      const refused = (unlink: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown =>
        String(args[0]).endsWith('/f') ? failWith('EACCES')() : unlink(...args)
      await withPatchedFs('unlinkSync', refused, async () => {
        const text = await sandbox.fails('move_file', { from: 'd/f', to: 'new/er/g' }, 'io_error')
        assert.match(text, /not permitted/)
      })
      assert.deepEqual(readdirSync(sandbox.root), ['d', 'plain.txt'])
      assert.deepEqual([sandbox.textOf('d/f'), lstatSync(join(sandbox.root, 'd/f')).nlink], ['content', 1])
    }))
}

test('a file whose first name somebody else takes away in that moment keeps the second', () =>
  inSandbox({}, (sandbox) => {
    sandbox.put('f', 'content')
    const outrun = (unlink: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      unlink(...args)
      return failWith('ENOENT')()
    }
    return withPatchedFs('unlinkSync', outrun, async () => {
      await sandbox.call('move_file', { from: 'f', to: 'g' })
      assert.deepEqual([readdirSync(sandbox.root), sandbox.textOf('g')], [['g', 'plain.txt'], 'content'])
    })
  }))

for (const errno of ['EPERM', 'ENOTSUP', 'EMLINK']) {
  test(`where a second name is not permitted (${errno}) a file is renamed, and still over nothing`, () =>
    inSandbox({}, (sandbox) =>
      withPatchedFs('linkSync', failWith(errno), async () => {
        sandbox.put('f', 'content')
        await sandbox.fails('move_file', { from: 'f', to: 'plain.txt' }, 'exists')
        await sandbox.ok('move_file', { from: 'f', to: 'g' })
        assert.equal(sandbox.textOf('g'), 'content')
        assert.ok(!existsSync(join(sandbox.root, 'f')))
      }),
    ))
}

test('row 56: a move to another disk is an io_error, and leaves the source and no new directory', () =>
  inSandbox({}, (sandbox) =>
    withPatchedFs('linkSync', failWith('EXDEV'), () =>
      withPatchedFs('renameSync', failWith('EXDEV'), async () => {
        sandbox.put('d/f', 'content')
        for (const from of ['d/f', 'd']) {
          const text = await sandbox.fails('move_file', { from, to: 'new/er/f' }, 'io_error')
          assert.match(text, /another disk/)
        }
        assert.equal(sandbox.textOf('d/f'), 'content')
        assert.deepEqual(readdirSync(sandbox.root), ['d', 'plain.txt'])
      }),
    ),
  ))

test('a failed write takes the directories back that it made, but none that somebody uses', () =>
  inSandbox({}, (sandbox) =>
    withPatchedFs('fchmodSync', failWith('EIO'), async () => {
      await sandbox.fails('write_file', { path: 'a/b/c', content: 'x' }, 'io_error')
      assert.deepEqual(readdirSync(sandbox.root), ['plain.txt'])
      sandbox.put('a/theirs', '')
      await sandbox.fails('write_file', { path: 'a/b/c', content: 'x' }, 'io_error')
      assert.deepEqual(readdirSync(join(sandbox.root, 'a')), ['theirs'])
    }),
  ))

test('a second name of a file is moved and deleted by itself', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'content')
    linkSync(join(sandbox.root, 'f'), join(sandbox.root, 'g'))
    await sandbox.ok('move_file', { from: 'f', to: 'h' })
    await sandbox.fails('move_file', { from: 'g', to: 'h' }, 'exists')
    await sandbox.ok('delete_file', { path: 'h' })
    assert.equal(sandbox.textOf('g'), 'content')
  }))
