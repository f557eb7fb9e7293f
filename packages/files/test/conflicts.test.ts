import assert from 'node:assert/strict'
import { pbkdf2 } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { withPatchedFs } from './patched-fs.ts'
import { failureOf, inSandbox, type Sandbox } from './sandbox.ts'

const derive = promisify(pbkdf2)

/** Runs a body in which a local program acts just before new content gets its name. */
function withProgram(act: () => void, body: () => Promise<void>): Promise<void> {
  return withPatchedFs(
    'fchmodSync',
    (fchmod, args) => {
      act()
      return fchmod(...args)
    },
    body,
  )
}

const edit = { path: 'f', edits: [{ old: 'old', new: 'new' }] }

test('what a local program writes while an edit is at work is not replaced, nor what it deletes made again', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'old')
    await withProgram(
      () => sandbox.put('f', 'local work'),
      async () => {
        const text = await sandbox.fails('edit_file', edit, 'conflict')
        assert.match(text, /"f" has changed\. Read it again/)
      },
    )
    assert.equal(sandbox.textOf('f'), 'local work')

    sandbox.put('f', 'old')
    await withProgram(
      () => unlinkSync(join(sandbox.root, 'f')),
      async () => assert.match(await sandbox.fails('edit_file', edit, 'conflict'), /does not exist any more/),
    )
    sandbox.put('f', 'old')
    await withProgram(
      () => sandbox.put('other', 'other'),
      async () => void (await sandbox.ok('edit_file', edit)),
    )
    assert.equal(sandbox.textOf('f'), 'new')
  }))

test('a write with if_match does not replace what a local program wrote meanwhile; one without does', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('f', 'old')
    const { etag } = await sandbox.ok('read_file', { path: 'f' })
    await withProgram(
      () => sandbox.put('f', 'local work'),
      async () => {
        await sandbox.fails('write_file', { path: 'f', content: 'new', if_match: etag }, 'conflict')
        assert.equal(sandbox.textOf('f'), 'local work')
        await sandbox.ok('write_file', { path: 'f', content: 'new' })
        assert.equal(sandbox.textOf('f'), 'new')
      },
    )
  }))

/** Starts two changes to one version of one file, with the move of its directory in between. */
async function changeAcrossMove(
  sandbox: Sandbox,
  change: (path: string, etag: string) => readonly [tool: string, args: Record<string, unknown>],
): Promise<readonly string[]> {
  sandbox.put('a/x', 'old')
  const { etag } = await sandbox.ok('read_file', { path: 'a/x' })
  // While Node's four threads are busy, whatever is not done at once is under way for long.
  const busy = Array.from({ length: 4 }, () => derive('', '', 20_000, 32, 'sha512'))
  const first = sandbox.call(...change('a/x', etag))
  const move = sandbox.call('move_file', { from: 'a', to: 'b' })
  // As soon as the new path is there, whether the move has been answered or not.
  let second = await sandbox.call(...change('b/x', etag))
  while (second.isError === true && failureOf(second).startsWith('not_found: ')) {
    second = await sandbox.call(...change('b/x', etag))
  }
  const answers = [await first, second]
  await Promise.all(busy)
  assert.notEqual((await move).isError, true)
  const failures = answers.filter(({ isError }) => isError === true)
  await sandbox.ok('delete_file', { path: 'b/x' })
  await sandbox.ok('delete_file', { path: 'b' })
  return failures.map(failureOf)
}

for (const if_exists of ['replace', 'append']) {
  test(`of two writes (${if_exists}) with one if_match, one under the new path of a moved directory, one succeeds`, () =>
    inSandbox({}, async (sandbox) => {
      for (let round = 0; round < 10; round++) {
        const failures = await changeAcrossMove(sandbox, (path, etag) => [
          'write_file',
          { path, content: path, if_match: etag, if_exists },
        ])
        assert.equal(failures.length, 1, `round ${round}`)
        assert.match(failures[0] ?? '', /^conflict: /)
      }
    }))
}

test('of two edits at once, one under the new path of a moved directory, neither is lost', () =>
  inSandbox({}, async (sandbox) => {
    for (let round = 0; round < 10; round++) {
      const failures = await changeAcrossMove(sandbox, (path) => [
        'edit_file',
        { path, edits: [{ old: 'old', new: 'new' }] },
      ])
      assert.equal(failures.length, 1, `round ${round}`)
      assert.match(failures[0] ?? '', /^(?:conflict|no_match): /)
    }
  }))
