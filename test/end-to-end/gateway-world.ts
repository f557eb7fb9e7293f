/** `doorman gateway` with a file, an issuer whose tokens are the test's own, and small servers behind the gate. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { findFreePort, type DoormanProcess, type Lab } from './doorman-process.ts'
import { signToken, startHandMadeIssuer, type HandMadeIssuer } from './hand-made-issuer.ts'
import { callTool, memberOf, parseObject, resultOf, type Json, type WireAnswer } from './mcp-wire.ts'

export const smallServer = fileURLToPath(new URL('small-server.mjs', import.meta.url))

export interface GatewayWorld {
  readonly folder: string
  readonly file: string
  readonly port: number
  readonly origin: string
  readonly issuer: HandMadeIssuer
  readonly process: DoormanProcess
  /** Puts another file in the place of the one there, as editors do. */
  write(servers: Json, more?: Json): void
  /** The same, and waits until it was taken or refused. */
  change(servers: Json, more?: Json): Promise<void>
  /** Waits until something was said that often, since the start. */
  said(pattern: RegExp, times: number): Promise<void>
  token(server: string, claims?: Json): string
  call(server: string, tool: string, token: string | undefined, args?: Json): Promise<WireAnswer>
}

const taken = /was read anew|The running configuration was kept|is again the one/

export async function startGatewayWorld(
  lab: Lab,
  servers: Json,
  more: Json = {},
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayWorld> {
  const folder = lab.makeFolder()
  const file = join(folder, 'doorman.yaml')
  const [port, issuer] = [await findFreePort(), await startHandMadeIssuer(lab)]
  const write = (these: Json, others: Json = more): void => {
    const text = stringify({
      version: 1,
      listen: { port },
      issuers: [{ issuer: issuer.issuer }],
      ...others,
      servers: these,
    })
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  write(servers)
  const running = lab.start(['gateway', '--config', file], { env })
  await running.printed(/Tokens are taken from/)
  const origin = `http://127.0.0.1:${port}`
  const count = (pattern: RegExp): number =>
    running.stderr().match(new RegExp(pattern.source, 'g'))?.length ?? 0
  return {
    folder,
    file,
    port,
    origin,
    issuer,
    process: running,
    write,
    said: running.printed,
    change: async (these, others) => {
      const before = count(taken)
      write(these, others)
      await running.printed(taken, before + 1)
    },
    token: (server, claims = {}) =>
      signToken(issuer.key, { iss: issuer.issuer, aud: `${origin}/${server}/mcp`, ...claims }),
    call: (server, tool, token, args = {}) =>
      callTool(`${origin}/${server}/mcp`, token, { name: tool, arguments: args }, '2026-07-28'),
  }
}

/** A server of the file that runs {@link smallServer}, open to everybody who has the scope `use`. */
export function small(change: Json = {}): Json {
  return {
    path: '/small/mcp',
    command: [process.execPath, smallServer],
    scopes: { use: {} },
    challenge: ['use'],
    rules: [{ tools: ['who'], require: { scopes: ['use'] } }],
    ...change,
  }
}

/** What `who` of {@link smallServer} said. */
export function whoIn(answer: WireAnswer): Json {
  const text = memberOf(resultOf(answer), 'content', '0', 'text')
  assert.ok(typeof text === 'string')
  return parseObject(text)
}

/** Whether a process runs. One that has ended and that nobody has asked for its end yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const state = `/proc/${pid}/stat`
  return !existsSync(state) || !/\) [ZX] /.test(readFileSync(state, 'utf8'))
}
