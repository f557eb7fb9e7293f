import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { findFreePort, openLab } from '../end-to-end/doorman-process.ts'
import { sampleFiles, startDev } from '../end-to-end/protected-servers.ts'
import { firstText } from '../end-to-end/sdk-clients.ts'
import { logIn } from './login-from-outside.ts'

const program = fileURLToPath(import.meta.resolve('mcp-remote/dist/proxy.js'))

test('mcp-remote registers, logs in, and steps up for a host that knows stdio only', async (t) => {
  const lab = openLab(t)
  const dev = await startDev(lab)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, dev.url, `${await findFreePort()}`],
    env: { PATH: process.env['PATH'] ?? '', MCP_REMOTE_CONFIG_DIR: lab.makeFolder(), BROWSER: 'true' },
    stderr: 'pipe',
  })
  let said = ''
  let logins = 0
  const logged: Promise<unknown>[] = []
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    const asked = [...said.matchAll(/authorize this client by visiting:\s+(http\S+)\s/g)]
    for (const [, url = ''] of asked.slice(logins)) logged.push(logIn(new URL(url)))
    logins = asked.length
  })
  const client = new Client({ name: 'a host', version: '1' })
  t.after(() => client.close())
  await client.connect(transport)
  const { tools } = await client.listTools()
  assert.ok(tools.some(({ name }) => name === 'read_file'))
  assert.equal(
    firstText(await client.callTool({ name: 'read_file', arguments: { path: 'notes.txt' } })),
    sampleFiles['notes.txt'],
  )
  const write = { path: 'by-mcp-remote.txt', content: 'stepped up\n' }
  firstText(await client.callTool({ name: 'write_file', arguments: write }))
  assert.equal(readFileSync(join(dev.folder, write.path), 'utf8'), write.content)
  await Promise.all(logged)
  assert.equal(logins, 2, said)
})
