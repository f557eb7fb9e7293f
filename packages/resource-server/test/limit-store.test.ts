import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResourceServer, type LimitStore, type LimitStoreOptions } from '@mcp-doorman/resource-server'
import { createMemoryLimiter, type MemoryLimiter } from '#internal/limits'
import { callOf, createMemorySink, resource, startGuarded, type Guarded } from './guarded.ts'

const perHour = (count: number): { count: number; perSeconds: number } => ({ count, perSeconds: 3600 })

/** What several processes share, in one process; fails, or is silent, when told to. */
function createSharedStore(): LimitStore & {
  mode: 'fine' | 'failing' | 'silent'
  readonly names: Set<string>
} {
  const limiters = new Map<string, MemoryLimiter>()
  const store = {
    mode: 'fine' as 'fine' | 'failing' | 'silent',
    names: new Set<string>(),
    take: (name: string, key: string, cost: number, rate: { count: number; perSeconds: number }) => {
      store.names.add(name)
      if (store.mode === 'failing') return Promise.reject(new Error('connection refused'))
      if (store.mode === 'silent') return new Promise<never>(() => undefined)
      let limiter = limiters.get(name)
      if (limiter === undefined) limiters.set(name, (limiter = createMemoryLimiter(rate)))
      return Promise.resolve(limiter.take(key, cost, 1000))
    },
  }
  return store
}

const rules = [{ id: 'a', tools: ['a'], limit: perHour(2) }]

function start(
  limitStore: LimitStoreOptions,
  callerLimit: { count: number; perSeconds: number } | 'off' = perHour(3),
): Promise<Guarded> {
  return startGuarded({ options: { rules, callerLimit, limitStore } })
}

async function outcomes(worlds: readonly Guarded[], body: unknown = callOf('a')): Promise<string[]> {
  const told: string[] = []
  for (const world of worlds) {
    const token = world.issuer.sign({ claims: { iss: world.issuer.issuer } })
    told.push(await world.outcome({ token, body, address: '192.0.2.7' }))
  }
  return told
}

test('J6: limits count in the shared store, each under a name of its own', async () => {
  const store = createSharedStore()
  const world = await start({ store, whenDown: 'closed' })
  assert.deepEqual(await outcomes([world, world, world, world]), [
    'allow',
    'allow',
    'rule_limit_reached',
    'caller_limit_reached',
  ])
  assert.equal(await world.outcome({ token: 'nonsense', address: '192.0.2.7' }), 'token_malformed')
  assert.deepEqual([...store.names].toSorted(), ['address', 'caller', 'rule:a'])
})

test('J6: a batch takes from a shared limit as from one in memory', async () => {
  const world = await start({ store: createSharedStore(), whenDown: 'closed' }, perHour(4))
  const two = [callOf('a'), callOf('a')]
  assert.deepEqual(await outcomes([world], two), ['allow'])
  assert.deepEqual(await outcomes([world, world], two), ['rule_limit_reached', 'caller_limit_reached'])
})

for (const mode of ['failing', 'silent'] as const) {
  test(`J6: with a store that is ${mode}, "closed" answers 503 and lets nothing through`, async () => {
    const store = createSharedStore()
    const told: string[] = []
    const options = { store, whenDown: 'closed', timeoutMilliseconds: 20 } as const
    const world = await start({ ...options, onFailure: (reason) => void told.push(reason) })
    store.mode = mode
    assert.deepEqual(await outcomes([world, world]), ['limits_unavailable', 'limits_unavailable'])
    const denied = await world.ask({ token: world.issuer.sign() })
    const { status, headers } = world.answer(denied)
    assert.deepEqual([status, headers['retry-after']], [503, '1'])
    assert.equal(told.length, 1, 'said once, not for each request')
    store.mode = 'fine'
    assert.deepEqual(await outcomes([world]), ['allow'])
  })

  test(`J6: with a store that is ${mode}, "open" counts in the process, so the limit still holds there`, async () => {
    const store = createSharedStore()
    const world = await start({ store, whenDown: 'open', timeoutMilliseconds: 20 }, 'off')
    store.mode = mode
    assert.deepEqual(await outcomes([world, world, world]), ['allow', 'allow', 'rule_limit_reached'])
  })
}

test('a rule’s limit that cannot be counted denies too', async () => {
  const store = createSharedStore()
  const world = await start({ store, whenDown: 'closed' }, 'off')
  store.mode = 'failing'
  assert.deepEqual(await outcomes([world]), ['limits_unavailable'])
})

test('mistakes in the store’s options are told at the start', () => {
  // What plain JavaScript could pass.
  const limitStore = { store: {}, timeoutMilliseconds: 0, whenDwon: 'open' } as unknown as LimitStoreOptions
  const build = (): unknown =>
    createResourceServer({
      resource,
      issuers: [{ issuer: 'https://a.example' }],
      scopes: {},
      rules: [],
      audit: createMemorySink(),

      limitStore,
    })
  assert.throws(build, (error: Error) => {
    for (const word of [
      'whenDwon: unknown option. Did you mean "whenDown"',
      'take',
      'whenDown: is missing',
      '1 to 10000',
    ]) {
      assert.ok(error.message.includes(word), `${word} in ${error.message}`)
    }
    return true
  })
})
