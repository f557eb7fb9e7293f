import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, statSync, mkdirSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { failureFromSystem } from '#internal/failure'
import { inSandbox, openers } from './sandbox.ts'

const isRoot = process.getuid?.() === 0

for (const opener of openers) {
  test(`${opener}, row 25: a FIFO never holds up a call, nor the calls after it`, () =>
    inSandbox({ opener }, async (sandbox) => {
      execFileSync('mkfifo', [join(sandbox.root, 'p')])
      const started = performance.now()
      await Promise.all(
        Array.from({ length: 8 }, () => sandbox.fails('read_file', { path: 'p' }, 'not_a_file')),
      )
      for (const if_exists of ['replace', 'fail', 'append']) {
        await sandbox.fails('write_file', { path: 'p', content: 'x', if_exists }, 'not_a_file')
      }
      await sandbox.fails('read_file', { path: 'p/x' }, 'not_a_directory')
      const { entries } = await sandbox.ok('list_files', { path: 'p' })
      assert.deepEqual([entries[0]?.type, entries[0]?.size], ['other', undefined])
      assert.ok(performance.now() - started < 1000)
    }))

  test(`${opener}, row 26: sockets and devices are no files`, () =>
    inSandbox({ opener }, async (sandbox) => {
      const listener = createServer().listen(join(sandbox.root, 's'))
      await once(listener, 'listening')
      const names = ['s']
      if (isRoot) {
        execFileSync('mknod', [join(sandbox.root, 'zero'), 'c', '1', '5'])
        execFileSync('mknod', [join(sandbox.root, 'disk'), 'b', '7', '99'])
        names.push('zero', 'disk')
      }
      for (const path of names) {
        await sandbox.fails('read_file', { path }, 'not_a_file')
        await sandbox.fails('write_file', { path, content: 'x' }, 'not_a_file')
        assert.equal((await sandbox.ok('list_files', { path })).entries[0]?.type, 'other')
      }
      listener.close()
      await once(listener, 'close')
    }))

  test(`${opener}, row 27: a directory is no file and a file is no directory`, () =>
    inSandbox({ opener }, async (sandbox) => {
      mkdirSync(join(sandbox.root, 'd'))
      await sandbox.fails('read_file', { path: 'd' }, 'not_a_file')
      for (const if_exists of ['replace', 'fail', 'append']) {
        await sandbox.fails('write_file', { path: 'd', content: 'x', if_exists }, 'not_a_file')
        await sandbox.fails('write_file', { path: 'plain.txt/x', content: 'x', if_exists }, 'not_a_directory')
      }
      await sandbox.fails('read_file', { path: 'plain.txt/x' }, 'not_a_directory')
      await sandbox.fails('list_files', { path: 'plain.txt/x', depth: 3 }, 'not_a_directory')
      const { entries } = await sandbox.ok('list_files', { path: 'plain.txt', depth: 3 })
      assert.deepEqual([entries.length, entries[0]?.type, entries[0]?.size], [1, 'file', 6])
    }))
}

test('G64, row 29: what the server may not read is an io_error without a host path; its neighbour is read', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('shut.txt', 'shut')
    sandbox.put('shut/x.txt', 'x')
    chmodSync(join(sandbox.root, 'shut.txt'), 0)
    chmodSync(join(sandbox.root, 'shut'), 0)
    chmodSync(sandbox.base, 0o755)
    const script = fileURLToPath(new URL('read-as-other.ts', import.meta.url))
    // Modes do not bind root, so root asks an ordinary user to look, if that user can read this project.
    const asOther =
      isRoot && isOpenToAll(script) && isOpenToAll(process.execPath) ? { uid: 65_534, gid: 65_534 } : {}
    const output = execFileSync(process.execPath, [script, sandbox.root], {
      encoding: 'utf8',
      cwd: '/',
      ...asOther,
    })
    const [plain = '', file = '', directory = ''] = output.trim().split('\n')
    assert.match(plain, /"text":"plain\\n"/)
    const readable = isRoot && asOther.uid === undefined
    for (const answer of [file, directory]) {
      assert.match(answer, readable ? /"text":/ : /"io_error: [^/]*\(EACCES\)\."/)
      assert.ok(!answer.includes(sandbox.base))
    }
  }))

function isOpenToAll(path: string): boolean {
  return (statSync(path).mode & 0o5) !== 0 && (dirname(path) === path || isOpenToAll(dirname(path)))
}

const systemErrors: ReadonlyArray<readonly [errno: string, code: string]> = [
  ['ENOENT', 'not_found'],
  ['ELOOP', 'symlink'],
  ['ENOTDIR', 'not_a_directory'],
  ['EISDIR', 'not_a_file'],
  ['ENXIO', 'not_a_file'],
  ['EEXIST', 'exists'],
  ['ENAMETOOLONG', 'invalid_path'],
  ['EMFILE', 'busy'],
  ['EACCES', 'io_error'],
  ['EROFS', 'io_error'],
  ['ENOSPC', 'io_error'],
  ['EIO', 'io_error'],
]
for (const [errno, code] of systemErrors) {
  test(`G64: the system's ${errno} is answered as ${code}, without the path that the system named`, () => {
    const raised = Object.assign(new Error(`${errno}: went wrong, open '/proc/self/fd/9/a'`), { code: errno })
    const failure = failureFromSystem(raised, 'a/b')
    assert.equal(failure.code, code)
    assert.ok(!failure.message.includes('/proc'))
  })
}

test('an error that the system did not raise is not dressed up as one', () => {
  assert.throws(() => failureFromSystem(new TypeError('a fault of ours'), 'a'), TypeError)
})
