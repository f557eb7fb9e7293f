import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  createResourceServer,
  readHeaders,
  type ResourceServer,
  type StandardIssuerOptions,
} from '@mcp-doorman/resource-server'
import { makeKey, publicJwk, signToken, type SigningKey } from './hand-made-issuer.ts'

const resource = 'https://mcp.example/mcp'
const limitSeconds = 0.5
const callers = 20

type Answer = (request: IncomingMessage, response: ServerResponse, world: World) => void
/** What an issuer is asked for. */
type Place = 'discovery' | 'keys' | 'introspection'

interface World {
  readonly issuer: string
  /** A server of the same machine that nobody has named. Whatever reaches it was led there. */
  readonly lure: string
  readonly key: SigningKey
  readonly fetches: Record<Place | 'lure', number>
  /** Set to misbehave. */
  readonly answers: Partial<Record<Place, Answer>>
}

async function startWorld(t: TestContext): Promise<World> {
  const fetches = { discovery: 0, keys: 0, introspection: 0, lure: 0 }
  const answers: World['answers'] = {}
  const server = createServer((request, response) => {
    const place = placeOf(request.url ?? '')
    fetches[place] += 1
    const answer = answers[place] ?? behave[place]
    answer(request, response, world)
  })
  const lure = createServer((_request, response) => {
    fetches.lure += 1
    response.end('{"keys":[]}')
  })
  const [port, lurePort] = await Promise.all([server, lure].map(listen))
  t.after(() => {
    for (const each of [server, lure]) {
      each.closeAllConnections()
      each.close()
    }
  })
  const issuer = `http://127.0.0.1:${port}`
  const world: World = { issuer, lure: `http://127.0.0.1:${lurePort}`, key: makeKey('key'), fetches, answers }
  return world
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port // It listens on TCP.
}

function placeOf(url: string): Place {
  if (url === '/keys') return 'keys'
  return url === '/introspect' ? 'introspection' : 'discovery'
}

const json =
  (value: unknown): Answer =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))

const behave: Readonly<Record<Place, Answer>> = {
  discovery: (request, response, world) => {
    const { issuer } = world
    const document = { issuer, jwks_uri: `${issuer}/keys`, introspection_endpoint: `${issuer}/introspect` }
    json(document)(request, response, world)
  },
  keys: (request, response, world) => json({ keys: [publicJwk(world.key)] })(request, response, world),
  introspection: json({ active: true }),
}

const text =
  (status: number, body: string, headers = {}): Answer =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body)

/** Writes 64 MB, or as much of it as is taken. */
const flood: Answer = (_request, response) => {
  const chunk = Buffer.alloc(2 ** 20, ' ')
  let left = 64
  response.writeHead(200, { 'content-type': 'application/json' })
  response.on('error', () => undefined)
  const write = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1
      if (response.write(chunk)) continue
      response.once('drain', write)
      return
    }
    response.end('{}')
  }
  write()
}

/** One byte at a time, for as long as somebody reads. */
const drip: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

const manners: Readonly<Record<string, Answer>> = {
  'says nothing': () => undefined,
  drips: drip,
  'hangs up': (request) => request.socket.destroy(),
  'answers 500': text(500, '{}'),
  'answers HTML': text(200, '<html><title>Sign in</title>'),
  'answers with nothing': text(200, ''),
  'answers 204': text(204, ''),
  'answers with 64 MB': flood,
  'redirects to loopback': (request, response, world) =>
    text(302, '', { location: `${world.lure}/keys` })(request, response, world),
  'redirects to a metadata address': text(307, '', { location: 'http://169.254.169.254/latest/meta-data/' }),
  'redirects to itself': (request, response, world) =>
    text(302, '', { location: request.url })(request, response, world),
}

/** Only discovery can do these. */
const lies: Readonly<Record<string, Answer>> = {
  'names another issuer': json({ issuer: 'https://else.example', jwks_uri: 'https://else.example/keys' }),
  'names keys on loopback': (request, response, world) =>
    json({ issuer: world.issuer, jwks_uri: `${world.lure}/keys` })(request, response, world),
  'names keys at a metadata address': (request, response, world) =>
    json({ issuer: world.issuer, jwks_uri: 'https://169.254.169.254/keys' })(request, response, world),
  'names keys in a file': (request, response, world) =>
    json({ issuer: world.issuer, jwks_uri: 'file:///etc/passwd' })(request, response, world),
}

interface Gate {
  readonly server: ResourceServer
  readonly clock: { now: number }
}

function startGate(t: TestContext, world: World, options: Omit<StandardIssuerOptions, 'issuer'> = {}): Gate {
  const clock = { now: Date.now() / 1000 }
  const server = createResourceServer({
    resource,
    issuers: [{ issuer: world.issuer, ...options }],
    scopes: { 'a:b': {} },
    rules: [{ tools: ['*'], require: { scopes: ['a:b'] } }],
    callerLimit: 'off',
    audit: { write: () => undefined, available: () => true, close: () => Promise.resolve() },
    outboundTimeoutSeconds: limitSeconds,
    nowSeconds: () => clock.now,
  })
  t.after(() => server.close())
  return { server, clock }
}

const body = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}')

