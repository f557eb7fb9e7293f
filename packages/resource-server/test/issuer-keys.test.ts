import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IssuerKeys } from '#internal/identity/issuer-keys'
import type { LoadResult } from '#internal/identity/issuer-documents'
import { makeKey, publicJwk } from './compact-jws.ts'
import { resource, startGuarded, type Guarded } from './guarded.ts'
import { json, startTestIssuer } from './test-issuer.ts'

/** A token that outlives every test here. */
function longToken({ issuer, clock }: Guarded, change: Parameters<typeof issuer.sign>[0] = {}): string {
  return issuer.sign({ ...change, claims: { exp: clock.now + 1e6, ...change.claims } })
}

async function retryAfter(world: Guarded, token: string): Promise<number> {
  const answer = world.answer(await world.ask({ token }))
  assert.equal(answer.status, 503)
  assert.equal(
    answer.headers['www-authenticate'],
    undefined,
    'a challenge would make clients throw good tokens away',
  )
  return Number(answer.headers['retry-after'])
}

test('C26: 100 first requests at once fetch the keys once, and 1000 later ones never', async () => {
  const world = await startGuarded()
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, () => world.outcome({ token: longToken(world) })),
  )
  assert.deepEqual(new Set(outcomes), new Set(['allow']))
  for (let count = 0; count < 1000; count += 1) await world.ask({ token: longToken(world) })
  assert.deepEqual(world.issuer.fetches, { discovery: 1, keys: 1, introspection: 0 })
})

test('C27, CR12: a key under a new kid is picked up at once, twice in a row', async () => {
  const world = await startGuarded()
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  for (let turn = 0; turn < 2; turn += 1) {
    world.issuer.keys = [makeKey()]
    assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  }
  assert.equal(world.issuer.fetches.keys, 3)
})

test('C27: a key replaced under its own kid is picked up at once, and the old one is out', async () => {
  const world = await startGuarded({ keys: [makeKey('ES256', 'same')] })
  const old = longToken(world)
  assert.equal(await world.outcome({ token: old }), 'allow')
  world.issuer.keys = [makeKey('ES256', 'same')]
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  assert.equal(await world.outcome({ token: old }), 'signature_invalid', 'also where it was verified before')
})

test('C27: 200 parallel and 200 further tokens of unknown keys cause two fetches', async () => {
  const world = await startGuarded()
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  const unknown = (): string => longToken(world, { header: { kid: crypto.randomUUID() } })
  const before = world.issuer.fetches.keys
  const outcomes = await Promise.all(Array.from({ length: 200 }, () => world.outcome({ token: unknown() })))
  for (let count = 0; count < 200; count += 1) outcomes.push(await world.outcome({ token: unknown() }))
  assert.deepEqual(new Set(outcomes), new Set(['key_unknown']))
  assert.equal(world.issuer.fetches.keys - before, 2)
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow', 'good tokens do not suffer')
})

test('C27: after that burst there is one fetch in each cooldown', async () => {
  const world = await startGuarded()
  const bad = (): Promise<string> =>
    world.outcome({ token: longToken(world, { key: makeKey('ES256', 'made-up') }) })
  await world.ask({ token: longToken(world) })
  for (let count = 0; count < 5; count += 1) await bad()
  const before = world.issuer.fetches.keys
  world.clock.now += 29
  await bad()
  assert.equal(world.issuer.fetches.keys, before)
  world.clock.now += 1
  await bad()
  await bad()
  assert.equal(world.issuer.fetches.keys, before + 1)
})

test('C27: tokens of a known kid with a bad signature share that budget', async () => {
  const world = await startGuarded({ keys: [makeKey('ES256', 'same')] })
  await world.ask({ token: longToken(world) })
  const forger = makeKey('ES256', 'same')
  for (let count = 0; count < 50; count += 1) {
    assert.equal(await world.outcome({ token: longToken(world, { key: forger }) }), 'signature_invalid')
  }
  assert.equal(world.issuer.fetches.keys, 3)
})

test('C27: a rotation is picked up also after the clock was set back', async () => {
  const world = await startGuarded()
  await world.ask({ token: longToken(world) })
  world.clock.now -= 3600
  world.issuer.keys = [makeKey()]
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
})

test('a stranger’s token causes no fetch', async () => {
  const world = await startGuarded()
  const other = await startTestIssuer({ audience: resource, nowSeconds: () => world.clock.now })
  assert.equal(await world.outcome({ token: other.sign() }), 'issuer_unknown')
  assert.deepEqual(
    [world.issuer.fetches, other.fetches],
    [
      { discovery: 0, keys: 0, introspection: 0 },
      { discovery: 0, keys: 0, introspection: 0 },
    ],
  )
  await other.close()
})

