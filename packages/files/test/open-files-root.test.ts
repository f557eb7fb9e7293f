import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs, { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type FilesRootOptions, openFilesRoot } from '@mcp-doorman/files'
import { failWith, withPatchedFs } from './patched-fs.ts'
import { countDescriptors } from './sandbox.ts'

const folder = mkdtempSync(join(tmpdir(), 'doorman-open-'))
after(() => rmSync(folder, { recursive: true }))

function refuses(options: object, pattern: RegExp): void {
  const before = countDescriptors()
  // Callers without types may pass anything.
  assert.throws(
    () => openFilesRoot(options as FilesRootOptions),
    (error: Error) => {
      assert.match(error.message, pattern)
      assert.ok(!error.message.includes('\n'), 'one line')
      return true
    },
  )
  assert.equal(countDescriptors(), before)
}

test('row 69: a directory that is missing, a file, a FIFO, unreadable or "/" is refused at start', async () => {
  writeFileSync(join(folder, 'file'), '')
  execFileSync('mkfifo', [join(folder, 'fifo')])
  symlinkSync('/', join(folder, 'to-root'))
  refuses({ directory: join(folder, 'missing') }, /missing does not exist\. Make the directory/)
  refuses({ directory: join(folder, 'file') }, /file is not a directory/)
  refuses({ directory: join(folder, 'fifo') }, /fifo is not a directory/)
  refuses({ directory: join(folder, 'file', 'x') }, /cannot be opened \(ENOTDIR\)/)
  refuses({ directory: '/' }, /never served/)
  refuses({ directory: '/tmp/..' }, /never served/)
  refuses({ directory: join(folder, 'to-root') }, /never served/)
  await withPatchedFs('openSync', failWith('EACCES'), () =>
    refuses({ directory: folder }, /cannot be opened \(EACCES\)\. Let the user/),
  )
})

test('row 69: a symbolic link to a directory is resolved once, at start', async () => {
  fs.mkdirSync(join(folder, 'first'))
  fs.mkdirSync(join(folder, 'second'))
  for (const name of ['first', 'second']) writeFileSync(join(folder, name, 'f'), name)
  symlinkSync('first', join(folder, 'current'))
  const server = openFilesRoot({ directory: join(folder, 'current') })
  fs.unlinkSync(join(folder, 'current'))
  symlinkSync('second', join(folder, 'current'))
  const read = server.tools.find(({ name }) => name === 'read_file')
  const context = { caller: undefined, signal: new AbortController().signal }
  const result = await read?.call({ path: 'f' } as never, context)
  assert.equal(result?.structuredContent?.['text'], 'first')
  assert.equal(server.directory, join(fs.realpathSync(folder), 'first'))
  await server.close()
  await server.close()
})

test('row 69: without /proc it does not start, unless the weaker opener is allowed', async () => {
  await withPatchedFs('statfsSync', failWith('ENOENT'), async () => {
    refuses({ directory: folder }, /\/proc is missing.*allowWeakOpener/)
    refuses({ directory: folder, opener: 'descriptor-walk', allowWeakOpener: true }, /needs it/)
    const weak = openFilesRoot({ directory: folder, allowWeakOpener: true })
    assert.equal(weak.opener, 'realpath')
    await weak.close()
  })
  refuses({ directory: folder, opener: 'realpath' }, /can be outrun.*allowWeakOpener/)
  const strong = openFilesRoot({ directory: folder, allowWeakOpener: true })
  assert.equal(strong.opener, 'descriptor-walk', 'allowing the weak one does not choose it')
  await strong.close()
})

test('all mistakes in the options are named at once', () => {
  refuses({}, /directory: must be/)
  refuses(
    {
      directory: '',
      perUser: 'yes',
      opener: 'fast',
      maxConcurrentCallsPerCaller: 0,
      fileMode: 0o444,
      colour: 1,
    },
    /colour: unknown option; directory: .*; perUser: .*; opener: .*; maxConcurrentCallsPerCaller: .*; fileMode: /,
  )
  for (const callTimeLimitSeconds of [0, 601, Number.NaN, '10', -1]) {
    refuses({ directory: folder, callTimeLimitSeconds }, /callTimeLimitSeconds: /)
  }
  refuses({ directory: folder, directoryMode: 0o600 }, /directoryMode: /)
  refuses({ directory: folder, maxWaitingCallsPerCaller: 1.5 }, /maxWaitingCallsPerCaller: /)
})
