import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthenticationRequirement, Rule } from '@mcp-doorman/resource-server'
import { parseChallenge } from './challenge-parser.ts'
import { callOf, rules, startGuarded, startTime, type Guarded } from './guarded.ts'

const strong: AuthenticationRequirement = { acrValues: ['phr', 'urn:example:gold'], maxAgeSeconds: 300 }
const delicate: Rule[] = [
  { id: 'recent', tools: ['recent'], require: { authentication: { maxAgeSeconds: 300 } } },
  {
    id: 'strong',
    tools: ['strong'],
    require: { authentication: { acrValues: ['phr', 'urn:example:gold'] } },
  },
  { id: 'both', tools: ['both'], require: { scopes: ['files:purge'], authentication: strong } },
  { id: 'staff-only', tools: ['staff-only'], require: { anyRole: ['staff'], authentication: strong } },
]
const world = await startGuarded({ options: { rules: [...rules, ...delicate] } })

const ask = (tool: string, claims: Readonly<Record<string, unknown>>): Promise<string> =>
  world.outcome({ token: world.issuer.sign({ claims }), body: callOf(tool) })

type Row = readonly [name: string, tool: string, expected: string, claims: Readonly<Record<string, unknown>>]

// Each allowed row stands above its neighbours, which differ from it in one thing.
const rows: readonly Row[] = [
  ['a login five minutes ago', 'recent', 'allow', { auth_time: startTime - 300 }],
  ['a login longer ago', 'recent', 'authentication_insufficient', { auth_time: startTime - 301 }],
  ['no time of a login', 'recent', 'authentication_insufficient', {}],
  ['a time that is text', 'recent', 'authentication_insufficient', { auth_time: `${startTime}` }],
  ['a strong login', 'strong', 'allow', { acr: 'phr' }],
  ['another strong login', 'strong', 'allow', { acr: 'urn:example:gold' }],
  ['a weak login', 'strong', 'authentication_insufficient', { acr: 'pwd' }],
  ['a strong login in capitals', 'strong', 'authentication_insufficient', { acr: 'PHR' }],
  ['no word of its strength', 'strong', 'authentication_insufficient', {}],
  ['a list of strengths', 'strong', 'authentication_insufficient', { acr: ['phr'] }],
  ['neither, where no rule asks', 'read_file', 'allow', {}],
  ['a weak login and no role', 'staff-only', 'rule_refused', {}],
]
for (const [name, tool, expected, claims] of rows) {
  test(`B25: ${name} → ${expected}`, async () => assert.equal(await ask(tool, claims), expected))
}

async function challengeOf(at: Guarded, body: unknown): Promise<Readonly<Record<string, string>>> {
  const { status, headers } = at.answer(await at.ask({ token: at.issuer.sign(), body }))
  assert.equal(status, 401)
  return Object.fromEntries(parseChallenge(headers['www-authenticate'] ?? '').parameters)
}

test('B25: the challenge says how to log in and names the scopes as well, so that one login mends both', async () => {
  const {
    error_description: sentence,
    resource_metadata: _,
    ...rest
  } = await challengeOf(world, callOf('both'))
  assert.match(sentence ?? '', /a login that is stronger or more recent/)
  assert.deepEqual(rest, {
    error: 'insufficient_user_authentication',
    acr_values: 'phr urn:example:gold',
    max_age: '300',
    scope: 'files:purge',
  })
  const { acr_values: values, max_age: age } = await challengeOf(world, callOf('recent'))
  assert.deepEqual([values, age], [undefined, '300'])
})

test('B25: a good login is then asked for its scopes, and a batch is denied whole', async () => {
  const claims = { acr: 'phr', auth_time: startTime }
  assert.equal(await ask('both', claims), 'scope_missing')
  assert.equal(await ask('both', { ...claims, scope: 'files:purge' }), 'allow')
  const batch = [callOf('read_file', 1), callOf('write_file', 2), callOf('strong', 3)]
  const { error, scope } = await challengeOf(world, batch)
  assert.equal(error, 'insufficient_user_authentication')
  assert.equal(scope, 'files:read files:write')
})

test('B25: how long ago a login was is judged anew for each request of its token', async () => {
  const own = await startGuarded({ options: { rules: delicate } })
  const token = own.issuer.sign({ claims: { auth_time: startTime } })
  assert.equal(await own.outcome({ token, body: callOf('recent') }), 'allow')
  own.clock.now += 301
  assert.equal(await own.outcome({ token, body: callOf('recent') }), 'authentication_insufficient')
  assert.equal(own.records().at(-1)?.['outcome'], 'challenge')
  assert.equal(own.records().at(-1)?.['unmet'], 'authentication')
})

for (const [name, authentication, message] of [
  ['nothing', {}, /authentication: asks for nothing/],
  ['no strength', { acrValues: [] }, /acrValues: is empty/],
  ['a strength with a quote', { acrValues: ['a"b'] }, /characters that a challenge cannot carry/],
  ['a strength with a space', { acrValues: ['a b'] }, /characters that a challenge cannot carry/],
  ['no time', { maxAgeSeconds: 0 }, /must be a whole number from 1/],
  ['half a second', { maxAgeSeconds: 1.5 }, /must be a whole number from 1/],
  ['a misspelt option', { maxAge: 5 } as AuthenticationRequirement, /authentication\.maxAge: unknown option/],
] as const) {
  test(`a rule that asks for ${name} is refused at the start`, async () => {
    await assert.rejects(
      startGuarded({ options: { rules: [{ tools: ['a'], require: { authentication } }] } }),
      message,
    )
  })
}
