import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, symlinkSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { withPatchedFs } from './patched-fs.ts'
import { inSandbox, memoryFolder, openers, Sandbox, secret, textOf } from './sandbox.ts'
import { repeats } from '../../../test/rounds.ts'

const script = fileURLToPath(new URL('swapper.ts', import.meta.url))

/** Runs a body while another process swaps `name` in R for a link to `target`; returns the swaps made. */
async function whileSwapping(
  sandbox: Sandbox,
  name: string,
  target: string,
  body: () => Promise<void>,
): Promise<number> {
  const child = fork(script, [sandbox.root, name, target], { stdio: 'inherit' })
  try {
    await once(child, 'message')
    await body()
    child.send('stop')
    const [swaps] = await once(child, 'message')
    await once(child, 'close')
    return Number(swaps)
  } finally {
    child.kill('SIGKILL')
  }
}

test('G61, row 22: 20,000 reads through a directory that is swapped for a link leak nothing', async (t) => {
  const sandbox = new Sandbox({ folder: memoryFolder })
  sandbox.put('d/secret', 'inside')
  const counts = { inside: 0, refused: 0, leaked: 0 }
  const swaps = await whileSwapping(sandbox, 'd', '../O', async () => {
    for (let at = 0; at < repeats(20_000, 5); at++) {
      const result = await sandbox.call('read_file', { path: 'd/secret' })
      if (textOf(result).includes(secret)) counts.leaked++
      else counts[result.isError === true ? 'refused' : 'inside']++
    }
  })
  t.diagnostic(`descriptor walk: ${JSON.stringify(counts)}, ${swaps} swaps`)
  assert.equal(counts.leaked, 0)
  assert.ok(counts.inside > 10 && counts.refused > 10, 'both sides of the swap were met')
  await sandbox.end()
})

test('row 22: the same race does find leaks in a reader that resolves the path and opens it again', async (t) => {
  const sandbox = new Sandbox({ folder: memoryFolder, mayContainSecret: true })
  sandbox.put('d/secret', 'inside')
  let reads = 0
  let leaked = 0
  const swaps = await whileSwapping(sandbox, 'd', '../O', async () => {
    while (leaked < 20 && reads < 200_000) {
      reads++
      const text = await readNaively(sandbox.root, 'd/secret')
      if (text === secret) leaked++
    }
  })
  t.diagnostic(`realpath, then readFile: ${leaked} leaks in ${reads} reads, ${swaps} swaps`)
  assert.ok(leaked > 0, 'the race is able to find a leak')
  await sandbox.end()
})

async function readNaively(root: string, path: string): Promise<string | undefined> {
  try {
    const resolved = await realpath(join(root, path))
    return resolved.startsWith(`${root}/`) ? await readFile(resolved, 'utf8') : undefined
  } catch {
    return undefined // Missing for the moment, as it is for every reader.
  }
}

/** A call of each kind that changes something, in turn. */
function changing(
  at: number,
  path: string,
): readonly [tool: string, args: Readonly<Record<string, unknown>>] {
  switch (at % 7) {
    case 4:
      return ['edit_file', { path, edits: [{ old: 'x', new: 'y', all: true }] }]
    case 5:
      return ['move_file', { from: path, to: `d/moved${at}` }]
    case 6:
      return ['delete_file', { path }]
    default:
      return [
        'write_file',
        { path, content: 'x', if_exists: ['replace', 'append', 'replace', 'fail'][at % 4] },
      ]
  }
}

test('G61, row 22: 5,000 writes through a directory that is swapped for a link change nothing outside', async (t) => {
  await inSandbox({ folder: memoryFolder }, async (sandbox) => {
    sandbox.put('d/secret', 'inside')
    const counts = { written: 0, refused: 0 }
    const swaps = await whileSwapping(sandbox, 'd', '../O', async () => {
      for (let at = 0; at < repeats(5000, 3); at++) {
        const result = await sandbox.call(...changing(at, at % 2 === 0 ? 'd/secret' : `d/new${at % 10}`))
        counts[result.isError === true ? 'refused' : 'written']++
      }
    })
    t.diagnostic(`writes: ${JSON.stringify(counts)}, ${swaps} swaps`)
    assert.ok(counts.written > 10 && counts.refused > 10, 'both sides of the swap were met')
  })
})

test('G61, row 23: writes to a file that is itself swapped for a link change nothing outside', async (t) => {
  await inSandbox({ folder: memoryFolder }, async (sandbox) => {
    sandbox.put('f', 'inside')
    const counts = { written: 0, refused: 0 }
    const swaps = await whileSwapping(sandbox, 'f', '../O/secret', async () => {
      for (let at = 0; at < repeats(5000, 3); at++) {
        const if_exists = ['replace', 'append'][at % 3]
        const result =
          if_exists === undefined
            ? await sandbox.call('edit_file', { path: 'f', edits: [{ old: 'x', new: 'y', all: true }] })
            : await sandbox.call('write_file', { path: 'f', content: 'x', if_exists })
        counts[result.isError === true ? 'refused' : 'written']++
      }
    })
    t.diagnostic(`writes: ${JSON.stringify(counts)}, ${swaps} swaps`)
    assert.ok(counts.written > 10 && counts.refused > 10, 'both sides of the swap were met')
  })
})

for (const opener of openers) {
  test(`G61, ${opener}: a directory swapped for a link just before its file is opened leaks nothing`, () =>
    inSandbox({ opener }, async (sandbox) => {
      for (const [path, swapped, target] of [
        ['d/secret', 'd', '../O'],
        ['u/O/secret', 'u', '..'],
      ] as const) {
        sandbox.put(path, 'inside')
        const place = join(sandbox.root, swapped)
        const swap = (open: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown => {
          if (String(args[0]).endsWith('/secret')) {
            renameSync(place, `${place}-aside`)
            symlinkSync(target, place)
          }
          return open(...args)
        }
        await withPatchedFs('openSync', swap, async () => {
          const result = await sandbox.call('read_file', { path })
          // The descriptor still stands for the directory that was opened; the weaker one refuses.
          assert.match(textOf(result), opener === 'realpath' ? /^symlink: / : /^inside$/)
        })
      }
    }))
}
