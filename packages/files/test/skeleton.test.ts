import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Caller } from '@mcp-doorman/mcp-endpoint'
import { openFilesRoot } from '@mcp-doorman/files'
import { failWith, withPatchedFs } from './patched-fs.ts'
import {
  countDescriptors,
  failureOf,
  fieldsOf,
  inSandbox,
  nameTempOf,
  openers,
  type Sandbox,
} from './sandbox.ts'

const skeleton = mkdtempSync(join(tmpdir(), 'doorman-skeleton-'))
after(() => rmSync(skeleton, { recursive: true }))
mkdirSync(join(skeleton, 'docs'))
mkdirSync(join(skeleton, 'empty'))
writeFileSync(join(skeleton, 'docs/welcome.md'), 'Welcome\n')
writeFileSync(join(skeleton, 'run.sh'), '#!/bin/sh\n')
chmodSync(join(skeleton, 'run.sh'), 0o755)

const callerOf = (subject: string): Caller => ({
  issuer: 'https://issuer.example',
  subject,
  clientId: undefined,
})

function homes(sandbox: Sandbox): string[] {
  return readdirSync(sandbox.root).filter((name) => name !== 'plain.txt')
}

for (const opener of openers) {
  test(`${opener}: a new user finds the skeleton whichever tool they begin with, and it is theirs to change`, () =>
    inSandbox({ opener, perUser: true, skeleton }, async (sandbox) => {
      const [ann, ben] = [callerOf('ann'), callerOf('ben')]
      const listed = await sandbox.ok('list_files', { depth: 16 }, ann)
      assert.deepEqual(
        listed.entries.map(({ path }) => path),
        ['docs', 'docs/welcome.md', 'empty', 'run.sh'],
      )
      await sandbox.ok('write_file', { path: 'docs/welcome.md', content: 'mine' }, ann)
      assert.equal((await sandbox.ok('read_file', { path: 'docs/welcome.md' }, ben)).text, 'Welcome\n')
      assert.equal((await sandbox.ok('read_file', { path: 'docs/welcome.md' }, ann)).text, 'mine')
      for (const name of homes(sandbox)) {
        assert.equal(statSync(join(sandbox.root, name)).mode & 0o777, 0o700)
        assert.equal(statSync(join(sandbox.root, name, 'run.sh')).mode & 0o777, 0o755)
      }
      assert.equal(homes(sandbox).length, 2)
    }))
}

test('50 first calls at once make one root, whole', () =>
  inSandbox({ perUser: true, skeleton }, async (sandbox) => {
    const copies: string[] = []
    const noteCopy = (mkdir: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
      if (String(args[0]).includes('.doorman-tmp-')) copies.push(String(args[0]))
      return mkdir(...args)
    }
    await withPatchedFs('mkdirSync', noteCopy, () => firstCalls(sandbox))
    assert.equal(copies.length, 1, 'it is copied once')
    assert.equal(homes(sandbox).length, 1)
  }))

async function firstCalls(sandbox: Sandbox): Promise<void> {
  const results = await Promise.all(
    Array.from({ length: 50 }, () =>
      sandbox.call('read_file', { path: 'docs/welcome.md' }, { caller: callerOf('ann') }),
    ),
  )
  for (const result of results) assert.equal(fieldsOf(result).text, 'Welcome\n')
}

test('a root that is there already gets nothing, nor does the directory itself over stdio', () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    const ann = callerOf('ann')
    await sandbox.ok('write_file', { path: 'own', content: 'x' }, ann)
    const server = openFilesRoot({ directory: sandbox.root, perUser: true, skeleton })
    const list = server.tools.find(({ name }) => name === 'list_files')
    const { signal } = new AbortController()
    for (const caller of [ann, undefined]) await list?.call({} as never, { caller, signal })
    await server.close()
    const [home = ''] = homes(sandbox)
    assert.deepEqual(readdirSync(join(sandbox.root, home)), ['own'])
    assert.deepEqual(readdirSync(sandbox.root).length, 2)
  }))

test('a skeleton that cannot be copied whole leaves no root and no temp, and the next call tries again', () =>
  inSandbox({ perUser: true, skeleton }, async (sandbox) => {
    const ann = callerOf('ann')
    await withPatchedFs('fchmodSync', failWith('ENOSPC'), async () => {
      assert.match(failureOf(await sandbox.call('list_files', {}, { caller: ann })), /^io_error: /)
    })
    assert.deepEqual(readdirSync(sandbox.root), ['plain.txt'])
    assert.equal((await sandbox.ok('list_files', {}, ann)).entries.length, 3)
  }))

test('the sweep at start removes a copy that a killed process left', () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    sandbox.put(`${nameTempOf(4_194_304)}/docs/welcome.md`, 'half')
    const server = openFilesRoot({ directory: sandbox.root, perUser: true, skeleton })
    assert.equal(await server.swept, 1)
    await server.close()
    assert.deepEqual(readdirSync(sandbox.root), ['plain.txt'])
  }))

test('a skeleton that could not be copied or reached is refused at start', async () => {
  const before = countDescriptors()
  const refuses = (options: object, pattern: RegExp): void => {
    const all = { directory: tmpdir(), perUser: true, skeleton, ...options }
    assert.throws(() => openFilesRoot(all), pattern)
    assert.equal(countDescriptors(), before)
  }
  refuses({ perUser: false }, /skeleton: has no effect without perUser/)
  refuses({ readOnly: true }, /skeleton: cannot be copied with readOnly/)
  refuses(
    { skeleton: join(skeleton, 'missing') },
    /The skeleton .*missing cannot be copied: .*does not exist/,
  )
  refuses({ skeleton: join(skeleton, 'run.sh') }, /cannot be copied: .*is not a directory/)
  symlinkSync('run.sh', join(skeleton, 'link'))
  refuses({}, /has "link", which is neither a file nor a directory/)
  rmSync(join(skeleton, 'link'))
  writeFileSync(join(skeleton, 'docs/a\\b'), '')
  refuses({}, /has "docs\/a\\\\b", which has a backslash/)
  rmSync(join(skeleton, 'docs/a\\b'))
  writeFileSync(join(skeleton, 'big'), Buffer.alloc(16_777_217))
  refuses({}, /holds more than 16777216 bytes/)
  rmSync(join(skeleton, 'big'))
  assert.ok(!existsSync(join(skeleton, 'big')))
})
