import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, unlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFilesRoot } from '@mcp-doorman/files'
import { withPatchedFs } from './patched-fs.ts'
import { findTemps, inSandbox, memoryFolder, nameTempOf, openers, Sandbox } from './sandbox.ts'
import { repeats } from '../../../test/rounds.ts'

const script = fileURLToPath(new URL('endless-writer.ts', import.meta.url))

test('row 51: a process killed in the middle of writes leaves whole content, and its temps are swept', () =>
  inSandbox({ folder: memoryFolder }, async (sandbox) => {
    const bodies = new Set(['a', 'b'].map((letter) => letter.repeat(262_144)))
    sandbox.put('deep/er/f', 'a'.repeat(262_144))
    let left = 0
    let swept = 0
    // On until one kill at least came in the middle of a write.
    for (let round = 0; round < repeats(8, 4) || (left === 0 && round < 40); round++) {
      const child = fork(script, [sandbox.root, 'deep/er/f'], { stdio: 'inherit' })
      // It reports every write; each round kills it a little later in its work.
      for (let done = 0; done <= (round % 8) * 5; done++) await once(child, 'message')
      for (let turn = 0; turn < (round % 8) * 20; turn++)
        await new Promise((resolve) => setImmediate(resolve))
      child.kill('SIGKILL')
      await once(child, 'close')
      assert.ok(bodies.has(sandbox.textOf('deep/er/f')), 'old or new content, whole')
      left += findTemps(sandbox.root).length

      const { entries } = await sandbox.ok('list_files', { depth: 16, hidden: true })
      assert.ok(entries.every(({ path }) => !path.includes('doorman-tmp')))
      const server = openFilesRoot({ directory: sandbox.root })
      swept += await server.swept
      await server.close()
      assert.deepEqual(findTemps(sandbox.root), [])
    }
    assert.equal(swept, left)
    assert.ok(left > 0, 'at least one kill came in the middle of a write')
  }))

for (const opener of openers) {
  test(`${opener}: the sweep at start removes what dead processes left, and nothing else`, () =>
    inSandbox({}, async (sandbox) => {
      const gone = 4_194_304 // One above the highest process id that Linux gives.
      const elsewhere = (pid: number): string => `.doorman-tmp-${pid}-cccccccccccc-aaaaaaaaaaaa-bbbbbbbbbbbb`
      const dead = [nameTempOf(gone), nameTempOf(process.pid)]
      // Another container may have our process id, and one that means nothing here.
      const perhapsAtWork = [nameTempOf(1), elsewhere(1), elsewhere(gone), elsewhere(process.pid)]
      const odd = ['.doorman-tmp-', '.doorman-tmp-1-a-b']
      const start = async (options: object): Promise<number> => {
        const server = openFilesRoot({ directory: sandbox.root, allowWeakOpener: true, ...options })
        await server.swept.finally(() => server.close())
        return server.swept
      }
      const age = (minutes: number): void => {
        for (const name of [...perhapsAtWork, ...odd]) {
          const seconds = Date.now() / 1000 - minutes * 60
          utimesSync(join(sandbox.root, 'd/e', name), seconds, seconds)
        }
      }
      for (const name of [...dead, ...perhapsAtWork, ...odd]) sandbox.put(`d/e/${name}`, 'x')

      assert.equal(await start({ readOnly: true }), 0)
      assert.equal(await start({ opener }), dead.length)
      assert.deepEqual(findTemps(sandbox.root).toSorted(), [...perhapsAtWork, ...odd].toSorted())
      age(19)
      assert.equal(await start({ opener }), 0)
      age(21)
      assert.equal(await start({ opener }), perhapsAtWork.length + odd.length)
    }))
}

for (const [call, args] of [
  ['renameSync', { path: 'f', content: 'new' }],
  ['linkSync', { path: 'd/g', content: 'new', if_exists: 'fail' }],
] as const) {
  test(`a write whose temp is taken away before ${call} says to try again, and changes nothing`, () =>
    inSandbox({}, async (sandbox) => {
      sandbox.put('f', 'old')
      const taken = (original: (...args: unknown[]) => unknown, given: readonly unknown[]): unknown => {
        unlinkSync(String(given[0]))
        return original(...given)
      }
      await withPatchedFs(call, taken, async () => {
        const text = await sandbox.fails('write_file', args, 'busy')
        assert.match(text, /taken away by somebody else .* Try again/)
      })
      assert.deepEqual(readdirSync(sandbox.root), ['f', 'plain.txt'])
      assert.equal(sandbox.textOf('f'), 'old')
      await sandbox.ok('write_file', args)
    }))
}

test('closing while the sweep runs stops it and leaves no descriptor open', async () => {
  const sandbox = new Sandbox({ folder: memoryFolder })
  for (let at = 0; at < 1000; at++) sandbox.put(`d/${at}`, '')
  const server = openFilesRoot({ directory: sandbox.root })
  await server.close()
  assert.equal(await server.swept, 0)
  await sandbox.end()
})