async function statusOf({ server }: Gate, token: string): Promise<number> {
  const decision = await server.guard({
    form: 'mcp',
    method: 'POST',
    target: '/mcp',
    headers: readHeaders(['Authorization', `Bearer ${token}`, 'Content-Type', 'application/json']),
    address: undefined,
    readBody: () => Promise.resolve(body),
  })
  return decision.granted ? 200 : server.formatDenial(decision).status
}

/** A good token, each time another. */
function tokenFor({ clock }: Gate, { issuer, key }: World, signer = key): string {
  const now = Math.floor(clock.now)
  return signToken(signer, { iss: issuer, aud: resource, scope: 'a:b', iat: now, exp: now + 600 })
}

interface Wave {
  readonly statuses: readonly number[]
  readonly longestMilliseconds: number
}

/** So many callers at once, each with a token of its own. */
async function sendWave(gate: Gate, world: World): Promise<Wave> {
  const ends = await Promise.all(
    Array.from({ length: callers }, async () => {
      const began = performance.now()
      const token = tokenFor(gate, world)
      return { status: await statusOf(gate, token), took: performance.now() - began }
    }),
  )
  return {
    statuses: [...new Set(ends.map(({ status }) => status))],
    longestMilliseconds: Math.max(...ends.map(({ took }) => took)),
  }
}

// What a busy machine may add to the time limit.
const patience = limitSeconds * 1000 + 1000

for (const place of ['discovery', 'keys'] as const) {
  for (const [manner, answer] of Object.entries({ ...manners, ...(place === 'discovery' && lies) })) {
    test(`an issuer whose ${place} ${manner}: 503 for all, few fetches, no wait beyond the limit, then recovery`, async (t) => {
      const world = await startWorld(t)
      const gate = startGate(t, world)
      world.answers[place] = answer
      const first = await sendWave(gate, world)
      assert.deepEqual(first.statuses, [503])
      assert.ok(first.longestMilliseconds < patience, `${first.longestMilliseconds} ms`)
      const { discovery, keys, lure } = world.fetches
      // Two addresses of documents, or one fetch again that was cut off on a connection of before.
      assert.ok(discovery <= 2 && keys <= 2, JSON.stringify(world.fetches))
      assert.equal(lure, 0)

      const second = await sendWave(gate, world)
      assert.deepEqual(second.statuses, [503])
      assert.equal(
        world.fetches.discovery + world.fetches.keys,
        discovery + keys,
        'it is left alone for a while',
      )
      delete world.answers[place]
      gate.clock.now += 2
      assert.deepEqual((await sendWave(gate, world)).statuses, [200])
    })

    test(`an issuer whose ${place} ${manner} later on: its good keys are used, and nobody waits beyond the limit`, async (t) => {
      const world = await startWorld(t)
      const gate = startGate(t, world)
      assert.deepEqual((await sendWave(gate, world)).statuses, [200])
      world.answers[place] = answer
      gate.clock.now += 700 // Past the age of the keys, before their last day.
      const { statuses, longestMilliseconds } = await sendWave(gate, world)
      assert.deepEqual(statuses, [200])
      assert.ok(longestMilliseconds < patience, `${longestMilliseconds} ms`)
      assert.equal(world.fetches.lure, 0)
    })
  }
}

for (const [manner, answer] of Object.entries(manners)) {
  test(`an issuer whose introspection ${manner}: 503, few questions, no wait beyond the limit, then recovery`, async (t) => {
    const world = await startWorld(t)
    const introspection = { clientId: 'server', clientSecret: 'secret' }
    const gate = startGate(t, world, { introspection })
    assert.deepEqual((await sendWave(gate, world)).statuses, [200])
    world.answers.introspection = answer
    const before = world.fetches.introspection
    const began = performance.now()
    const token = tokenFor(gate, world)
    const statuses = await Promise.all(Array.from({ length: callers }, () => statusOf(gate, token)))
    assert.deepEqual([...new Set(statuses)], [503])
    assert.ok(performance.now() - began < patience)
    // Those who wait share one question; who comes after it failed asks again, until it failed three times.
    assert.ok(world.fetches.introspection - before <= 3, `${world.fetches.introspection - before} questions`)
    assert.equal(world.fetches.lure, 0)
    delete world.answers.introspection
    gate.clock.now += 31
    assert.deepEqual((await sendWave(gate, world)).statuses, [200])
  })
}

test('an issuer that changes its key with every fetch costs three fetches at once, then one in half a minute', async (t) => {
  const world = await startWorld(t)
  const gate = startGate(t, world)
  let current = world.key
  world.answers.keys = (request, response) => {
    current = makeKey(`key-${world.fetches.keys}`)
    json({ keys: [publicJwk(current)] })(request, response, world)
  }
  const wave = await sendWave(gate, world)
  assert.deepEqual(wave.statuses, [401], 'the key that signed them is not published')
  for (let count = 0; count < 20; count += 1) await statusOf(gate, tokenFor(gate, world, makeKey('x')))
  assert.equal(world.fetches.keys, 3)
  const good = tokenFor(gate, world, current)
  assert.equal(await statusOf(gate, good), 200)
  gate.clock.now += 30
  await sendWave(gate, world)
  await sendWave(gate, world)
  assert.equal(world.fetches.keys, 4)
})
