import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { watchFile } from '#internal/gateway/watch-file'

interface Watched {
  readonly folder: string
  readonly file: string
  /** Resolves with the next call back. */
  readonly changed: () => Promise<void>
  readonly calls: () => number
}

function watched(t: TestContext, prepare: (folder: string, file: string) => void): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'watched-'))
  const file = join(folder, 'doorman.yaml')
  prepare(folder, file)
  let calls = 0
  let wake = (): void => undefined
  const end = watchFile(
    file,
    () => {
      calls += 1
      wake()
    },
    (error) => assert.fail(error),
  )
  t.after(() => {
    end()
    rmSync(folder, { recursive: true })
  })
  return {
    folder,
    file,
    changed: () => new Promise((resolve) => (wake = resolve)),
    calls: () => calls,
  }
}

const plain = (_folder: string, file: string): void => writeFileSync(file, 'first')

test('a file that is written to, or has another put in its place, is noticed, again and again', async (t) => {
  const { file, folder, changed } = watched(t, plain)
  for (const change of [
    () => writeFileSync(file, 'in place'),
    () => {
      writeFileSync(join(folder, '.doorman.yaml.swp'), 'beside')
      renameSync(join(folder, '.doorman.yaml.swp'), file)
    },
    () => writeFileSync(file, 'in the place of the new one'),
    () => rmSync(file),
    () => writeFileSync(file, 'there again'),
  ]) {
    const noticed = changed()
    change()
    await noticed
  }
})

test('a link that is turned to another folder is noticed, as mounted configurations change', async (t) => {
  const { folder, changed } = watched(t, (base, file) => {
    for (const name of ['..first', '..second']) {
      mkdirSync(join(base, name))
      writeFileSync(join(base, name, 'doorman.yaml'), name)
    }
    symlinkSync('..first', join(base, '..data'))
    symlinkSync('..data/doorman.yaml', file)
  })
  const noticed = changed()
  symlinkSync('..second', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  await noticed
})

test('changes that follow each other are told once, and those of other files never', async (t) => {
  const { file, folder, changed, calls } = watched(t, plain)
  const noticed = changed()
  writeFileSync(join(folder, 'audit.jsonl'), 'a record')
  for (let count = 0; count < 20; count += 1) writeFileSync(file, `${count}`)
  writeFileSync(join(folder, 'audit.jsonl'), 'another record')
  await noticed
  const again = changed()
  writeFileSync(join(folder, 'audit.jsonl'), 'one more')
  writeFileSync(file, 'last')
  await again
  assert.equal(calls(), 2)
})
