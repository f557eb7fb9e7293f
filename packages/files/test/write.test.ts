import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, lstatSync, readdirSync, statSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { failWith, withPatchedFs } from './patched-fs.ts'
import {
  type Sandbox,
  failureOf,
  fieldsOf,
  findTemps,
  inSandbox,
  memoryFolder,
  openers,
  readAll,
} from './sandbox.ts'

for (const opener of openers) {
  test(`${opener}: a write makes parents, says what it made, and its etag is the one that reading gives`, () =>
    inSandbox({ opener }, async (sandbox) => {
      const result = await sandbox.call('write_file', { path: 'a/b/ü #.txt', content: 'eins\n' })
      const { path, size, created, etag } = fieldsOf(result)
      assert.deepEqual([path, size, created], ['a/b/ü #.txt', 5, true])
      assert.deepEqual(result.content[1], {
        type: 'resource_link',
        uri: 'file:///a/b/%C3%BC%20%23.txt',
        name: 'ü #.txt',
      })
      const page = await sandbox.ok('read_file', { path })
      assert.deepEqual([page.text, page.etag], ['eins\n', etag])
      const again = await sandbox.ok('write_file', { path, content: 'zwei' })
      assert.deepEqual([again.created, sandbox.textOf(path)], [false, 'zwei'])
      assert.notEqual(again.etag, etag)
      assert.equal((await sandbox.ok('read_file', { path })).etag, again.etag)
    }))

  test(`${opener}: append adds to the end, and makes the file if there is none`, () =>
    inSandbox({ opener }, async (sandbox) => {
      const args = { path: 'd/log', content: 'eins\n', if_exists: 'append' }
      assert.equal((await sandbox.ok('write_file', args)).created, true)
      const second = await sandbox.ok('write_file', { ...args, content: 'zwei\n' })
      assert.deepEqual([second.created, second.size, sandbox.textOf('d/log')], [false, 10, 'eins\nzwei\n'])
      assert.equal((await sandbox.ok('read_file', { path: 'd/log' })).etag, second.etag)
      await sandbox.ok('write_file', { ...args, content: 'drei\n', if_match: second.etag })
      await sandbox.fails('write_file', { ...args, if_match: second.etag }, 'conflict')
    }))

  test(`${opener}, row 47: if_exists "fail" creates, and changes nothing that is there`, () =>
    inSandbox({ opener }, async (sandbox) => {
      const args = { path: 'new.txt', content: 'new', if_exists: 'fail' }
      assert.equal((await sandbox.ok('write_file', args)).created, true)
      assert.equal(lstatSync(join(sandbox.root, 'new.txt')).nlink, 1)
      await sandbox.fails('write_file', { ...args, content: 'other' }, 'exists')
      assert.equal(sandbox.textOf('new.txt'), 'new')
      await sandbox.fails('write_file', { ...args, if_match: 'x' }, 'invalid_arguments')
    }))
}

test('if_match writes over exactly the version it names', () =>
  inSandbox({}, async (sandbox) => {
    const { etag } = await sandbox.ok('read_file', { path: 'plain.txt' })
    const args = { path: 'plain.txt', content: 'plain\n', if_match: etag }
    await sandbox.fails('write_file', { ...args, if_match: 'another' }, 'conflict')
    await sandbox.ok('write_file', args)
    await sandbox.fails('write_file', args, 'conflict')
    await sandbox.fails('write_file', { ...args, path: 'missing.txt' }, 'conflict')
    await sandbox.fails('write_file', { ...args, path: 'no/such/directory.txt' }, 'not_found')
    assert.deepEqual(readdirSync(sandbox.root), ['plain.txt'], 'no parents for what must exist already')
  }))

test('row 48: of 50 parallel creations of one name exactly one succeeds', () =>
  inSandbox({}, async (sandbox) => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        sandbox.call('write_file', { path: 'one', content: `${at}`, if_exists: 'fail' }),
      ),
    )
    const failed = results.filter(({ isError }) => isError === true)
    assert.equal(failed.length, 49)
    for (const result of failed) assert.match(failureOf(result), /^exists: /)
    assert.equal(sandbox.textOf('one'), String(results.findIndex(({ isError }) => isError !== true)))
  }))

