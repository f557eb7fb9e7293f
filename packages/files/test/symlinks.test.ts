import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inSandbox, openers } from './sandbox.ts'

for (const opener of openers) {
  test(`G61, ${opener}, row 15: a link to a file outside is neither read nor written nor appended to`, () =>
    inSandbox({ opener }, async (sandbox) => {
      symlinkSync('../O/secret', join(sandbox.root, 'l'))
      await sandbox.fails('read_file', { path: 'l' }, 'symlink')
      for (const if_exists of ['replace', 'fail', 'append']) {
        await sandbox.fails('write_file', { path: 'l', content: 'x', if_exists }, 'symlink')
      }
      await sandbox.fails('list_files', { path: 'l' }, 'symlink')
      assert.equal(readlinkSync(join(sandbox.root, 'l')), '../O/secret')
    }))

  test(`${opener}, row 16: a link answers in the same words whether its target exists or not`, () =>
    inSandbox({ opener }, async (sandbox) => {
      for (const [target, path] of [
        ['../O/secret', 'live/l'],
        ['../O/missing', 'gone/l'],
      ] as const) {
        mkdirSync(join(sandbox.root, path, '..'))
        symlinkSync(`../${target}`, join(sandbox.root, path))
      }
      const calls: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
        ['read_file', {}],
        ['list_files', {}],
        ['write_file', { content: 'x', if_exists: 'replace' }],
        ['write_file', { content: 'x', if_exists: 'fail' }],
        ['write_file', { content: 'x', if_exists: 'append' }],
      ]
      for (const [tool, args] of calls) {
        const live = await sandbox.fails(tool, { ...args, path: 'live/l' }, 'symlink')
        const gone = await sandbox.fails(tool, { ...args, path: 'gone/l' }, 'symlink')
        assert.equal(gone.replace('gone/', 'live/'), live)
        const below = await sandbox.fails(tool, { ...args, path: 'live/l/x' }, 'symlink')
        const belowGone = await sandbox.fails(tool, { ...args, path: 'gone/l/x' }, 'symlink')
        assert.equal(belowGone.replace('gone/', 'live/'), below)
      }
      assert.deepEqual(readdirSync(sandbox.outside), ['secret'])
    }))

  test(`G61, ${opener}, row 17: nothing goes through a link to a directory, not even missing parents`, () =>
    inSandbox({ opener }, async (sandbox) => {
      symlinkSync('../O', join(sandbox.root, 'd'))
      await sandbox.fails('read_file', { path: 'd/secret' }, 'symlink')
      await sandbox.fails('list_files', { path: 'd' }, 'symlink')
      await sandbox.fails('list_files', { path: 'd/secret' }, 'symlink')
      for (const path of ['d/new', 'd/x/y/z', 'd/secret']) {
        for (const if_exists of ['replace', 'fail', 'append']) {
          await sandbox.fails('write_file', { path, content: 'x', if_exists }, 'symlink')
        }
      }
    }))

  test(`${opener}, row 19: links inside the root, loops and chains are refused at once`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('a.txt', 'a')
      symlinkSync('a.txt', join(sandbox.root, 'in'))
      symlinkSync('y', join(sandbox.root, 'x'))
      symlinkSync('x', join(sandbox.root, 'y'))
      for (let at = 0; at < 50; at++) symlinkSync(`c${at + 1}`, join(sandbox.root, `c${at}`))
      for (const path of ['in', 'x', 'c0', 'x/z', 'c0/z']) {
        await sandbox.fails('read_file', { path }, 'symlink')
        await sandbox.fails('write_file', { path, content: 'x' }, 'symlink')
      }
      assert.equal((await sandbox.ok('read_file', { path: 'a.txt' })).text, 'a')
    }))

  test(`${opener}, row 21: a listing shows links and enters none, and so it ends`, () =>
    inSandbox({ opener }, async (sandbox) => {
      sandbox.put('t/u/f.txt', 'f')
      symlinkSync('../../O', join(sandbox.root, 't/out'))
      symlinkSync('../../O/secret', join(sandbox.root, 't/secret'))
      symlinkSync('..', join(sandbox.root, 't/u/up'))
      symlinkSync('.', join(sandbox.root, 't/u/self'))
      for (const args of [{}, { glob: '**' }, { glob: '**/*' }]) {
        const { entries } = await sandbox.ok('list_files', { path: 't', depth: 16, ...args })
        assert.deepEqual(
          entries.map(({ path, type }) => `${type} ${path}`),
          [
            'symlink t/out',
            'symlink t/secret',
            'directory t/u',
            'file t/u/f.txt',
            'symlink t/u/self',
            'symlink t/u/up',
          ],
        )
      }
    }))
}
