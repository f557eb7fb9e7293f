import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Caller } from '@mcp-doorman/mcp-endpoint'
import { createQuota, nothing } from '#internal/quota'
import { descriptorWalk } from '#internal/walk/descriptor-walk'
import type { Root } from '#internal/walk/walk'
import { failWith, withPatchedFs } from './patched-fs.ts'
import { failureOf, fieldsOf, inSandbox, memoryFolder, Sandbox } from './sandbox.ts'
import { closeSync } from 'node:fs'

// The sandbox's own file has 6 bytes and is one name.
test('a write fits up to the last byte of the quota, and not one further; what is given back can be used', () =>
  inSandbox({ quotaBytes: 1006 }, async (sandbox) => {
    await sandbox.ok('write_file', { path: 'f', content: 'x'.repeat(1000) })
    const text = await sandbox.fails('write_file', { path: 'g', content: 'x' }, 'quota')
    assert.match(text, /1 more bytes do not fit: 1006 of 1006 are used\. Delete/)
    await sandbox.fails('write_file', { path: 'f', content: 'x', if_exists: 'append' }, 'quota')
    await sandbox.fails('write_file', { path: 'f', content: 'x'.repeat(1001) }, 'quota')
    await sandbox.fails(
      'edit_file',
      { path: 'plain.txt', edits: [{ old: 'plain', new: 'plainer' }] },
      'quota',
    )
    assert.equal(sandbox.textOf('plain.txt'), 'plain\n')
    await sandbox.ok('write_file', { path: 'f', content: 'y'.repeat(1000) })
    await sandbox.ok('write_file', { path: 'empty', content: '' })
    await sandbox.ok('edit_file', { path: 'f', edits: [{ old: 'y'.repeat(1000), new: 'y'.repeat(990) }] })
    await sandbox.ok('write_file', { path: 'f', content: 'y'.repeat(10), if_exists: 'append' })
    await sandbox.fails('write_file', { path: 'g', content: 'x' }, 'quota')
    await sandbox.ok('move_file', { from: 'f', to: 'h' })
    await sandbox.fails('write_file', { path: 'g', content: 'x' }, 'quota')
    await sandbox.ok('delete_file', { path: 'h' })
    await sandbox.ok('write_file', { path: 'g', content: 'x'.repeat(1000) })
  }))

test('names count too: files, directories made for them, and links', () =>
  inSandbox({ quotaEntries: 5 }, async (sandbox) => {
    symlinkSync('nowhere', join(sandbox.root, 'link'))
    await sandbox.ok('write_file', { path: 'a/f', content: '' })
    const text = await sandbox.fails('write_file', { path: 'b/f', content: '' }, 'quota')
    assert.match(text, /2 more names do not fit: there are 4 of 5/)
    await sandbox.fails('move_file', { from: 'a/f', to: 'b/c/f' }, 'quota')
    await sandbox.ok('move_file', { from: 'a/f', to: 'b/f' })
    await sandbox.fails('write_file', { path: 'g', content: '' }, 'quota')
    await sandbox.ok('delete_file', { path: 'link' })
    await sandbox.ok('write_file', { path: 'g', content: '' })
    await sandbox.fails('write_file', { path: 'h', content: '' }, 'quota')
    await sandbox.ok('write_file', { path: 'g', content: 'replaced' })
  }))

test('of 20 parallel writes that each take a tenth of the quota exactly ten succeed', () =>
  inSandbox({ quotaBytes: 10_006 }, async (sandbox) => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        sandbox.call('write_file', { path: `d${at % 3}/f${at}`, content: 'x'.repeat(1000) }),
      ),
    )
    const failed = results.filter(({ isError }) => isError === true)
    assert.equal(failed.length, 10)
    for (const result of failed) assert.match(failureOf(result), /^quota: /)
    await sandbox.ok('delete_file', { path: 'plain.txt' })
    await sandbox.ok('write_file', { path: 'plain.txt', content: 'plain\n' })
  }))

test('20 parallel appends to one file stop at the quota, and what they added is what was taken', () =>
  inSandbox({ quotaBytes: 1006 }, async (sandbox) => {
    const args = { path: 'log', content: 'x'.repeat(100), if_exists: 'append' }
    const results = await Promise.all(Array.from({ length: 20 }, () => sandbox.call('write_file', args)))
    assert.equal(results.filter(({ isError }) => isError !== true).length, 10)
    assert.equal(sandbox.bytesOf('log').length, 1000)
  }))

