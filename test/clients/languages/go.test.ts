import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openLab } from '../../end-to-end/doorman-process.ts'
import { sampleFiles, startDev, type Dev } from '../../end-to-end/protected-servers.ts'
import { build, runClient, textOf } from '../login-from-outside.ts'

const lab = openLab({ after })
const folder = join(import.meta.dirname, 'go')
let dev: Dev
before(async () => {
  build(folder)
  dev = await startDev(lab)
})

test('the Go SDK registers, logs in, reads, and steps up to write', async () => {
  const met = await runClient(lab, ['.build/client', dev.url], { cwd: folder })
  const { tools } = met.said
  assert.ok(Array.isArray(tools) && tools.includes('read_file'), JSON.stringify(met.said))
  assert.equal(textOf(met, 'read_file'), sampleFiles['notes.txt'])
  assert.match(textOf(met, 'write_file'), /by-go\.txt/)
  assert.equal(readFileSync(join(dev.folder, 'by-go.txt'), 'utf8'), 'stepped up\n')
  assert.equal(met.logins.length, 2)
  assert.equal(met.logins[0]?.searchParams.get('resource'), dev.url)
})
