import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, startAsked, startOpaque } from './introspecting.ts'
import { json } from './test-issuer.ts'

test('D6: a hundred requests with one token are one question', async () => {
  const world = await startOpaque({ cacheSeconds: 0 })
  answer(world, {})
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => world.outcome({ token: 'same' })))
  assert.deepEqual([...new Set(outcomes)], ['allow'])
  assert.equal(world.issuer.fetches.introspection, 1)
})

test('D6: an issuer that is slow costs a caller the time limit, and others that wait no more', async () => {
  const world = await startOpaque({}, { outboundTimeoutSeconds: 0.2 })
  world.issuer.answerIntrospection = () => undefined
  const started = performance.now()
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, index) => world.outcome({ token: `t${index}` })),
  )
  assert.deepEqual([...new Set(outcomes)], ['issuer_unavailable'])
  assert.ok(performance.now() - started < 2000, `${performance.now() - started} ms`)
})

test('D6: too many questions at once are not asked', async () => {
  const world = await startOpaque({}, { outboundTimeoutSeconds: 1 })
  world.issuer.answerIntrospection = () => undefined
  const started = performance.now()
  const waiting = Array.from({ length: 256 }, (_, index) => world.outcome({ token: `t${index}` }))
  assert.equal(await world.outcome({ token: 'one-more' }), 'issuer_unavailable')
  assert.ok(performance.now() - started < 900, 'it was not made to wait')
  await Promise.all(waiting)
})

test('D6: an issuer that fails is left alone for a while, then asked one question, then used again', async () => {
  const world = await startOpaque({ cacheSeconds: 0 })
  const { fetches } = world.issuer
  world.issuer.answerIntrospection = json({}, 500)
  for (let count = 0; count < 10; count += 1)
    assert.equal(await world.outcome({ token: `${count}` }), 'issuer_unavailable')
  assert.equal(fetches.introspection, 3)
  const waits: number[] = []
  for (let round = 0; round < 7; round += 1) {
    const wait = Number(world.answer(await world.ask({ token: 'wait' })).headers['retry-after'])
    waits.push(wait)
    world.clock.now += wait
    const before: number = fetches.introspection
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => world.ask({ token: `${round} ${index}`.replace(' ', '-') })),
    )
    assert.equal(fetches.introspection, before + 1)
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30])
  answer(world, {})
  world.clock.now += 30
  assert.equal(await world.outcome({ token: 'back' }), 'allow')
  const outcomes = await Promise.all(['a', 'b', 'c'].map((token) => world.outcome({ token })))
  assert.deepEqual(outcomes, ['allow', 'allow', 'allow'])
})

test('D6: tokens that make no sense to the issuer do not close it for others', async () => {
  const world = await startOpaque({ cacheSeconds: 0 })
  world.issuer.answerIntrospection = json({ error: 'invalid_request' }, 400)
  for (let count = 0; count < 10; count += 1) await world.ask({ token: `garbage-${count}` })
  answer(world, {})
  assert.equal(await world.outcome({ token: 'good' }), 'allow')
})

test('J5, D6: garbage of one address uses up no questions of others, and is limited', async () => {
  const world = await startOpaque({}, { failedAuthenticationLimit: { count: 40, perSeconds: 3600 } })
  world.issuer.answerIntrospection = json({ active: false })
  const garbage = Array.from({ length: 256 }, (_, index) =>
    world.outcome({ token: `garbage-${index}`, address: '192.0.2.6' }),
  )
  // Asked, though the answer is the same: it is not refused for the others.
  assert.equal(await world.outcome({ token: 'other', address: '192.0.2.9' }), 'token_inactive')
  const outcomes = await Promise.all(garbage)
  const count = (code: string): number => outcomes.filter((outcome) => outcome === code).length
  assert.deepEqual([count('token_inactive'), count('issuer_unavailable')], [32, 224])
  const more: string[] = []
  for (let index = 0; index < 10; index += 1) {
    more.push(await world.outcome({ token: `more-${index}`, address: '192.0.2.6' }))
  }
  assert.deepEqual(more, [
    ...Array.from({ length: 8 }, () => 'token_inactive'),
    ...Array.from({ length: 2 }, () => 'authentication_limit_reached'),
  ])
})

