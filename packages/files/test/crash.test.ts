import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFilesRoot } from '@mcp-doorman/files'
import { findTemps, inSandbox, memoryFolder, openers, Sandbox } from './sandbox.ts'
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
      const names = {
        dead: `.doorman-tmp-${gone}-aaaaaaaaaaaa-bbbbbbbbbbbb`,
        ourIdBefore: `.doorman-tmp-${process.pid}-aaaaaaaaaaaa-bbbbbbbbbbbb`,
        running: `.doorman-tmp-1-aaaaaaaaaaaa-bbbbbbbbbbbb`,
        ancient: `.doorman-tmp-1-cccccccccccc-bbbbbbbbbbbb`,
        odd: '.doorman-tmp-',
      }
      for (const name of Object.values(names)) sandbox.put(`d/e/${name}`, 'x')
      const twoHoursAgo = Date.now() / 1000 - 7200
      utimesSync(join(sandbox.root, 'd/e', names.ancient), twoHoursAgo, twoHoursAgo)

      const readOnly = openFilesRoot({ directory: sandbox.root, readOnly: true })
      assert.equal(await readOnly.swept, 0)
      await readOnly.close()
      const server = openFilesRoot({ directory: sandbox.root, opener, allowWeakOpener: true })
      assert.equal(await server.swept, 4)
      await server.close()
      assert.deepEqual(findTemps(sandbox.root), [names.running])

      utimesSync(join(sandbox.root, 'd/e', names.running), twoHoursAgo, twoHoursAgo)
      const later = openFilesRoot({ directory: sandbox.root })
      assert.equal(await later.swept, 1)
      await later.close()
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
