import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { after, test } from 'node:test'
import type { Rate } from '@mcp-doorman/resource-server'
import { repeats } from '../../../test/rounds.ts'
import { adapterServers } from './adapter-servers.ts'
import { callOf, startGuarded } from './guarded.ts'
import { exchange } from './http-exchange.ts'

const node = adapterServers.find(({ name }) => name === 'node') ?? assert.fail('there is one')
const handler = (): { status: number } => ({ status: 202 })
const connections = 16

interface Load {
  readonly granted: number
  readonly asked: number
  /** Until the last request was sent, and until the last answer was here: it was decided in between. */
  readonly seconds: readonly [sent: number, answered: number]
}

/** Sends as fast as answers come, on each of the connections, until the time is over. */
async function load(port: number, token: string, milliseconds: number): Promise<Load> {
  const body = JSON.stringify(callOf('read_file'))
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': body.length,

    accept: 'application/json, text/event-stream',
  }
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, method: 'POST', path: '/mcp', agent, headers },
        (answer) => {
          answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
        },
      )
      asked.once('error', reject).end(body)
    })
  await ask() // The token is verified before the time begins.
  let granted = 1
  let asked = 1
  const began = performance.now()
  let lastSent = began
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() - began < milliseconds) {
        asked += 1
        lastSent = performance.now()
        const status = await ask()
        if (status === 202) granted += 1
        else assert.equal(status, 429)
      }
    }),
  )
  const seconds = [lastSent, performance.now()].map((time) => (time - began) / 1000) as [number, number]
  agent.destroy()
  return { granted, asked, seconds }
}

test('J1: a limit lets through its rate within 1 %, under 16 connections that ask for more', async (context) => {
  // A burst of a second, so that a pause of this machine loses nothing that could have been asked for.
  const rate: Rate = { count: 200, perSeconds: 1 }
  const guarded = await startGuarded({ options: { callerLimit: rate } })
  const { port, close } = await node.serve({ resourceServer: guarded.server, handler })
  after(close)
  const { granted, asked, seconds } = await load(port, guarded.issuer.sign(), repeats(2000, 5))
  const [least, most] = seconds.map((time) => rate.count * (1 + time)) as [number, number]
  context.diagnostic(`${granted} of ${asked}; ${least.toFixed(0)} to ${most.toFixed(0)} expected`)
  assert.ok(asked > most * 1.2, 'more was asked than the limit lets through')
  assert.ok(granted >= least * 0.99 && granted <= most * 1.01, `${granted} instead of ${least} to ${most}`)
})

test('J5: over a socket, forged tokens meet the limit of their address, and a good one does not', async () => {
  const guarded = await startGuarded({
    options: { failedAuthenticationLimit: { count: 5, perSeconds: 3600 } },
  })
  for (const { name, serve } of adapterServers) {
    const { port, close } = await serve({ resourceServer: guarded.server, handler })
    after(close)
    const statusOf = async (token: string): Promise<number> => {
      const headers = ['Authorization', `Bearer ${token}`, 'Content-Type', 'application/json']
      const accept = ['Accept', 'application/json, text/event-stream']
      return (
        await exchange(port, { headers: [...headers, ...accept], body: JSON.stringify(callOf('read_file')) })
      ).status
    }
    for (let time = 0; time < 6; time += 1) await statusOf('forged')
    // A web-standard request does not say where it comes from, unless the application does.
    assert.equal(await statusOf('forged'), name === 'web' ? 401 : 429, name)
    assert.equal(await statusOf(guarded.issuer.sign()), 202, name)
  }
})