test('row 48: what another process creates meanwhile is not replaced either', () =>
  inSandbox({}, (sandbox) => {
    // The other process wins just before the temp would get its name.
    const beaten = (link: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      sandbox.put('one', 'theirs')
      return link(...args)
    }
    return withPatchedFs('linkSync', beaten, async () => {
      await sandbox.fails('write_file', { path: 'one', content: 'ours', if_exists: 'fail' }, 'exists')
      assert.equal(sandbox.textOf('one'), 'theirs')
    })
  }))

test('row 49: of 50 parallel writes with one if_match exactly one succeeds', () =>
  inSandbox({}, async (sandbox) => {
    const { etag } = await sandbox.ok('read_file', { path: 'plain.txt' })
    const results = await Promise.all(
      Array.from({ length: 50 }, () =>
        sandbox.call('write_file', { path: 'plain.txt', content: 'plain\n', if_match: etag }),
      ),
    )
    const failed = results.filter(({ isError }) => isError === true)
    assert.equal(failed.length, 49)
    for (const result of failed) assert.match(failureOf(result), /^conflict: /)
  }))

test('row 50: with 100 writers of 1 MiB bodies at once, every read is one whole body', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const bodyOf = (writer: number): string => `${String(writer).padStart(15)}\n`.repeat(65_536)
    await sandbox.ok('write_file', { path: 'body', content: bodyOf(0) })
    const state = { writing: true }
    const writers = Array.from({ length: 100 }, async (_, at) => {
      const caller = { issuer: 'https://issuer.example', subject: `writer ${at % 10}`, clientId: undefined }
      const args = { path: 'body', content: bodyOf(at + 1) }
      fieldsOf(await sandbox.call('write_file', args, { caller }))
    })
    const all = Promise.all(writers).finally(() => (state.writing = false))
    const read = async (): Promise<void> => {
      while (state.writing) {
        let text = ''
        let args: Record<string, unknown> = { path: 'body', limit: 5000 }
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve))
          const result = await sandbox.call('read_file', args)
          if (result.isError === true) {
            assert.match(failureOf(result), /^conflict: /)
            break
          }
          const page = fieldsOf(result)
          text += page.text
          if (page.next_cursor === undefined) break
          args = { path: 'body', limit: 5000, cursor: page.next_cursor }
        }
        assert.equal(new Set(text.split('\n').slice(0, -1)).size, text === '' ? 0 : 1)
      }
    }
    await Promise.all([all, read(), read()])
    const last = await readAll(sandbox, { path: 'body' })
    assert.equal(last.map(({ text }) => text).join('').length, 1_048_576)
  }))

test('row 53: modes are kept, and no temp is ever open to others', () =>
  inSandbox({}, async (sandbox) => {
    const seen = new Set<number>()
    const state = { writing: true }
    const watch = async (): Promise<void> => {
      while (state.writing) {
        for (const name of findTemps(sandbox.root)) {
          const stats = lstatSync(join(sandbox.root, name), { throwIfNoEntry: false })
          if (stats !== undefined) seen.add(stats.mode & 0o777)
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const watching = watch()
    for (const mode of [0o700, 0o600, 0o664, 0o4755]) {
      sandbox.put('f', 'old')
      chmodSync(join(sandbox.root, 'f'), mode)
      for (let time = 0; time < 20; time++) await sandbox.ok('write_file', { path: 'f', content: `${time}` })
      assert.equal(statSync(join(sandbox.root, 'f')).mode & 0o7777, mode & 0o777)
    }
    state.writing = false
    await watching
    assert.deepEqual([...seen], [0o600])
    await sandbox.ok('write_file', { path: 'new', content: '' })
    assert.equal(statSync(join(sandbox.root, 'new')).mode & 0o777, 0o644)
  }))

test('a file with a second name keeps that name and its content: replace makes a new file, append refuses', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'old')
    linkSync(join(sandbox.root, 'f'), join(sandbox.root, 'second'))
    await sandbox.fails('write_file', { path: 'f', content: 'new', if_exists: 'append' }, 'not_a_file')
    await sandbox.ok('write_file', { path: 'f', content: 'new' })
    assert.deepEqual([sandbox.textOf('f'), sandbox.textOf('second')], ['new', 'old'])
  }))

