import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallContext } from '@mcp-doorman/mcp-endpoint'
import { failWith, withPatchedFs } from './patched-fs.ts'
import { inSandbox, openers, type Sandbox } from './sandbox.ts'

/** Runs a body in which one name cannot be opened. */
function withFault(name: string, errno: string, body: () => Promise<void>): Promise<void> {
  return withPatchedFs(
    'openSync',
    (open, args) => (String(args[0]).endsWith(`/${name}`) ? failWith(errno)() : open(...args)),
    body,
  )
}

async function search(sandbox: Sandbox): Promise<readonly [found: number, unreadable: number]> {
  const { matches, skipped_unreadable } = await sandbox.ok('search_files', { query: 'needle' })
  return [matches.length, skipped_unreadable]
}

for (const opener of openers) {
  test(`${opener}: a directory that may not be opened is passed over, and a search says so`, () =>
    inSandbox({ opener }, async (sandbox) => {
      for (const path of ['a/f', 'closed/f', 'z/f']) sandbox.put(path, 'needle\n')
      assert.deepEqual(await search(sandbox), [3, 0])
      await withFault('closed', 'EACCES', async () => {
        assert.deepEqual(await search(sandbox), [2, 1])
        const { entries } = await sandbox.ok('list_files', { depth: 2 })
        assert.deepEqual(
          entries.map(({ path }) => path),
          ['a', 'a/f', 'closed', 'plain.txt', 'z', 'z/f'],
        )
      })
      // What is gone since it was met is not there, and nothing to speak of.
      await withFault('closed', 'ENOENT', async () => assert.deepEqual(await search(sandbox), [2, 0]))
    }))

  test(`${opener}: with no descriptor left, nothing is said to be searched, listed or counted that was not`, () =>
    inSandbox({ opener, quotaBytes: 1000 }, async (sandbox) => {
      sandbox.put('d/f', 'needle\n')
      for (const errno of ['EMFILE', 'ENFILE']) {
        await withFault('d', errno, async () => {
          for (const [tool, args] of [
            ['search_files', { query: 'needle' }],
            ['list_files', { depth: 2 }],
            ['write_file', { path: 'g', content: 'x' }],
          ] as const) {
            assert.match(await sandbox.fails(tool, args, 'busy'), /too many files open/)
          }
          const context = { caller: undefined, mayUse: () => true, signal: new AbortController().signal }
          const { list } = sandbox.server.template
          await assert.rejects(async () => list?.(undefined, context as unknown as CallContext), {
            code: 'busy',
          })
        })
        await withFault('f', errno, async () => {
          await sandbox.fails('search_files', { query: 'needle' }, 'busy')
        })
      }
      await sandbox.ok('write_file', { path: 'g', content: 'x' })
    }))
}
