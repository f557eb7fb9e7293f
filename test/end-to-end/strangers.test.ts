/** Servers that nobody here wrote, behind the gate, and the official clients of two generations in front of it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import { findFreePort, openLab, type DoormanProcess } from './doorman-process.ts'
import { isAlive } from './gateway-world.ts'
import { connectWithLogin, createWallet, sdkClients } from './sdk-clients.ts'

const lab = openLab({ after })
const { resolve } = createRequire(import.meta.url)
const everything = resolve('@modelcontextprotocol/server-everything/dist/index.js')
const filesystem = resolve('@modelcontextprotocol/server-filesystem/dist/index.js')

const notes = lab.makeFolder()
writeFileSync(join(notes, 'monday.txt'), 'water the plants\n')

interface Stranger {
  readonly name: string
  /** What comes after the options that all share. */
  readonly words: () => Promise<readonly string[]>
  readonly scopes: readonly string[]
  /** Every tool that is named, as lists show them. */
  readonly tools: readonly string[]
  readonly call: { readonly tool: string; readonly args: Record<string, unknown>; readonly says: RegExp }
  /** Of the server, and named by no rule. */
  readonly unnamed: string
}

const sum: Stranger['call'] = { tool: 'get-sum', args: { a: 2, b: 3 }, says: /is 5/ }
const scopesOfEverything = ['--scope', 'echo=use', '--scope', 'get-sum=use', '--scope', 'get-tiny-image=more']
const toolsOfEverything = ['echo', 'get-sum', 'get-tiny-image']

const strangers: readonly Stranger[] = [
  {
    name: 'server-everything over stdio',
    words: async () => [...scopesOfEverything, '--', process.execPath, everything],
    scopes: ['use', 'more'],
    tools: toolsOfEverything,
    call: sum,
    unnamed: 'get-env',
  },
  {
    name: 'server-everything over HTTP',
    words: async () => {
      const port = await findFreePort()
      const server = lab.startProgram([process.execPath, everything, 'streamableHttp'], {
        env: { PORT: `${port}` },
      })
      await server.printed(/listening on port/i)
      return [...scopesOfEverything, '--http', `http://127.0.0.1:${port}/mcp`]
    },
    scopes: ['use', 'more'],
    tools: toolsOfEverything,
    call: sum,
    unnamed: 'get-env',
  },
  {
    name: 'server-filesystem',
    words: async () => [
      '--scope',
      'read_*=use',
      '--scope',
      'write_file=more',
      '--',
      process.execPath,
      filesystem,
      notes,
    ],
    scopes: ['use', 'more'],
    tools: ['read_file', 'read_text_file', 'read_media_file', 'read_multiple_files', 'write_file'],
    call: { tool: 'read_text_file', args: { path: join(notes, 'monday.txt') }, says: /water the plants/ },
    unnamed: 'move_file',
  },
]

async function protect({
  words,
  scopes,
}: Stranger): Promise<{ readonly url: string; readonly running: DoormanProcess }> {
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}/mcp`
  const issuer = await startDevelopmentIssuer({
    port: 0,
    resources: [{ resource: url, scopes: [...scopes] }],
  })
  lab.keep(() => issuer.close())
  const running = lab.start([
    'protect',
    '--port',
    `${port}`,
    '--issuer',
    issuer.issuer,
    '--challenge',
    'use',
    ...(await words()),
  ])
  await running.printed(/Tokens are taken from/)
  return { url, running }
}

for (const stranger of strangers) {
  const { name, tools, call, unnamed } = stranger
  test(`${name}: every client logs in, sees what is named and calls it, and leaves no process behind`, async () => {
    const { url, running } = await protect(stranger)
    for (const client of sdkClients) {
      const wallet = createWallet()
      const connection = client.open(url, wallet)
      await connectWithLogin(connection, wallet)
      assert.deepEqual([...(await connection.toolNames())].toSorted(), tools.toSorted(), client.name)
      assert.match(await connection.callTool(call.tool, call.args), call.says, client.name)
      // A hidden tool is answered as one that was never there.
      const unknown = await connection.callTool(unnamed, {}).then(() => 'it ran', String)
      const invented = await connection.callTool('invented', {}).then(() => 'it ran', String)
      assert.match(unknown, /Unknown tool/, client.name)
      assert.equal(unknown.replaceAll(unnamed, 'invented'), invented, client.name)
      await connection.close()
    }
    const { code, stderr } = await running.stop()
    assert.equal(code, 0)
    const started = [...stderr.matchAll(/process (\d+) started/g)].map(([, pid]) => Number(pid))
    assert.equal(started.length > 0, name !== 'server-everything over HTTP')
    assert.deepEqual(started.filter(isAlive), [])
  })
}
