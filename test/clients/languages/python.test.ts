import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openLab } from '../../end-to-end/doorman-process.ts'
import { sampleFiles, startDev, type Dev } from '../../end-to-end/protected-servers.ts'
import { build, runClient, textOf } from '../login-from-outside.ts'

const lab = openLab({ after })
const folder = join(import.meta.dirname, 'python')
const python = join(folder, '.venv', 'bin', 'python')
let dev: Dev
let likeCasdoor: Dev
before(async () => {
  build(folder)
  dev = await startDev(lab)
  likeCasdoor = await startDev(lab, { words: ['--like', 'casdoor'] })
})

for (const [mode, opensWith, revision] of [
  ['auto', 'server/discover', '2026-07-28'],
  ['legacy', 'initialize', '2025-11-25'],
] as const) {
  test(`the Python SDK (${mode}) registers, logs in, reads, and steps up to write`, async () => {
    const met = await runClient(lab, [python, 'sdk_client.py', dev.url, mode], { cwd: folder })
    assert.equal(met.said['revision'], revision)
    assertReads(met)
    assert.match(textOf(met, 'write_file'), /by-python\.txt/)
    assert.equal(readFileSync(join(dev.folder, 'by-python.txt'), 'utf8'), 'stepped up\n')
    assert.deepEqual(met.logins.map(scopesOf), [
      ['files:list', 'files:read'],
      ['files:list', 'files:read', 'files:write'],
    ])
    await dev.process.printed(new RegExp(`"${opensWith}"`))
  })
}

test("FastMCP's client registers, logs in through the browser that it is given, reads, and steps up to write", async () => {
  const env = { BROWSER: 'echo opens %s' }
  const met = await runClient(lab, [python, 'fastmcp_client.py', dev.url], { cwd: folder, env })
  assertReads(met)
  assert.match(textOf(met, 'write_file'), /by-fastmcp\.txt/)
  assert.equal(readFileSync(join(dev.folder, 'by-fastmcp.txt'), 'utf8'), 'stepped up\n')
  assert.equal(met.logins.length, 2)
})

for (const [name, program, words] of [
  ['the Python SDK', 'sdk_client.py', ['auto']],
  ["FastMCP's client", 'fastmcp_client.py', []],
] as const) {
  test(`${name} logs in at a Casdoor with the id of its application, and steps up to write`, async () => {
    const { url, issuer } = likeCasdoor
    const command = [python, program, url, ...words, 'doorman-dev', issuer] as const
    const met = await runClient(lab, command, { cwd: folder, env: { BROWSER: 'echo opens %s' } })
    assertReads(met)
    assert.match(textOf(met, 'write_file'), /by-/)
    assert.deepEqual(
      met.logins.map(({ pathname }) => pathname),
      ['/login/oauth/authorize', '/login/oauth/authorize'],
    )
  })

  test(`${name} cannot register at a Casdoor, and says so`, async () => {
    const command = [python, program, likeCasdoor.url, ...words] as const
    const client = lab.startProgram(command, { cwd: folder, env: { BROWSER: 'echo opens %s' } })
    const { code, stdout, stderr } = await client.ended
    assert.notEqual(code, 0)
    assert.doesNotMatch(stdout, /opens/)
    assert.match(stderr, /[Rr]egistration/)
  })
}

function assertReads(met: Awaited<ReturnType<typeof runClient>>): void {
  const { tools } = met.said
  assert.ok(Array.isArray(tools) && tools.includes('read_file'), JSON.stringify(met.said))
  assert.equal(textOf(met, 'read_file'), sampleFiles['notes.txt'])
}

/** What a login asks for, without what is for refresh tokens. */
function scopesOf(login: URL): readonly string[] {
  const scopes = login.searchParams.get('scope')?.split(' ') ?? []
  return scopes.filter((scope) => scope !== 'offline_access').sort()
}
