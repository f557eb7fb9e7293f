import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatNextSteps } from '#internal/next-steps'
import { makeSampleFolder } from '#internal/sample-folder'

const running = {
  resource: 'http://127.0.0.1:8080/mcp',
  issuer: 'http://127.0.0.1:8081',
  directory: '/somewhere/notes',
  users: [{ name: 'alice', password: 'alice' }],
}

test('the next steps name the server, the issuer, the users, and a command for each client', () => {
  const text = formatNextSteps({ ...running, state: '.doorman' })
  for (const part of [
    'http://127.0.0.1:8080/mcp',
    'http://127.0.0.1:8081',
    'alice (password alice)',
    'curl -s http://127.0.0.1:8080/tools/call',
    'claude mcp add --transport http files http://127.0.0.1:8080/mcp',
    'code --add-mcp',
    'npx @modelcontextprotocol/inspector',
  ]) {
    assert.ok(text.includes(part), part)
  }
})

test('the curl line is one command for a shell, whatever the state folder is called', () => {
  const text = formatNextSteps({ ...running, state: "/tmp/a folder'; echo oops" })
  const command = text.slice(text.indexOf('  curl'), text.indexOf('Add it'))
  // -n reads without running.
  execFileSync('sh', ['-n', '-c', command])
  assert.ok(command.includes(`--state '/tmp/a folder'\\''; echo oops'`))
})

test('the sample folder is made once, and what people write in it stays', (t) => {
  const state = mkdtempSync(join(tmpdir(), 'doorman-'))
  t.after(() => rmSync(state, { recursive: true }))
  const folder = makeSampleFolder(join(state, 'new'))
  assert.ok(existsSync(join(folder, 'notes', 'monday.md')))
  writeFileSync(join(folder, 'shopping.txt'), 'mine\n')
  assert.equal(makeSampleFolder(join(state, 'new')), folder)
  assert.equal(readFileSync(join(folder, 'shopping.txt'), 'utf8'), 'mine\n')
})
