import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKey } from '#internal/network-address'
import { makeKey } from './compact-jws.ts'
import { startGuarded, type Guarded, type RequestChange } from './guarded.ts'

const perHour = (count: number): { count: number; perSeconds: number } => ({ count, perSeconds: 3600 })
const address = '192.0.2.7'

async function repeat(times: number, one: () => Promise<string>): Promise<string[]> {
  const outcomes: string[] = []
  for (let time = 0; time < times; time += 1) outcomes.push(await one())
  return outcomes
}

test('J5: an address that sends too many forged tokens is answered 429 for further ones, and only for those', async () => {
  const world = await startGuarded({ options: { failedAuthenticationLimit: perHour(3) } })
  const forged = world.issuer.sign({ key: { ...makeKey(), kid: world.issuer.keys[0]?.kid ?? '' } })
  const ask = (change: RequestChange): Promise<string> => world.outcome({ address, ...change })
  assert.deepEqual(await repeat(5, () => ask({ token: forged })), [
    ...Array.from({ length: 3 }, () => 'signature_invalid'),
    ...Array.from({ length: 2 }, () => 'authentication_limit_reached'),
  ])
  assert.equal(
    await ask({ token: 'nonsense' }),
    'authentication_limit_reached',
    'whatever is wrong with them',
  )
  assert.equal(await ask({ token: forged, address: '192.0.2.8' }), 'signature_invalid', 'another address')
  assert.equal(await ask({ token: forged, address: undefined }), 'signature_invalid', 'no address')
  assert.equal(await ask({ token: world.issuer.sign() }), 'allow', 'a valid token that is new here')
  const expired = world.issuer.sign({ claims: { exp: world.clock.now - 600 } })
  assert.equal(await ask({ token: expired }), 'token_expired', 'an honest client whose token has ended')
  const foreign = world.issuer.sign({ claims: { aud: 'https://else.example' } })
  assert.equal(await ask({ token: foreign }), 'audience_mismatch', 'one that was signed for someone else')
  assert.equal(await ask({}), 'token_missing', 'a client that begins')
  const twice = { token: forged, target: `/mcp?access_token=${forged}` }
  assert.equal(await ask(twice), 'token_presented_twice', 'a request that is malformed')
})

test('J5: whatever nobody has signed counts for its address', async () => {
  const { issuer } = await startGuarded()
  const stranger = makeKey()
  const guesses: Readonly<Record<string, string>> = {
    token_too_long: 'x'.repeat(40_000),
    token_malformed: 'nonsense',
    token_type_refused: issuer.sign({ header: { typ: 'JWT' } }),
    critical_header_unknown: issuer.sign({ header: { crit: ['x'], x: 1 } }),
    algorithm_refused: issuer.sign({ header: { alg: 'RS512' } }),
    issuer_unknown: issuer.sign({ claims: { iss: 'https://else.example' } }),
    key_unknown: issuer.sign({ key: { ...stranger, kid: 'nobody' } }),
    signature_invalid: issuer.sign({ key: { ...stranger, kid: issuer.keys[0]?.kid ?? '' } }),
  }
  for (const [code, token] of Object.entries(guesses)) {
    const world = await startGuarded({
      options: { failedAuthenticationLimit: perHour(1) },
      optionsOf: () => ({ issuers: [{ issuer: issuer.issuer }] }),
    })
    const outcomes = await repeat(2, () => world.outcome({ token, address }))
    assert.deepEqual(outcomes, [code, 'authentication_limit_reached'])
  }
})

test('J5: a thousand bad tokens cost a good caller of the same address nothing', async () => {
  const world = await startGuarded({ options: { callerLimit: perHour(2) } })
  const forged = world.issuer.sign().slice(0, -2)
  const outcomes = await repeat(1000, () => world.outcome({ token: forged, address }))
  const limited = outcomes.filter((outcome) => outcome === 'authentication_limit_reached').length
  // All but the burst of 300, and five for each second that this took.
  assert.ok(limited <= 700 && limited > 500, String(limited))
  assert.ok(!outcomes.includes('caller_limit_reached') && !outcomes.includes('allow'))
  const token = world.issuer.sign()
  assert.deepEqual(await repeat(3, () => world.outcome({ token, address })), [
    'allow',
    'allow',
    'caller_limit_reached',
  ])
})

async function refuseOne(world: Guarded): Promise<ReturnType<Guarded['answer']>> {
  await world.ask({ token: 'nonsense', address })
  return world.answer(await world.ask({ token: 'nonsense', address }))
}

test('J2, J3, J5: that 429 says when to come back, and is no challenge', async () => {
  const world = await startGuarded({ options: { failedAuthenticationLimit: perHour(1) } })
  const { status, headers, body } = await refuseOne(world)
  assert.equal(status, 429)
  assert.equal(headers['retry-after'], '3600')
  assert.equal(headers['ratelimit-policy'], '"address";q=1;w=3600')
  assert.match(headers['ratelimit'] ?? '', /^"address";r=0;t=3600$/)
  assert.equal(headers['www-authenticate'], undefined)
  assert.equal((JSON.parse(body) as { error: string }).error, 'rate_limited')
})

test('K1: its record says what was wrong with the token all the same', async () => {
  const world = await startGuarded({ options: { failedAuthenticationLimit: perHour(1) } })
  await refuseOne(world)
  const record = world.records().at(-1)
  assert.deepEqual(
    [record?.['code'], record?.['status'], record?.['detail']],
    ['authentication_limit_reached', 429, '1 in 3600 s; token_malformed'],
  )
})

test('the limit of failed authentication can be turned off', async () => {
  const world = await startGuarded({ options: { failedAuthenticationLimit: 'off' } })
  const outcomes = await repeat(100, () => world.outcome({ token: 'nonsense', address }))
  assert.deepEqual(new Set(outcomes), new Set(['token_malformed']))
})

const addresses: readonly (readonly [address: string, key: string])[] = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['', ''],
  ['not an address', 'not an address'],
]
for (const [given, key] of addresses) {
  test(`the address ${JSON.stringify(given)} counts as ${JSON.stringify(key)}`, () => {
    assert.equal(addressKey(given), key)
  })
}
