/** A server that nobody here wrote, behind the gate, with the official clients of two generations in front of it. */
import assert from 'node:assert/strict'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import { findFreePort, type DoormanProcess, type Lab } from './doorman-process.ts'
import { isAlive } from './gateway-world.ts'
import { connectWithLogin, createWallet, sdkClients } from './sdk-clients.ts'

export interface Stranger {
  readonly name: string
  /** What `doorman protect` is told besides the issuer: scopes `use` and `more`, and the server. */
  readonly words: (lab: Lab) => readonly string[] | Promise<readonly string[]>
  /** Every tool that is named, as lists show them. */
  readonly tools: readonly string[]
  readonly call: {
    readonly tool: string
    readonly args: Record<string, unknown>
    readonly says: RegExp
  }
  /** A tool of the server that no rule names. */
  readonly unnamed: string
  /** Whether the gateway starts it. */
  readonly isProgram: boolean
}

async function protect(
  lab: Lab,
  words: readonly string[],
): Promise<{ readonly url: string; readonly running: DoormanProcess }> {
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}/mcp`
  const issuer = await startDevelopmentIssuer({
    port: 0,
    resources: [{ resource: url, scopes: ['use', 'more'] }],
  })
  lab.keep(() => issuer.close())
  const own = ['--port', `${port}`, '--issuer', issuer.issuer, '--challenge', 'use']
  const running = lab.start(['protect', ...own, ...words])
  await running.printed(/Tokens are taken from/)
  return { url, running }
}

/** Every client logs in, sees what is named and calls it; and no process is left behind. */
export async function checkStranger(
  lab: Lab,
  { words, tools, call, unnamed, isProgram }: Stranger,
): Promise<void> {
  const { url, running } = await protect(lab, await words(lab))
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
  assert.equal(started.length > 0, isProgram)
  assert.deepEqual(started.filter(isAlive), [])
}
