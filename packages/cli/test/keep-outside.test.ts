import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { UsageError } from '#internal/failure'
import { keepOutside } from '#internal/keep-outside'

function makeFolders(t: TestContext): { readonly served: string; readonly beside: string } {
  const base = mkdtempSync(join(tmpdir(), 'doorman-'))
  t.after(() => rmSync(base, { recursive: true }))
  const [served, beside] = [join(base, 'served'), join(base, 'served-too')]
  for (const folder of [served, beside]) mkdirSync(folder)
  return { served, beside }
}

test('what lies beside the served directory, or above it, is accepted', (t) => {
  const { served, beside } = makeFolders(t)
  for (const secret of [
    beside,
    join(beside, 'a', 'b'),
    join(served, '..'),
    join(served, '..', 'audit.jsonl'),
  ]) {
    keepOutside(served, secret, '--audit')
  }
})

test('what lies in the served directory, or is it, is refused, also by another spelling', (t) => {
  const { served, beside } = makeFolders(t)
  symlinkSync(served, join(beside, 'link'))
  for (const secret of [
    served,
    join(served, 'a'),
    join(beside, 'link', 'a', 'b'),
    join(served, '..data'),
    `${served}/`,
  ]) {
    assert.throws(() => keepOutside(served, secret, '--state'), UsageError, secret)
  }
})

test('the folder that no tool opens or moves may lie in it, at its top alone', (t) => {
  const { served } = makeFolders(t)
  keepOutside(served, join(served, '.doorman'), '--state')
  keepOutside(served, join(served, '.doorman', 'deeper'), '--state')
  for (const elsewhere of ['.doorman2', 'work/.doorman', 'work/.doorman/deeper']) {
    assert.throws(() => keepOutside(served, join(served, elsewhere), '--state'), UsageError)
  }
})