test('a link that takes the name while a write runs is replaced, not followed', () =>
  inSandbox({}, (sandbox) => {
    sandbox.put('f', 'old')
    const swapped = (rename: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      swapForLink(sandbox)
      return rename(...args)
    }
    return withPatchedFs('renameSync', swapped, async () => {
      await sandbox.ok('write_file', { path: 'f', content: 'new' })
      assert.ok(lstatSync(join(sandbox.root, 'f')).isFile())
    })
  }))

test('a link that takes the name just before an addition is refused, not followed', () =>
  inSandbox({}, (sandbox) => {
    sandbox.put('f', 'old')
    const swapped = (open: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      if (String(args[0]).endsWith('/f')) swapForLink(sandbox)
      return open(...args)
    }
    return withPatchedFs('openSync', swapped, async () => {
      await sandbox.fails('write_file', { path: 'f', content: 'new', if_exists: 'append' }, 'symlink')
    })
  }))

function swapForLink(sandbox: Sandbox): void {
  unlinkSync(join(sandbox.root, 'f'))
  symlinkSync('../O/secret', join(sandbox.root, 'f'))
}

test('row 55: content is at most 5 MiB, and base64 is exact', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const most = 5_242_880
    await sandbox.ok('write_file', { path: 'f', content: 'x'.repeat(most) })
    await sandbox.fails('write_file', { path: 'f', content: 'x'.repeat(most + 1) }, 'too_large')
    await sandbox.fails('write_file', { path: 'f', content: '界'.repeat(2_000_000) }, 'too_large')
    const bytes = Buffer.from([0, 255, 254, 62, 63])
    const encoding = 'base64'
    await sandbox.ok('write_file', { path: 'b', content: bytes.toString('base64'), encoding })
    assert.deepEqual(sandbox.bytesOf('b'), bytes)
    await sandbox.ok('write_file', { path: 'empty', content: '', encoding })
    for (const content of ['AP/+Pj8', 'AP/+ Pj8=', 'AP_-Pj8=', 'AP/+Pj8=\n', 'AP/+Pj9=', '=', 'A===', 'ü']) {
      await sandbox.fails('write_file', { path: 'b', content, encoding }, 'invalid_arguments')
    }
    await sandbox.fails('write_file', { path: 'b', content: '\ud800' }, 'invalid_arguments')
    assert.deepEqual(sandbox.bytesOf('b'), bytes)
  }))

const faults = [
  ['renameSync', 'ENOSPC', 'd/f'],
  ['fchmodSync', 'EIO', 'd/f'],
  ['mkdirSync', 'EROFS', 'e/f'],
] as const
for (const [name, errno, path] of faults) {
  test(`when the disk answers ${errno} to ${name}, the old content stays and no temp`, () =>
    inSandbox({}, async (sandbox) => {
      sandbox.put('d/f', 'old')
      await withPatchedFs(name, failWith(errno), async () => {
        await sandbox.fails('write_file', { path, content: 'new' }, 'io_error')
      })
      assert.equal(sandbox.textOf('d/f'), 'old')
    }))
}

test('on a disk without hard links a creation still never replaces anything', () =>
  inSandbox({}, (sandbox) =>
    withPatchedFs('linkSync', failWith('EPERM'), async () => {
      const args = { path: 'one', content: 'content', if_exists: 'fail' }
      const results = await Promise.all(Array.from({ length: 10 }, () => sandbox.call('write_file', args)))
      assert.equal(results.filter(({ isError }) => isError !== true).length, 1)
      assert.equal(sandbox.textOf('one'), 'content')
      assert.equal(statSync(join(sandbox.root, 'one')).mode & 0o777, 0o644)
    }),
  ))

test('when the disk fills up in the middle, additions are taken back whole and the old content stays', () =>
  inSandbox({}, async (sandbox) => {
    for (const path of ['appended', 'replaced']) sandbox.put(path, 'old')
    // The limit on the size of files (8 blocks of 512 bytes) cuts writes short as a full disk does.
    const script = fileURLToPath(new URL('write-8000-bytes.ts', import.meta.url))
    const command = `ulimit -f 8 && exec "$0" "$1" "$2"`
    const output = execFileSync('sh', ['-c', command, process.execPath, script, sandbox.root], {
      encoding: 'utf8',
    })
    const answers = output.trim().split('\n')
    assert.equal(answers.length, 2)
    for (const answer of answers) assert.match(answer, /"io_error: /)
    assert.deepEqual([sandbox.textOf('appended'), sandbox.textOf('replaced')], ['old', 'old'])
  }))
