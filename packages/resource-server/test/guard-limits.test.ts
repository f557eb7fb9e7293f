import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOf, startGuarded, type Guarded } from './guarded.ts'

// Periods so long that nothing comes back while a test runs.
const perHour = (count: number): { readonly count: number; readonly perSeconds: number } => ({
  count,
  perSeconds: 3600,
})

async function repeat(times: number, ask: () => Promise<string>): Promise<readonly string[]> {
  const outcomes: string[] = []
  for (let time = 0; time < times; time += 1) outcomes.push(await ask())
  return outcomes
}

function asker({ issuer, outcome }: Guarded, claims: Readonly<Record<string, unknown>> = {}) {
  return (body: unknown): Promise<string> => outcome({ token: issuer.sign({ claims }), body })
}

test('J1: a caller who has had the limit is refused, and another caller is not', async () => {
  const world = await startGuarded({ options: { callerLimit: perHour(3) } })
  const ask = asker(world)
  assert.deepEqual(await repeat(4, () => ask(callOf('read_file'))), [
    'allow',
    'allow',
    'allow',
    'caller_limit_reached',
  ])
  assert.equal(await asker(world, { sub: 'bob' })(callOf('read_file')), 'allow')
  assert.equal(await asker(world, { client_id: 'other' })(callOf('read_file')), 'allow')
})

test('J2, J3, J4: the answer says when to come back, in headers and in the error', async () => {
  const world = await startGuarded({ options: { callerLimit: { count: 60, perSeconds: 3600, burst: 1 } } })
  const token = world.issuer.sign()
  await world.ask({ token, body: callOf('read_file') })
  const { status, headers, body } = world.answer(
    await world.ask({ token, body: callOf('read_file', 'my-id') }),
  )
  const { 'doorman-decision': _, ...others } = headers
  assert.equal(status, 429)
  assert.deepEqual(others, {
    'cache-control': 'no-store',
    'content-type': 'application/json',
    'retry-after': '60',
    'ratelimit-policy': '"caller";q=60;w=3600',
    ratelimit: '"caller";r=0;t=60',
  })
  const data = { type: 'about:blank', title: 'Too Many Requests', status: 429, retryAfterSeconds: 60 }
  const message = 'Too many requests. Wait for the time in Retry-After.'
  assert.deepEqual(JSON.parse(body), { jsonrpc: '2.0', id: 'my-id', error: { code: 429, message, data } })
})

test('J4: a notification over the limit gets an empty 429', async () => {
  const world = await startGuarded({ options: { callerLimit: perHour(1) } })
  const note = { token: world.issuer.sign(), body: { jsonrpc: '2.0', method: 'notifications/cancelled' } }
  assert.equal(await world.outcome(note), 'allow')
  const { status, body } = world.answer(await world.ask(note))
  assert.deepEqual([status, body], [429, ''])
})

test('E17: each message of a batch counts, and a batch that is refused costs one unit', async () => {
  const world = await startGuarded({ options: { callerLimit: perHour(5) } })
  const ask = asker(world)
  const batch = (size: number): unknown => Array.from({ length: size }, () => callOf('read_file'))
  assert.equal(await ask(batch(3)), 'allow')
  assert.equal(await ask(batch(3)), 'caller_limit_reached')
  assert.equal(await ask(batch(2)), 'caller_limit_reached')
  assert.equal(await ask(callOf('read_file')), 'caller_limit_reached')
  const other = asker(world, { sub: 'bob' })
  assert.equal(await other(batch(3)), 'allow')
  assert.equal(await other(batch(2)), 'allow')
})

test('J2, E17: what a refused batch is told to wait counts the unit that it has cost', async () => {
  const world = await startGuarded({ options: { callerLimit: { count: 60, perSeconds: 60, burst: 4 } } })
  const token = world.issuer.sign()
  const batch = (size: number): unknown => Array.from({ length: size }, () => callOf('read_file'))
  assert.equal(await world.outcome({ token, body: batch(2) }), 'allow')
  const denied = await world.ask({ token, body: batch(4) })
  assert.ok(!denied.granted && denied.denial.code === 'caller_limit_reached')
  // Three of four units are used, and the next try wants all four: three seconds, less what the test took.
  const { retryAfterSeconds = 0 } = denied.denial
  assert.ok(retryAfterSeconds > 2.5 && retryAfterSeconds <= 3, String(retryAfterSeconds))
})

