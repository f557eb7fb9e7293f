/** Requests while the configuration changes under them: none is lost, and none judged by half a configuration. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLab } from './doorman-process.ts'
import { isAlive, small, startGatewayWorld, whoIn } from './gateway-world.ts'
import { memberOf, type Json } from './mcp-wire.ts'
import { repeats } from '../rounds.ts'

const lab = openLab({ after })

/** In each version another scope opens the door, and another program stands behind it. */
function version(name: string): Json {
  const scopes = { [`only:${name}`]: {} }
  return {
    small: small({
      environment: { VERSION: name },
      shared: true,
      scopes,
      challenge: Object.keys(scopes),
      rules: [{ tools: ['who'], require: { scopes: Object.keys(scopes) } }],
    }),
  }
}

test('10,000 requests with 50 reloads in between: none is lost or judged by half a configuration (H16)', async () => {
  const [requests, reloads] = [repeats(1000, 10), repeats(6, 9)]
  const world = await startGatewayWorld(lab, version('a'), {
    limit: 'off',
    audit: join(lab.makeFolder(), 'audit.jsonl'),
  })
  const tokens = {
    a: world.token('small', { scope: 'only:a' }),
    b: world.token('small', { scope: 'only:b' }),
  }
  const seen = { allowed: 0, challenged: 0 }
  let sent = 0
  let [due, arrived] = [Number.POSITIVE_INFINITY, (): void => undefined]
  const reached = (count: number): Promise<void> =>
    new Promise((resolve) => {
      ;[due, arrived] = [count, resolve]
      if (sent >= due) arrived()
    })

  async function send(): Promise<void> {
    while (sent < requests) {
      sent += 1
      if (sent >= due) arrived()
      const name = sent % 2 === 0 ? 'a' : 'b'
      const answer = await world.call('small', 'who', tokens[name])
      if (answer.status === 200) {
        seen.allowed += 1
        // Who was let in by one version is answered by that version.
        assert.equal(memberOf(whoIn(answer), 'env', 'VERSION'), name)
      } else {
        assert.equal(answer.status, 403, answer.text)
        const other = name === 'a' ? 'b' : 'a'
        assert.equal(memberOf(answer.body, 'scope'), `only:${other}`)
        seen.challenged += 1
      }
    }
  }

  async function reload(): Promise<void> {
    for (let count = 1; count <= reloads; count += 1) {
      // Spread over the requests, as far as those let it.
      await reached(Math.floor((count / (reloads + 1)) * requests))
      await world.change(version(count % 2 === 0 ? 'a' : 'b'))
    }
  }

  const senders = Array.from({ length: 16 }, send)
  await Promise.all([...senders, reload()])
  assert.equal(seen.allowed + seen.challenged, requests)
  assert.ok(seen.allowed > requests / 10 && seen.challenged > requests / 10, JSON.stringify(seen))
  assert.equal(world.process.stderr().match(/was read anew: small has changed/g)?.length, reloads)

  const { code, stderr } = await world.process.stop()
  assert.equal(code, 0)
  const started = [...stderr.matchAll(/^small: process (\d+) started$/gm)].map(([, pid]) => Number(pid))
  assert.ok(started.length > 1)
  assert.deepEqual(started.filter(isAlive), [], 'processes are left over')
})

test('changes that come faster than they are taken end in the last one', async () => {
  const world = await startGatewayWorld(lab, version('a'), { limit: 'off' })
  for (let count = 0; count < 20; count += 1) {
    world.write(version(count % 2 === 0 ? 'b' : 'a'))
    world.process.send('SIGHUP')
  }
  await world.change({ ...version('b'), last: small({ path: '/last/mcp' }) })
  await world.said(/last is new/, 1)
  const answer = await world.call('small', 'who', world.token('small', { scope: 'only:b' }))
  assert.equal(memberOf(whoIn(answer), 'env', 'VERSION'), 'b')
  assert.equal((await world.call('last', 'who', world.token('last', { scope: 'use' }))).status, 200)
})