test('J5: a token that an issuer has signed and then ended is not counted', async () => {
  const world = await startAsked({}, { failedAuthenticationLimit: { count: 1, perSeconds: 3600 } })
  world.issuer.answerIntrospection = json({ active: false })
  for (let count = 0; count < 3; count += 1) {
    assert.equal(await world.outcome({ token: world.issuer.sign(), address: '192.0.2.6' }), 'token_inactive')
  }
})

test('D6: garbage of many addresses leaves room for tokens that are known', async () => {
  const world = await startOpaque({ cacheSeconds: 1 })
  answer(world, {})
  assert.equal(await world.outcome({ token: 'good', address: '192.0.2.9' }), 'allow')
  world.clock.now += 1
  world.issuer.answerIntrospection = json({ active: false })
  const garbage = Array.from({ length: 300 }, (_, index) =>
    world.outcome({ token: `garbage-${index}`, address: `192.0.2.${index % 16}` }),
  )
  const asked = [
    world.outcome({ token: 'new', address: '192.0.2.200' }),
    world.outcome({ token: 'good', address: '192.0.2.9' }),
  ]
  assert.deepEqual(await Promise.all(asked), ['issuer_unavailable', 'token_inactive'])
  await Promise.all(garbage)
})

test('D6: garbage at which an issuer fails closes it for the address that sends it, and for nobody else', async () => {
  const world = await startOpaque({ cacheSeconds: 1 })
  answer(world, {})
  const good = { token: 'good', address: '192.0.2.6' }
  assert.equal(await world.outcome(good), 'allow')
  world.clock.now += 1
  const { fetches } = world.issuer
  world.issuer.answerIntrospection = json({}, 500)
  for (let count = 0; count < 10; count += 1) await world.ask({ token: `${count}`, address: '192.0.2.6' })
  assert.equal(fetches.introspection, 4)
  answer(world, {})
  assert.equal(await world.outcome({ token: 'new', address: '192.0.2.6' }), 'issuer_unavailable')
  assert.equal(await world.outcome({ token: 'other', address: '192.0.2.9' }), 'allow', 'another address')
  assert.equal(await world.outcome(good), 'allow', 'a token that is known, of the same address')
})

test('D6: of a thousand addresses at whose tokens an issuer fails, the one that was first is forgotten', async () => {
  const world = await startOpaque({ cacheSeconds: 0 })
  world.issuer.answerIntrospection = json({}, 500)
  const { fetches } = world.issuer
  const asks = async (token: string): Promise<boolean> => {
    const before = fetches.introspection
    await world.ask({ token, address: '192.0.2.6' })
    return fetches.introspection > before
  }
  for (const token of ['a', 'b', 'c']) assert.ok(await asks(token))
  const addresses = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
  for (const address of addresses.slice(1)) await world.ask({ token: address, address })
  assert.ok(!(await asks('d')), 'there is room for it')
  await world.ask({ token: 'last', address: addresses[0] ?? '' })
  assert.ok(await asks('e'))
})

test('D6: an issuer that fails at tokens which are known is left alone by everybody', async () => {
  const world = await startOpaque({ cacheSeconds: 1 })
  answer(world, {})
  const tokens = ['a', 'b', 'c']
  for (const token of tokens) assert.equal(await world.outcome({ token }), 'allow')
  world.clock.now += 1
  world.issuer.answerIntrospection = json({}, 500)
  for (const token of tokens) assert.equal(await world.outcome({ token }), 'issuer_unavailable')
  answer(world, {})
  assert.equal(await world.outcome({ token: 'new', address: '192.0.2.9' }), 'issuer_unavailable')
})
