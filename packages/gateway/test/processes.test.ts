/** Processes of upstreams: whose they are, what they find, and that nothing of them is left. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { UpstreamEvent } from '@mcp-doorman/gateway'
import { openUpstream } from '@mcp-doorman/gateway'
import { errorCode } from '../../mcp-endpoint/test/messages.ts'
import { saidIn, startGateway, type Gateway } from './gateway-server.ts'

const program = fileURLToPath(new URL('programs/odd-server.ts', import.meta.url))
const command = [process.execPath, program]

interface About {
  readonly pid: number
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}
// The test server answers with these three.
const aboutOf = async ({ call }: Gateway, sub?: string): Promise<About> =>
  saidIn(await call('about', {}, sub === undefined ? {} : { sub })) as About

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    assert.ok(tries < 500, String(condition))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
const started = (events: readonly UpstreamEvent[]): number =>
  events.filter(({ kind }) => kind === 'started').length

test('H15, H24: two people never share a process; one keeps theirs from call to call', async (t) => {
  const gateway = await startGateway(t, { command })
  const [alice, bob] = await Promise.all([aboutOf(gateway, 'alice'), aboutOf(gateway, 'bob')])
  assert.notEqual(alice.pid, bob.pid)
  assert.equal((await aboutOf(gateway, 'alice')).pid, alice.pid)
  for (const expected of [1, 2])
    assert.equal(saidIn(await gateway.call('count', {}, { sub: 'alice' })), expected)
  assert.equal(saidIn(await gateway.call('count', {}, { sub: 'bob' })), 1)
})

test('H24: a server that is configured as shared has one process for all', async (t) => {
  const gateway = await startGateway(t, { command, shared: true })
  const [alice, bob] = await Promise.all([aboutOf(gateway, 'alice'), aboutOf(gateway, 'bob')])
  assert.equal(alice.pid, bob.pid)
})

test('a process for each principal, and never one for each request', async (t) => {
  const gateway = await startGateway(t, { command })
  await Promise.all(Array.from({ length: 50 }, () => gateway.call('count')))
  assert.equal(saidIn(await gateway.call('count')), 51)
  // One that was asked for 2026-07-28 stays when it does not know that.
  assert.equal(started(gateway.events), 1)
})

test('H23: a process finds nothing of the gateway’s in its environment, and a folder of its own', async (t) => {
  process.env['DOORMAN_TEST_SECRET'] = 'canary-7f3a'
  t.after(() => delete process.env['DOORMAN_TEST_SECRET'])
  const gateway = await startGateway(t, { command, environment: { NOTES_KEY: 'of the server' } })
  const { env, cwd } = await aboutOf(gateway)
  assert.equal(env['NOTES_KEY'], 'of the server')
  assert.equal(env['PATH'], process.env['PATH'])
  assert.ok(!JSON.stringify(env).includes('canary-7f3a'))
  const allowed = /^(?:NOTES_KEY|PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TERM|TMPDIR)$/
  assert.deepEqual(
    Object.keys(env).filter((name) => !allowed.test(name)),
    [],
  )
  assert.notEqual(cwd, process.cwd())
  assert.deepEqual(readdirSync(cwd), [])
  await gateway.close()
  assert.ok(!existsSync(cwd))
})

test('H22: the command is a list of words that no shell reads', async (t) => {
  const gateway = await startGateway(t, { command: [...command, '$(touch pwned)', '; touch pwned'] })
  const { cwd } = await aboutOf(gateway)
  assert.deepEqual(readdirSync(cwd), [])
})

test('H24: everything that a process has begun ends with it, however unwilling', async (t) => {
  const gateway = await startGateway(t, { command })
  const child = saidIn(await gateway.call('litter')) as number
  const { pid } = await aboutOf(gateway)
  assert.ok(isAlive(child) && isAlive(pid))
  await gateway.close()
  await until(() => !isAlive(child) && !isAlive(pid))
  assert.ok(gateway.events.some((event) => event.kind === 'exited' && event.pid === pid && event.expected))

  const other = await startGateway(t, { command })
  const stubborn = saidIn(await other.call('stubborn')) as number
  await other.close()
  assert.ok(!isAlive(stubborn))
})

test('H24: what a killed process has begun ends with it too', async (t) => {
  const gateway = await startGateway(t, { command })
  const child = saidIn(await gateway.call('litter')) as number
  const { pid } = await aboutOf(gateway)
  process.kill(pid, 'SIGKILL')
  await until(() => !isAlive(child))
})

test('a call fails at once when its process dies, also if somebody still holds its output', async (t) => {
  const gateway = await startGateway(t, { command })
  const answer = await gateway.call('escape')
  const line = gateway.events.find((event) => event.kind === 'stderr')?.text ?? ''
  process.kill(Number(/^escaped (\d+)$/.exec(line)?.[1]), 'SIGKILL')
  assert.equal(answer.status, 502)
  assert.equal((await gateway.call('count')).status, 200)
})

test('whoever has left the group of a process and writes on keeps neither a call nor the gateway from its end', async (t) => {
  const gateway = await startGateway(t, { command })
  const escaped = saidIn(await gateway.call('escape-noisily')) as number
  t.after(() => process.kill(escaped))
  const began = performance.now()
  assert.equal((await gateway.call('die')).status, 502)
  assert.ok(performance.now() - began < 4000)
  assert.equal(saidIn(await gateway.call('count')), 1)
  await gateway.close()
  assert.ok(performance.now() - began < 8000)
  assert.ok(isAlive(escaped)) // Or this would have shown nothing.
})

test('H26, I8: a process that is killed in a call fails that call, and the next one has another', async (t) => {
  const gateway = await startGateway(t, { command })
  const { pid } = await aboutOf(gateway)
  const [killed, waiting] = await Promise.all([gateway.call('die'), gateway.call('hang')])
  for (const answer of [killed, waiting]) {
    assert.equal(answer.status, 502)
    assert.equal(errorCode(answer), -32603)
    assert.match(answer.body, /ended before it had answered/)
  }
  assert.notEqual((await aboutOf(gateway)).pid, pid)
})

test('a process that fails again and again is left alone for longer and longer', async (t) => {
  const gateway = await startGateway(t, { command })
  for (let count = 0; count < 6; count += 1) await gateway.call('die')
  assert.ok(started(gateway.events) <= 3, String(started(gateway.events)))
  const failed = gateway.events.filter((event) => event.kind === 'failed')
  assert.match(failed.at(-1)?.detail ?? '', /failed several times, and is tried again in \d+ ms/)
  // Somebody else’s is not.
  assert.equal((await gateway.call('count', {}, { sub: 'bob' })).status, 200)
})

test('a process that is not used ends, and starts again when it is', async (t) => {
  const gateway = await startGateway(t, { command, idleSeconds: 1 })
  const { pid, cwd } = await aboutOf(gateway)
  await until(() => !isAlive(pid) && !existsSync(cwd))
  assert.equal(gateway.upstream.status().connections, 0)
  assert.notEqual((await aboutOf(gateway)).pid, pid)
})

test('of the most processes that there may be, one that is not used makes room; ones in use do not', async (t) => {
  const gateway = await startGateway(t, { command, maxConnections: 2, callTimeoutSeconds: 2 })
  const { pid: first } = await aboutOf(gateway, 'a')
  await aboutOf(gateway, 'b')
  await aboutOf(gateway, 'c')
  await until(() => !isAlive(first))
  assert.equal(gateway.upstream.status().connections, 2)
  const busy = ['b', 'c'].map((sub) => gateway.call('hang', {}, { sub }))
  const hanging = (): number => gateway.events.filter((event) => event.kind === 'stderr').length
  await until(() => hanging() === 2)
  const refused = await gateway.call('count', {}, { sub: 'd' })
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['retry-after'], '5')
  for (const answer of await Promise.all(busy)) assert.equal(answer.status, 504)
})

test('a program that does not exist is a 502, and nothing of it is left', async (t) => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('doorman-'))
  const gateway = await startGateway(t, { command: ['/nowhere/at-all'] })
  const answer = await gateway.call('count')
  assert.equal(answer.status, 502)
  assert.doesNotMatch(answer.body, /nowhere|ENOENT/)
  assert.ok(gateway.events.some((event) => event.kind === 'failed' && event.detail.includes('ENOENT')))
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith('doorman-'))
  assert.deepEqual(
    left.filter((name) => !before.includes(name)),
    [],
  )
})

test('what a process writes to its standard error is told to the operator: cleaned, and not without end', async (t) => {
  const gateway = await startGateway(t, { command })
  await gateway.call('chatter', { lines: 5000 })
  await gateway.close()
  const lines = gateway.events.filter((event) => event.kind === 'stderr')
  assert.equal(lines.length, 200)
  assert.equal(lines[0]?.text, 'line 0 �[31m')
  assert.match(lines.at(-1)?.text ?? '', /too much/)
})

test('a gateway that closes does not wait for a process that has not begun', async (t) => {
  const gateway = await startGateway(t, { command: [process.execPath, '-e', 'process.stdin.resume()'] })
  const answer = gateway.call('count')
  await until(() => started(gateway.events) === 1)
  const began = performance.now()
  await gateway.upstream.close()
  assert.ok(performance.now() - began < 5000)
  assert.equal((await answer).status, 502)
})

test('an upstream that was never used starts nothing', async () => {
  const events: UpstreamEvent[] = []
  const upstream = openUpstream({ command, onEvent: (event) => events.push(event) })
  await upstream.close()
  assert.deepEqual(events, [])
})
