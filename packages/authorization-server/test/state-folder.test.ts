import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import {
  createPrivateFile,
  createStateFolder,
  readPrivateFile,
  writePrivateFile,
} from '#internal/state-folder'

const nobody = 65_534

function makeFolder(t: TestContext, mode: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'doorman-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, mode)
  return folder
}

/** Gives a file to another account; whoever is not root finds one that belongs to root instead. */
function giveAway(path: string, otherwise: string): string {
  if (process.getuid?.() !== 0) return otherwise
  chownSync(path, nobody, nobody)
  return path
}

test('a state folder that is not there is made for its owner only, with those above it', (t) => {
  const folder = join(makeFolder(t, 0o700), 'a', 'b')
  createStateFolder(folder)
  for (const path of [folder, join(folder, '..')]) assert.equal(statSync(path).mode & 0o777, 0o700, path)
})

for (const mode of [0o700, 0o750, 0o755]) {
  test(`a state folder with mode ${mode.toString(8)} is used, and keeps its mode`, (t) => {
    const folder = makeFolder(t, mode)
    createStateFolder(folder)
    assert.equal(statSync(folder).mode & 0o777, mode)
  })
}

for (const mode of [0o770, 0o720, 0o702, 0o777, 0o1777]) {
  test(`a state folder with mode ${mode.toString(8)} is refused, since others may write to it`, (t) => {
    const folder = makeFolder(t, mode)
    assert.throws(
      () => createStateFolder(folder),
      (error) => {
        assert.ok(error instanceof Error)
        assert.ok(error.message.includes(`mode ${(mode & 0o777).toString(8)}`), error.message)
        assert.ok(error.message.includes(`chmod 700 '${folder}'`), error.message)
        return true
      },
    )
  })
}

test('a state folder of another account is refused, whatever its mode', (t) => {
  const folder = giveAway(makeFolder(t, 0o700), '/')
  assert.throws(() => createStateFolder(folder), /belongs to another account.*Name another folder/)
})

test('a secret is read from a file of ours, and not from one of another account', (t) => {
  const folder = makeFolder(t, 0o700)
  writePrivateFile(folder, 'secret', 'ours')
  assert.equal(readPrivateFile(folder, 'secret'), 'ours')
  assert.equal(createPrivateFile(folder, 'secret'), join(folder, 'secret'))

  const theirs = giveAway(join(folder, 'secret'), '/etc/passwd')
  assert.throws(() => readPrivateFile(join(theirs, '..'), theirs.split('/').at(-1) ?? ''), /another account/)
  if (process.getuid?.() === 0) {
    assert.throws(() => createPrivateFile(folder, 'secret'), /belongs to another account/)
  }
})

test('a secret that others may read is refused, with a way out', (t) => {
  const folder = makeFolder(t, 0o700)
  const path = join(folder, 'secret')
  writeFileSync(path, 'ours')
  chmodSync(path, 0o640)
  assert.throws(() => readPrivateFile(folder, 'secret'), /mode 640\).*chmod 600/)
  chmodSync(path, 0o600)
  assert.equal(readPrivateFile(folder, 'secret'), 'ours')
})