test('B20: an issuer that is down at the start is a 503, and its return needs no restart', async () => {
  const world = await startGuarded()
  const token = longToken(world)
  const { keys, port } = world.issuer
  await world.issuer.close()
  assert.equal(await world.outcome({ token }), 'issuer_unavailable')
  const [reason = ''] = await world.server.ready()
  assert.match(reason, /nothing accepted the connection/)

  const wait = await retryAfter(world, token)
  assert.ok(wait >= 1 && wait <= 30, String(wait))
  const back = await startTestIssuer({ audience: resource, keys, port })
  assert.equal(
    await world.outcome({ token }),
    'issuer_unavailable',
    'it is not asked before the time it named',
  )
  assert.deepEqual(back.fetches, { discovery: 0, keys: 0, introspection: 0 })
  world.clock.now += wait
  assert.equal(await world.outcome({ token }), 'allow')
  assert.deepEqual(await world.server.ready(), [])
  await back.close()
})

test('an issuer that stays down is asked less and less often, and at least each half minute', async () => {
  const world = await startGuarded()
  const token = longToken(world)
  world.issuer.answerDiscovery = json({}, 500)
  const waits: number[] = []
  for (let count = 0; count < 8; count += 1) {
    const wait = await retryAfter(world, token)
    waits.push(wait)
    world.clock.now += wait
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30, 30])
})

test('C28, CR12: good keys outlive an outage up to the stale limit, and then it is a 503', async () => {
  const world = await startGuarded({ options: { keyTimes: { maxAge: 100, staleLimit: 1000 } } })
  const cached = longToken(world)
  const { now } = world.clock
  assert.equal(await world.outcome({ token: cached }), 'allow')
  world.issuer.answerKeys = json({}, 500)
  for (const age of [99, 100, 150, 500, 999]) {
    world.clock.now = now + age
    assert.equal(await world.outcome({ token: cached }), 'allow', `a known token at ${age} s`)
    assert.equal(await world.outcome({ token: longToken(world) }), 'allow', `a new token at ${age} s`)
  }
  world.clock.now = now + 1000
  assert.equal(await world.outcome({ token: cached }), 'issuer_unavailable')
  assert.equal(await world.outcome({ token: longToken(world) }), 'issuer_unavailable')
  world.issuer.answerKeys = undefined
  world.clock.now += 31
  assert.equal(await world.outcome({ token: cached }), 'allow')
})

test('C27: while the issuer cannot be asked, an unknown kid is a 503 and not a 401', async () => {
  const world = await startGuarded()
  await world.ask({ token: longToken(world) })
  const next = makeKey()
  world.issuer.answerKeys = json({}, 500)
  assert.equal(await world.outcome({ token: longToken(world, { key: next }) }), 'issuer_unavailable')
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  world.issuer.answerKeys = undefined
  world.issuer.keys = [next]
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
})

test('C27: while the issuer cannot be asked, a bad signature under a known kid is a 503: the key may be a new one', async () => {
  const world = await startGuarded({ keys: [makeKey('ES256', 'same')] })
  await world.ask({ token: longToken(world) })
  const next = makeKey('ES256', 'same')
  world.issuer.answerKeys = json({}, 500)
  assert.equal(await world.outcome({ token: longToken(world, { key: next }) }), 'issuer_unavailable')
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  world.issuer.answerKeys = undefined
  world.issuer.keys = [next]
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  assert.equal(
    await world.outcome({ token: longToken(world, { key: makeKey('ES256', 'same') }) }),
    'signature_invalid',
  )
})

test('keys that came while a token waited for them are not asked for again', async () => {
  const world = await startGuarded()
  assert.equal(await world.outcome({ token: longToken(world, { key: makeKey() }) }), 'key_unknown')
  assert.equal(world.issuer.fetches.keys, 1)
})

const keeping = (keepRemovedKeysSeconds: number): Promise<Guarded> =>
  startGuarded({
    options: { keyTimes: { maxAge: 100 } },
    optionsOf: ({ issuer }) => ({ issuers: [{ issuer, keepRemovedKeysSeconds }] }),
  })

test('a removed key goes on for as long as the options say, and no longer, also for remembered tokens', async () => {
  const world = await keeping(500)
  const [removed] = world.issuer.keys
  assert.ok(removed)
  const cached = longToken(world)
  const { now } = world.clock
  assert.equal(await world.outcome({ token: cached }), 'allow')
  world.issuer.keys = [makeKey()]
  const outcomes = async (): Promise<readonly string[]> => [
    await world.outcome({ token: cached }),
    await world.outcome({ token: longToken(world, { key: removed }) }),
    await world.outcome({ token: longToken(world) }),
  ]
  world.clock.now = now + 100 // The removal is seen here, and the time begins.
  assert.deepEqual(await outcomes(), ['allow', 'allow', 'allow'])
  for (const age of [200, 300, 400, 500, 599]) {
    world.clock.now = now + age
    assert.deepEqual(await outcomes(), ['allow', 'allow', 'allow'], `at ${age} s`)
  }
  world.clock.now = now + 600
  assert.deepEqual(await outcomes(), ['key_unknown', 'key_unknown', 'allow'])
})

