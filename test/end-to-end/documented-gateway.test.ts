/** The commands that README and the guides show for servers of others do what is said beside them. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findFreePort, openLab } from './doorman-process.ts'
import { memberOf, post } from './mcp-wire.ts'

const lab = openLab({ after })
const root = new URL('../../', import.meta.url)
const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
)

/** The words of the first command in a text that begins so, as a shell would take them apart. */
function commandIn(page: string, start: RegExp): readonly string[] {
  const text = readFileSync(new URL(page, root), 'utf8').replaceAll('\\\n', ' ')
  const line = text.split('\n').find((candidate) => start.test(candidate))
  assert.ok(line !== undefined, `${page} shows no ${start}`)
  const [command = ''] = line.replace(start, '').split(/ {2,}# /)
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
}

/** Written for a person with nothing else on these ports, and for whom a package is fetched. */
function asRunHere(words: readonly string[], ports: Readonly<Record<string, number>>): readonly string[] {
  const known = words.map((word) => word.replace(/\b80\d\d\b/g, (port) => String(ports[port] ?? port)))
  const fetched = known.indexOf('npx')
  return fetched === -1 ? known : [...known.slice(0, fetched), process.execPath, everything]
}

for (const [page, start] of [
  ['README.md', 'npx doorman'],
  ['docs/guides/protect-any-server.md', 'npx mcp-doorman'],
] as const) {
  test(`${page}: a server of somebody else, tried with the development issuer`, async () => {
    const ports = { 8081: await findFreePort(), 8090: await findFreePort() }
    const place = ['--port', `${await findFreePort()}`, '--issuer-port', `${ports[8081]}`]
    const state = join(lab.makeFolder(), 'state')
    const dev = lab.start([
      ...asRunHere(commandIn(page, new RegExp(`^${start} (?=dev )`)), ports),
      ...place,
      '--state',
      state,
    ])
    await dev.printed(/End with Ctrl\+C/)
    const gate = lab.start(asRunHere(commandIn(page, new RegExp(`^${start} (?=protect --port)`)), ports))
    await gate.printed(/Tokens are taken from/)
    const resource = `http://127.0.0.1:${ports[8090]}/mcp`
    const words = ['--user', 'alice', '--scope', 'tools:use', '--resource', resource, '--state', state]
    const { stdout: token } = await lab.run(['token', 'issue', ...words])
    const call = (name: string, args: object): ReturnType<typeof post> =>
      post(resource.replace('/mcp', '/tools/call'), token.trim(), { name, arguments: args })
    const echoed = await call('echo', { message: 'hello' })
    assert.match(String(memberOf(echoed.body, 'content', '0', 'text')), /hello/)
    const challenged = await call('get-sum', { a: 1, b: 2 })
    assert.equal(challenged.status, 403)
    assert.equal(challenged.body['scope'], 'tools:more')
    assert.equal(memberOf((await call('trigger-sampling-request', {})).body, 'error'), 'unknown_tool')
    assert.equal((await gate.stop()).code, 0)
    await dev.stop()
  })
}

test('docs/guides/doorman-yaml.md: what explain answers about the file that is shown', async () => {
  const page = 'docs/guides/doorman-yaml.md'
  const text = readFileSync(new URL(page, root), 'utf8')
  const [, file = ''] = /```yaml\n(version: 1\n[^]*?)```/.exec(text) ?? []
  const [, shown = ''] = /\$ npx mcp-doorman config explain[^\n]*\n([^]*?)```/.exec(text) ?? []
  const folder = lab.makeFolder()
  writeFileSync(join(folder, 'doorman.yaml'), file)
  const explained = await lab.run(commandIn(page, /^\$ npx mcp-doorman (?=config explain)/), {
    cwd: folder,
    env: { SEARCH_TOKEN: 'x' },
  })
  assert.equal(explained.stdout, shown)
  // The one secret that is a file is not on this machine, which is told and is no mistake.
  assert.match(explained.stderr, /NOTES_TOKEN: the file \/run\/secrets\/notes cannot be read/)
})
