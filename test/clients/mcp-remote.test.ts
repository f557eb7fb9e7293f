import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { findFreePort, openLab, type Lab } from '../end-to-end/doorman-process.ts'
import { sampleFiles, startDev } from '../end-to-end/protected-servers.ts'
import { firstText } from '../end-to-end/sdk-clients.ts'
import { logIn } from './login-from-outside.ts'

const program = fileURLToPath(import.meta.resolve('mcp-remote/dist/proxy.js'))

interface Host {
  readonly client: Client
  /** How often its user was sent to a login; each is done by the time that this resolves. */
  logins(): Promise<number>
}

/** A host that knows stdio only, and reaches a server through mcp-remote. */
async function connectHost(
  t: TestContext,
  lab: Lab,
  url: string,
  words: readonly string[] = [],
): Promise<Host> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, url, `${await findFreePort()}`, ...words],
    env: { PATH: process.env['PATH'] ?? '', MCP_REMOTE_CONFIG_DIR: lab.makeFolder(), BROWSER: 'true' },
    stderr: 'pipe',
  })
  let said = ''
  const logins: Promise<unknown>[] = []
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    const asked = [...said.matchAll(/authorize this client by visiting:\s+(http\S+)\s/g)]
    for (const [, login = ''] of asked.slice(logins.length)) logins.push(logIn(new URL(login)))
  })
  const client = new Client({ name: 'a host', version: '1' })
  t.after(() => client.close())
  await client.connect(transport)
  return { client, logins: async () => (await Promise.all(logins)).length }
}

test('mcp-remote registers, logs in, and steps up for a host that knows stdio only', async (t) => {
  const lab = openLab(t)
  const dev = await startDev(lab)
  const { client, logins } = await connectHost(t, lab, dev.url)
  const { tools } = await client.listTools()
  assert.ok(tools.some(({ name }) => name === 'read_file'))
  assert.equal(
    firstText(await client.callTool({ name: 'read_file', arguments: { path: 'notes.txt' } })),
    sampleFiles['notes.txt'],
  )
  const write = { path: 'by-mcp-remote.txt', content: 'stepped up\n' }
  firstText(await client.callTool({ name: 'write_file', arguments: write }))
  assert.equal(readFileSync(join(dev.folder, write.path), 'utf8'), write.content)
  assert.equal(await logins(), 2)
})

test('mcp-remote logs in at a Casdoor with the id of its application', async (t) => {
  const lab = openLab(t)
  const dev = await startDev(lab, { words: ['--like', 'casdoor'] })
  const words = ['--static-oauth-client-info', JSON.stringify({ client_id: 'doorman-dev' })]
  const { client, logins } = await connectHost(t, lab, dev.url, words)
  const read = await client.callTool({ name: 'read_file', arguments: { path: 'notes.txt' } })
  assert.equal(firstText(read), sampleFiles['notes.txt'])
  assert.equal(await logins(), 1)
})