test('a removed key does not go on any longer because its issuer is away', async () => {
  const world = await keeping(150)
  const [removed] = world.issuer.keys
  assert.ok(removed)
  const { now } = world.clock
  const cached = longToken(world)
  await world.ask({ token: cached })
  world.issuer.keys = [makeKey()]
  world.clock.now = now + 100
  assert.equal(await world.outcome({ token: cached }), 'allow')
  world.issuer.answerKeys = json({}, 500)
  world.clock.now = now + 250
  assert.notEqual(await world.outcome({ token: cached }), 'allow')
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow', 'the published one does')
})

test('a key that is replaced under its id goes on as well, and one that is published again begins anew', async () => {
  const world = await keeping(150)
  const old = makeKey('ES256', 'same')
  const young = makeKey('ES256', 'same')
  world.issuer.keys = [old]
  const { now } = world.clock
  await world.ask({ token: longToken(world) })
  world.issuer.keys = [young]
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  assert.equal(await world.outcome({ token: longToken(world, { key: old }) }), 'allow')
  world.issuer.keys = [old, young]
  world.clock.now = now + 100
  assert.equal(await world.outcome({ token: longToken(world) }), 'allow')
  world.clock.now = now + 190
  assert.equal(await world.outcome({ token: longToken(world, { key: old }) }), 'allow')
})

test('an issuer that changes its keys with every fetch does not make them pile up', async () => {
  let now = 0
  const load = (): Promise<LoadResult> =>
    Promise.resolve({ ok: true, documents: { keys: [publicJwk(makeKey('EdDSA'))] } })
  const keys = new IssuerKeys(load, [], { maxAge: 10, staleLimit: 20, cooldown: 30 }, () => now, 1e6)
  for (let fetch = 0; fetch < 100; fetch += 1) {
    assert.deepEqual(await keys.ensure(), { ok: true })
    now += 10
  }
  assert.ok(keys.keys.length <= 17, String(keys.keys.length))
})

test('C29: a removed key is out within the max age, also for tokens that were verified before', async () => {
  const world = await startGuarded({ options: { keyTimes: { maxAge: 100 } } })
  const [removed] = world.issuer.keys
  assert.ok(removed)
  const cached = longToken(world)
  assert.equal(await world.outcome({ token: cached }), 'allow')
  world.issuer.keys = [makeKey()]
  world.clock.now += 79
  assert.equal(await world.outcome({ token: cached }), 'allow')
  world.clock.now += 21
  assert.equal(await world.outcome({ token: cached }), 'key_unknown')
  assert.equal(await world.outcome({ token: longToken(world, { key: removed }) }), 'key_unknown')
})

test('keys are renewed in the background before they are too old, so that no request waits', async () => {
  const world = await startGuarded({ options: { keyTimes: { maxAge: 100 } } })
  const token = longToken(world)
  await world.ask({ token })
  let release = (): void => undefined
  const asked = new Promise<void>((resolve) => {
    world.issuer.answerKeys = (_request, response) => {
      release = () => void response.end('{}')
      resolve()
    }
  })
  world.clock.now += 81
  assert.equal(await world.outcome({ token }), 'allow', 'answered while the issuer is still being asked')
  await asked
  release()
})

test('a key set that only changed its order lets verified tokens stand, and any other change does not', async () => {
  const [first, second] = [publicJwk(makeKey()), publicJwk(makeKey())]
  const sets = [
    [first, second],
    [second, first],
    [first],
    [{ ...first, kid: 'renamed' }],
    [{ ...first, kid: 'renamed' }],
  ]
  let now = 0
  const load = (): Promise<LoadResult> =>
    Promise.resolve({ ok: true, documents: { keys: sets.shift() ?? [] } })
  const keys = new IssuerKeys(load, [], { maxAge: 10, staleLimit: 20, cooldown: 30 }, () => now)
  const generations: number[] = []
  while (sets.length > 0) {
    assert.deepEqual(await keys.ensure(), { ok: true })
    generations.push(keys.generation)
    now += 10
  }
  assert.deepEqual(generations, [1, 1, 2, 3, 3])
})

test('ready() fetches the keys of every issuer, and says of each what is wrong', async () => {
  const good = await startGuarded()
  const world = await startGuarded({
    optionsOf: ({ issuer }) => ({ issuers: [{ issuer: good.issuer.issuer }, { issuer }] }),
  })
  world.issuer.answerKeys = json({ keys: [] })
  assert.deepEqual(await world.server.ready(), [`${world.issuer.issuer}: the key set has no usable key`])
  assert.equal(good.issuer.fetches.keys, 1)
})
