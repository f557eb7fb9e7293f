import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfinedFolder, FolderError } from './confined-folder.ts'

const outside = mkdtempSync(join(tmpdir(), 'confined-'))
after(() => rmSync(outside, { recursive: true }))
const top = join(outside, 'top')
mkdirSync(join(top, 'plans'), { recursive: true })
mkdirSync(join(outside, 'private'))
for (const path of ['private/a.txt', 'top/a.txt', 'top/plans/a.txt']) writeFileSync(join(outside, path), path)
symlinkSync('../private', join(top, 'out'))
symlinkSync('a.txt', join(top, 'alias'))
const folder = new ConfinedFolder(top)

test('reads, writes and lists below the folder', () => {
  assert.equal(folder.read('a.txt'), 'top/a.txt')
  assert.equal(folder.read('./plans/a.txt'), 'top/plans/a.txt')
  folder.write('plans/b.txt', 'one')
  folder.write('plans/b.txt', 'two')
  assert.equal(readFileSync(join(top, 'plans/b.txt'), 'utf8'), 'two')
  assert.deepEqual(folder.list('plans'), ['a.txt', 'b.txt'])
  assert.deepEqual(folder.list('.'), ['a.txt', 'alias', 'out', 'plans/'])
})

for (const path of [
  '..',
  '../private/a.txt',
  '/etc/passwd',
  'out/a.txt',
  'alias',
  'a.txt/',
  'a\0',
  '',
  '.',
]) {
  test(`refuses to read and write ${JSON.stringify(path)}`, () => {
    assert.throws(() => folder.read(path), FolderError)
    assert.throws(() => folder.write(path, 'overwritten'), FolderError)
    assert.deepEqual(readdirSync(join(outside, 'private')), ['a.txt'])
    assert.equal(readFileSync(join(outside, 'private/a.txt'), 'utf8'), 'private/a.txt')
    assert.equal(readFileSync(join(top, 'a.txt'), 'utf8'), 'top/a.txt')
  })
}

test('goes on below the folder that was opened, whatever takes its name', () => {
  const renamed = join(outside, 'renamed')
  renameSync(top, renamed)
  symlinkSync('private', top)
  assert.equal(folder.read('a.txt'), 'top/a.txt')
  rmSync(top)
  renameSync(renamed, top)
})

test('takes no more than a megabyte', () => {
  assert.throws(() => folder.write('big.txt', 'x'.repeat(1024 * 1024 + 1)), FolderError)
  writeFileSync(join(top, 'big.txt'), 'x'.repeat(1024 * 1024 + 1))
  assert.throws(() => folder.read('big.txt'), /more than 1048576 bytes/)
})
