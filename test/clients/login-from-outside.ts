/** Clients that are programs of their own: each says where it wants a browser to go, and what it met after that. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { walkLogin } from '../../packages/development-issuer/test/walk-login.ts'
import type { DoormanProcess, Lab, ProgramOptions } from '../end-to-end/doorman-process.ts'
import { memberOf, parseObject, type Json } from '../end-to-end/mcp-wire.ts'

/** Runs what installs or compiles a client, in its folder. Quick when nothing is to be done. */
export function build(folder: string): void {
  execFileSync('./build', { cwd: folder, stdio: 'pipe', encoding: 'utf8' })
}

export interface Met {
  /** What the client printed, member by member. */
  readonly said: Json
  /** Where it sent its user to log in, in order. */
  readonly logins: readonly URL[]
}

/** Runs a client to its end. Logs alice in, as often as it is asked for. */
export async function runClient(
  lab: Lab,
  command: readonly [string, ...string[]],
  options: ProgramOptions,
): Promise<Met> {
  const client = lab.startProgram(command, options)
  const logins: URL[] = []
  let hasEnded = false
  const ended = client.ended.then((result) => {
    hasEnded = true
    return result
  })
  for (;;) {
    const next = nextLogin(client, logins.length)
    await Promise.race([next, ended])
    if (hasEnded) {
      await next.catch(() => undefined)
      break
    }
    logins.push(await logIn(await next))
  }
  const { code, stdout, stderr } = await ended
  assert.equal(code, 0, `${stdout}${stderr}`)
  const said = stdout.split('\n').map(parseObject)
  return { said: Object.assign({}, ...said) as Json, logins }
}

/** Resolves with the address of the login after so many; rejects when the client ends without one. */
async function nextLogin(client: DoormanProcess, before: number): Promise<URL> {
  await client.printed(new RegExp(`(?:\\bopens http\\S+\\s[^]*){${before + 1}}`))
  const [, url = ''] = [...client.stdout().matchAll(/\bopens (http\S+)/g)][before] ?? []
  return new URL(url)
}

/** Does what alice does with her browser, up to the page of the client itself. */
export async function logIn(authorizeUrl: URL): Promise<URL> {
  const back = await walkLogin({ authorizeUrl, user: 'alice', password: 'alice', decision: 'allow' })
  const answer = await reach(back)
  assert.ok(answer.ok, `the client's own page answers ${answer.status}`)
  return authorizeUrl
}

/** Some clients listen only after they have opened the browser. */
async function reach(page: URL, patienceMilliseconds = 10_000): Promise<Response> {
  const until = Date.now() + patienceMilliseconds
  for (;;) {
    try {
      return await fetch(page)
    } catch (error) {
      if (Date.now() > until) throw error
      await setTimeout(50)
    }
  }
}

/** The text of a tool's result that a client has printed. */
export function textOf({ said }: Met, tool: string): string {
  assert.equal(memberOf(said, tool, 'failed'), false, JSON.stringify(said))
  return String(memberOf(said, tool, 'text'))
}
