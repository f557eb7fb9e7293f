import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLab } from './doorman-process.ts'
import { signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import {
  callTool,
  forms,
  getJson,
  legacyHeaders,
  post,
  resultOf,
  type Json,
  type WireAnswer,
} from './mcp-wire.ts'
import { allScopes, startDev, startFiles } from './protected-servers.ts'

const lab = openLab({ after })
const dev = await startDev(lab)
// The development issuer gives out no token without a scope, so that one comes from elsewhere.
const bare = await startHandMadeIssuer(lab)
const withBare = await startFiles(lab, { folder: dev.folder, words: ['--issuer', bare.issuer] })

interface Caller {
  readonly scopes: readonly string[]
  readonly url: string
  readonly token: string
}

const subsets = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
  allScopes.filter((_, index) => (bits & (1 << index)) > 0),
)
const callers: readonly Caller[] = await Promise.all(
  subsets.map(async (scopes) =>
    scopes.length === 0
      ? {
          scopes,
          url: withBare.url,
          token: signToken(bare.key, { iss: bare.issuer, aud: withBare.url, scope: '' }),
        }
      : { scopes, url: dev.url, token: await dev.token({ scope: scopes.join(' ') }) },
  ),
)

const [list, read, write] = allScopes
const edits = [{ old: 'milk', new: 'oats' }]
const tools: readonly { name: string; arguments: Json; needs: readonly string[] }[] = [
  { name: 'list_files', arguments: {}, needs: [list] },
  { name: 'read_file', arguments: { path: 'notes.txt' }, needs: [read] },
  { name: 'write_file', arguments: { path: 'new/written.txt', content: 'x' }, needs: [write] },
  { name: 'edit_file', arguments: { path: 'to-edit.txt', edits }, needs: [read, write] },
  { name: 'edit_file', arguments: { path: 'to-edit.txt', edits, dry_run: true }, needs: [read, write] },
  { name: 'search_files', arguments: { query: 'milk' }, needs: [read, list] },
  { name: 'move_file', arguments: { from: 'to-move.txt', to: 'new/moved.txt' }, needs: [write] },
  { name: 'delete_file', arguments: { path: 'to-delete.txt' }, needs: [write] },
]

/** What a call that is let through finds, whatever those before it have done. */
function prepareFiles(): void {
  rmSync(join(dev.folder, 'new'), { recursive: true, force: true })
  for (const name of ['to-edit.txt', 'to-move.txt', 'to-delete.txt'])
    writeFileSync(join(dev.folder, name), 'milk')
}

/** Every name below the folder, with what stands there and when it last changed. */
function snapshot(): readonly string[] {
  return readdirSync(dev.folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(dev.folder, name)
      const stats = statSync(path, { bigint: true })
      return `${name} ${stats.mtimeNs} ${stats.isFile() ? readFileSync(path, 'utf8') : ''}`
    })
}

function assertChallenge(answer: WireAnswer, origin: string, needed: string, missing: string): void {
  assert.equal(answer.status, 403, answer.text)
  assert.deepEqual(answer.body, {
    error: 'insufficient_scope',
    error_description: `Token missing required scope: ${missing}`,
    scope: needed,
  })
  assert.equal(
    answer.headers.get('www-authenticate'),
    `Bearer error="insufficient_scope", error_description="Token missing required scope: ${missing}", ` +
      `scope="${needed}", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
  )
}

for (const form of forms) {
  for (const { scopes, url, token } of callers) {
    for (const tool of tools) {
      const missing = tool.needs.filter((scope) => !scopes.some((held) => held === scope))
      const allowed = missing.length === 0
      const held = scopes.join(' ') || 'no scope'
      test(`row 61: ${tool.name} as ${form} with ${held} is ${allowed ? 'run' : 'challenged'}`, async () => {
        prepareFiles()
        const before = snapshot()
        const answer = await callTool(url, token, tool, form)
        if (allowed) {
          resultOf(answer)
          return
        }
        assertChallenge(answer, new URL(url).origin, tool.needs.join(' '), missing.join(' '))
        assert.deepEqual(snapshot(), before)
      })
    }
  }
}

const readMessage = {
  jsonrpc: '2.0',
  id: 'r',
  method: 'tools/call',
  params: { name: 'read_file', arguments: tools[1]?.arguments },
}
const writeMessage = {
  jsonrpc: '2.0',
  id: 'w',
  method: 'tools/call',
  params: { name: 'write_file', arguments: { path: 'batch.txt', content: 'x' } },
}

test('E15: a batch is challenged with the scopes of all its messages, and none of them runs', async () => {
  const before = snapshot()
  const headers = { 'mcp-protocol-version': '2025-03-26' }
  const token = await dev.token({ scope: 'files:list' })
  const needed = 'files:write files:read'
  assertChallenge(
    await post(dev.url, token, [writeMessage, readMessage], headers),
    dev.origin,
    needed,
    needed,
  )
  for (const one of needed.split(' ')) {
    const half = await dev.token({ scope: one })
    assert.equal((await post(dev.url, half, [writeMessage, readMessage], headers)).status, 403)
  }
  assert.deepEqual(snapshot(), before)

  const both = await dev.token({ scope: 'files:read files:write' })
  assert.equal((await post(dev.url, both, [writeMessage, readMessage], headers)).status, 200)
  assert.notDeepEqual(snapshot(), before)
})

test('a call without an id runs nothing, whatever the scopes', async () => {
  const before = snapshot()
  const { id: _id, ...notification } = writeMessage
  const token = await dev.token({ scope: allScopes.join(' ') })
  const answer = await post(dev.url, token, notification, legacyHeaders)
  assert.deepEqual([answer.status, answer.text], [202, ''])
  assert.deepEqual(snapshot(), before)
})

test('CR9: a first login is told to ask for listing and reading, and the metadata names all three scopes', async () => {
  const answer = await callTool(dev.url, undefined, { name: 'write_file' })
  assert.equal(answer.status, 401)
  assert.match(
    answer.headers.get('www-authenticate') ?? '',
    /^Bearer scope="files:list files:read", resource_metadata=/,
  )
  const metadata = await getJson(`${dev.origin}/.well-known/oauth-protected-resource/mcp`)
  assert.deepEqual(metadata.body['scopes_supported'], allScopes)
})

test('G51: files and issuer listen on loopback only, unless told otherwise', async (t) => {
  for (const port of [dev.port, dev.issuerPort, withBare.port]) {
    const [here, elsewhere] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.2')]
    t.after(() => [here, elsewhere].forEach((socket) => socket.destroy()))
    await once(here, 'connect')
    // Whoever listens on every address also answers at this one of the machine itself.
    await assert.rejects(once(elsewhere, 'connect', { signal: AbortSignal.timeout(2000) }))
  }
})

test('`doorman token issue` prints a token with just the scopes asked for, and nothing else', async () => {
  const words = ['token', 'issue', '--state', dev.state, '--user', 'bob', '--scope', 'files:read']
  const { code, stdout, stderr } = await lab.run(words)
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  resultOf(await callTool(dev.url, stdout.trim(), { name: 'read_file', arguments: { path: 'notes.txt' } }))
  assert.equal((await callTool(dev.url, stdout.trim(), { name: 'list_files' })).status, 403)
  const inspected = await lab.run(['token', 'inspect', '--json'], {}, stdout)
  assert.match(inspected.stdout, /"subject": "bob"[^]*"scopes": \[\n +"files:read"\n +\]/)
  assert.ok(!inspected.stdout.includes(stdout.trim().slice(-40)))
})
