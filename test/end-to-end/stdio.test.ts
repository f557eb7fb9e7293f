import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Client as ClientOf2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioOf2 } from '@modelcontextprotocol/client/stdio'
import { Client as ClientOf1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as StdioOf1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { doormanScript, openLab } from './doorman-process.ts'
import { memberOf } from './mcp-wire.ts'
import { makeSampleFolder, sampleFiles } from './protected-servers.ts'

const lab = openLab({ after })
const reading = ['read_file', 'list_files', 'search_files']
const writing = ['write_file', 'edit_file', 'move_file', 'delete_file']
const identity = { name: 'clients-under-test', version: '1' }
const serverOf = (words: readonly string[]): { command: string; args: string[]; stderr: 'pipe' } => ({
  command: process.execPath,
  args: [doormanScript, 'files', ...words, '--stdio'],
  stderr: 'pipe',
})

interface StdioClient {
  toolNames(): Promise<readonly string[]>
  callTool(name: string, args: Record<string, unknown>): Promise<unknown>
  close(): Promise<void>
}

function wrap(client: ClientOf1 | ClientOf2): StdioClient {
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    callTool: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  }
}

interface Row {
  readonly name: string
  readonly connect: (words: readonly string[]) => Promise<StdioClient>
}

const clients: readonly Row[] = [
  {
    name: 'SDK 1.32',
    connect: async (words) => {
      const client = new ClientOf1(identity)
      await client.connect(new StdioOf1(serverOf(words)))
      return wrap(client)
    },
  },
  ...(['auto', 'legacy'] as const).map((mode) => ({
    name: `SDK 2.4 ${mode}`,
    connect: async (words: readonly string[]): Promise<StdioClient> => {
      const client = new ClientOf2(identity, { versionNegotiation: { mode } })
      await client.connect(new StdioOf2(serverOf(words)))
      return wrap(client)
    },
  })),
]

for (const { name, connect } of clients) {
  test(`${name} lists, reads and writes over stdio, without any token`, async (t) => {
    const folder = makeSampleFolder(lab)
    const client = await connect([folder])
    t.after(() => client.close())
    assert.deepEqual((await client.toolNames()).toSorted(), [...reading, ...writing].toSorted())
    const read = await client.callTool('read_file', { path: 'notes.txt' })
    assert.equal(memberOf(read, 'content', '0', 'text'), sampleFiles['notes.txt'])
    const written = await client.callTool('write_file', { path: 'a/b.txt', content: 'over stdio' })
    assert.equal(memberOf(written, 'structuredContent', 'created'), true)
    assert.equal(readFileSync(join(folder, 'a/b.txt'), 'utf8'), 'over stdio')
    const missing = await client.callTool('read_file', { path: 'nowhere.txt' })
    assert.equal(memberOf(missing, 'isError'), true)
  })

  test(`I10: ${name} is offered no tool that writes with --read-only, and cannot call it`, async (t) => {
    const folder = makeSampleFolder(lab)
    const client = await connect([folder, '--read-only'])
    t.after(() => client.close())
    assert.deepEqual(await client.toolNames(), reading)
    await assert.rejects(
      client.callTool('write_file', { path: 'x', content: 'x' }),
      /Unknown tool: write_file/,
    )
    assert.ok(!existsSync(join(folder, 'x')))
  })
}

test('nothing but JSON-RPC stands on standard output, and the end of the input ends the process with 0', async () => {
  const folder = makeSampleFolder(lab)
  const running = lab.start(['files', folder, '--stdio'])
  const lines = [
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: identity },
    },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    {
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'read_file', arguments: { path: 'notes.txt' } },
    },
    {
      jsonrpc: '2.0',
      id: 3,
      method: 'tools/call',
      params: { name: 'read_file', arguments: { path: '../../etc/passwd' } },
    },
    { jsonrpc: '2.0', id: 'four', method: 'no/such/method' },
    {
      jsonrpc: '2.0',
      id: 5,
      method: 'tools/call',
      params: { name: 'write_file', arguments: { path: 'last.txt', content: 'x' } },
    },
  ].map((message) => JSON.stringify(message))
  // The last call is under way when the input ends, and its line has no end.
  running.stdin.end(['this is no JSON', ...lines].join('\n'))
  const began = performance.now()
  const { code, stdout, stderr } = await running.ended
  assert.deepEqual([code, stderr], [0, ''])
  assert.ok(performance.now() - began < 5000, 'it ended by itself, and soon')
  assert.ok(stdout.endsWith('\n'))
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  assert.ok(answers.every((answer) => memberOf(answer, 'jsonrpc') === '2.0'))
  const byId = new Map(answers.map((answer) => [memberOf(answer, 'id'), answer]))
  assert.deepEqual([...byId.keys()].map(String).toSorted(), ['1', '2', '3', '5', 'four', 'null'])
  assert.equal(memberOf(byId.get(null), 'error', 'code'), -32700)
  assert.equal(memberOf(byId.get('four'), 'error', 'code'), -32601)
  assert.equal(memberOf(byId.get(3), 'result', 'isError'), true)
  assert.equal(readFileSync(join(folder, 'last.txt'), 'utf8'), 'x')
})

test('SIGTERM ends a stdio server while its input is still open', async () => {
  const running = lab.start(['files', makeSampleFolder(lab), '--stdio'])
  running.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}\n`)
  await running.printed(/"result":\{\}/)
  assert.equal((await running.stop()).code, 0)
})

test('variables of the environment that are for the HTTP server do not stop a stdio server', async () => {
  const env = { MCP_SERVER_URL: 'https://mcp.example.com', CASDOOR_URL: 'https://auth.example.com' }
  const ended = await lab.run(['files', makeSampleFolder(lab), '--stdio'], { env })
  assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' })
})