test('a rule’s limit counts what would run: denied and hidden calls cost the caller’s own limit only', async () => {
  const rules = [
    { id: 'limited', tools: ['a', 'b'], require: { scopes: ['files:write'] }, limit: perHour(2) },
    {
      id: 'secret',
      tools: ['secret'],
      require: { anyRole: ['staff'] },
      otherwise: 'hide',
      limit: perHour(2),
    },
  ] as const
  const world = await startGuarded({ options: { rules, callerLimit: perHour(9) } })
  const may = asker(world, { scope: 'files:write' })
  assert.deepEqual(await repeat(2, () => asker(world)(callOf('a'))), ['scope_missing', 'scope_missing'])
  assert.deepEqual(await repeat(2, () => may(callOf('secret'))), ['item_hidden', 'item_hidden'])
  assert.deepEqual(
    [await may(callOf('a')), await may(callOf('b'))],
    ['allow', 'allow'],
    'one limit over all its items',
  )
  assert.equal(await may(callOf('a')), 'rule_limit_reached')
  assert.deepEqual(await repeat(3, () => may(callOf('secret'))), [
    'item_hidden',
    'item_hidden',
    'caller_limit_reached',
  ])
})

test('a rule’s limit is for each caller, and the protocol’s own methods have none', async () => {
  const rules = [{ tools: ['*'], limit: perHour(1) }]
  const world = await startGuarded({ options: { rules } })
  const ask = asker(world)
  assert.deepEqual(await repeat(2, () => ask(callOf('a'))), ['allow', 'rule_limit_reached'])
  assert.equal(await asker(world, { sub: 'bob' })(callOf('a')), 'allow')
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
  assert.deepEqual(await repeat(3, () => ask(list)), ['allow', 'allow', 'allow'])
})

test('a batch takes from a rule’s limit all or nothing, so that its next try can succeed', async () => {
  const world = await startGuarded({ options: { rules: [{ tools: ['a'], limit: perHour(3) }] } })
  const ask = asker(world)
  const two = [callOf('a'), callOf('a')]
  assert.equal(await ask(two), 'allow')
  assert.deepEqual(
    await repeat(3, () => ask(two)),
    Array.from({ length: 3 }, () => 'rule_limit_reached'),
  )
  assert.equal(await ask(callOf('a')), 'allow', 'what was left is still there')
})

test('E17: a batch that a rule could never let through whole is told so, and not to wait', async () => {
  const world = await startGuarded({ options: { rules: [{ tools: ['a'], limit: perHour(3) }] } })
  const ask = asker(world)
  const calls = (count: number): unknown => Array.from({ length: count }, () => callOf('a'))
  assert.equal(await ask(calls(4)), 'batch_refused')
  assert.equal(await ask(calls(3)), 'allow', 'it has used up nothing')
})

test('the limit can be turned off', async () => {
  const world = await startGuarded({ options: { callerLimit: 'off' } })
  const token = world.issuer.sign()
  const outcomes = await repeat(700, () => world.outcome({ token, body: callOf('read_file') }))
  assert.deepEqual(new Set(outcomes), new Set(['allow']))
})

test('J1: a body that cannot be read costs a unit like any other', async () => {
  const world = await startGuarded({ options: { callerLimit: perHour(3) } })
  const ask = asker(world)
  assert.deepEqual(await repeat(4, () => ask('{bad')), [
    'body_unparsable',
    'body_unparsable',
    'body_unparsable',
    'caller_limit_reached',
  ])
  assert.equal(await ask(callOf('read_file')), 'caller_limit_reached')
})

test('J1: over the limit only a small body is read, for its id', async () => {
  const world = await startGuarded({ options: { callerLimit: perHour(1) } })
  const bounds: (number | undefined)[] = []
  const ask = (): Promise<string> =>
    world.outcome({
      token: world.issuer.sign(),
      readBody: (maxBytes) => {
        bounds.push(maxBytes)
        return Promise.resolve(
          maxBytes === undefined ? Buffer.from(JSON.stringify(callOf('read_file'))) : 'body_too_large',
        )
      },
    })
  assert.deepEqual(await repeat(2, ask), ['allow', 'caller_limit_reached'])
  assert.deepEqual(bounds, [undefined, 65_536])
})

test('E17: a batch that no limit could ever let through is refused, and one of the limit is not', async () => {
  const world = await startGuarded({ options: { callerLimit: perHour(3) } })
  const batch = (count: number): readonly object[] => Array.from({ length: count }, () => callOf('read_file'))
  assert.equal(await asker(world)(batch(4)), 'batch_refused')
  assert.equal(await asker(world, { sub: 'bob' })(batch(3)), 'allow')
  assert.equal(await asker(world, { sub: 'bob' })(callOf('read_file')), 'caller_limit_reached')
})