test('a write that fails takes no room', () =>
  inSandbox({ quotaBytes: 1006, quotaEntries: 3 }, async (sandbox) => {
    const args = { path: 'a/f', content: 'x'.repeat(1000) }
    for (let time = 0; time < 5; time++) {
      await withPatchedFs('fchmodSync', failWith('EIO'), () =>
        sandbox.fails('write_file', args, 'io_error').then(() => {}),
      )
    }
    await sandbox.ok('write_file', args)
  }))

test('what lies deeper than a path can reach counts', () =>
  inSandbox({ quotaBytes: 1007, quotaEntries: 103 }, async (sandbox) => {
    sandbox.put(`${Array(100).fill('d').join('/')}/f`, 'x'.repeat(1000))
    await sandbox.fails('write_file', { path: 'g', content: 'xx' }, 'quota')
    await sandbox.ok('write_file', { path: 'g', content: 'x' })
    const text = await sandbox.fails('write_file', { path: 'h', content: '' }, 'quota')
    assert.match(text, /there are 103 of 103/)
  }))

test('per user: each user has a quota of their own', () =>
  inSandbox({ perUser: true, quotaBytes: 1000 }, async (sandbox) => {
    const callers = ['ann', 'ben'].map((subject): Caller => ({
      issuer: 'https://issuer.example',
      subject,
      clientId: undefined,
    }))
    for (const caller of callers) {
      fieldsOf(await sandbox.call('write_file', { path: 'f', content: 'x'.repeat(1000) }, { caller }))
      assert.match(
        failureOf(await sandbox.call('write_file', { path: 'g', content: 'x' }, { caller })),
        /^quota: /,
      )
    }
  }))

/** A quota over the sandbox's root with a clock that stands still until it is moved. */
function createTimed(sandbox: Sandbox, maxBytes: number) {
  const clock = { ms: 0 }
  const base = descriptorWalk.openBase(sandbox.root)
  const root: Root = { key: '', base, ownDirectory: undefined, directoryMode: 0o755, deny: undefined }
  const quota = createQuota({ maxBytes, maxEntries: Infinity }, () => clock.ms)
  const { signal } = new AbortController()
  return {
    clock,
    quota,
    reserve: (bytes: number) => quota.reserve(root, { bytes, entries: 0 }, signal),
    close: async () => {
      await quota.close()
      closeSync(base.fd)
    },
  }
}

test('what others took or gave is noticed after a minute, or after a second by a write that would not fit', () =>
  inSandbox({}, async (sandbox) => {
    const { clock, reserve, close } = createTimed(sandbox, 1000)
    ;(await reserve(10)).settle(nothing)
    sandbox.put('others', 'x'.repeat(990))
    const early = await reserve(900)
    early.settle(nothing)
    clock.ms = 60_001
    await assert.rejects(reserve(900), { code: 'quota' })
    rmSync(join(sandbox.root, 'others'))
    await assert.rejects(reserve(900), { code: 'quota' })
    clock.ms += 1001
    ;(await reserve(900)).settle(nothing)
    await close()
  }))

test('a count waits for writers at work, and writers for a count', () =>
  inSandbox({}, async (sandbox) => {
    const { clock, reserve, close } = createTimed(sandbox, 1000)
    const writer = await reserve(100)
    clock.ms = 60_001
    let counted = false
    const next = reserve(100).then((reservation) => {
      counted = true
      return reservation
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(counted, false, 'half a file is not counted')
    sandbox.put('f', 'x'.repeat(100))
    writer.settle({ bytes: 100, entries: 1 })
    ;(await next).settle(nothing)
    // 6 + 100 were counted, and the second writer took nothing.
    await assert.rejects(reserve(895), { code: 'quota' })
    ;(await reserve(894)).settle(nothing)
    await close()
  }))

test('a count that takes long does not outlive its server, and a caller need not wait for it', () =>
  inSandbox({ folder: memoryFolder, quotaBytes: 1_000_000 }, async (sandbox) => {
    mkdirSync(join(sandbox.root, 'many'))
    for (let at = 0; at < 20_000; at++) writeFileSync(join(sandbox.root, 'many', String(at)), '')
    const controller = new AbortController()
    const write = sandbox.call('write_file', { path: 'f', content: 'x' }, { signal: controller.signal })
    controller.abort()
    assert.match(failureOf(await write), /^busy: /)
    const other = sandbox.call('write_file', { path: 'f', content: 'x' })
    await sandbox.server.close()
    assert.match(failureOf(await other), /^busy: /)
    rmSync(join(sandbox.root, 'plain.txt'))
  }))
