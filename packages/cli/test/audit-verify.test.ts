import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openAuditFile } from '@mcp-doorman/resource-server/audit-log'

const command = fileURLToPath(new URL('../bin/doorman.mjs', import.meta.url))

function verify(file: string): {
  readonly code: number | null
  readonly out: string
  readonly error: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'audit', 'verify', file], {
    encoding: 'utf8',
  })
  return { code: status, out: stdout, error: stderr }
}

test('audit verify: a file of records holds, and the same file with one letter changed does not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'doorman-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'audit.jsonl')
  const sink = openAuditFile({ path: file, onFailure: assert.fail })
  sink.write('{"kind":"decision","outcome":"deny"}')
  await sink.close()

  const good = verify(file)
  assert.equal(good.code, 0)
  assert.match(good.out, /holds: 1 records\. Last hash: [0-9a-f]{64}\n$/)

  writeFileSync(file, readFileSync(file, 'utf8').replace('deny', 'deni'))
  const bad = verify(file)
  assert.equal(bad.code, 1)
  assert.match(bad.error, /does not hold: the seal in line 2 does not fit/)
})

test('audit verify: a file that is not there is an error, and no file is wrong usage', () => {
  assert.deepEqual([verify('/nowhere/x').code, verify('/nowhere/x').out], [1, ''])
  assert.equal(spawnSync(process.execPath, [command, 'audit', 'verify']).status, 2)
})
