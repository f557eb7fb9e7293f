import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { after, test } from 'node:test'
import type { IntrospectionOptions, StandardIssuerOptions } from '@mcp-doorman/resource-server'
import { boundToken, makeDpopClient, provenRequest } from './dpop-client.ts'
import { resource, startGuarded, startTime, type Guarded, type GuardedChange } from './guarded.ts'
import { json, startTestIssuer } from './test-issuer.ts'

const secret = { clientId: 'our server', clientSecret: 's:e%c ret' }

type Members = Readonly<Record<string, unknown>>

/** A server whose issuer gives out opaque tokens. */
function startOpaque(
  change: Partial<IntrospectionOptions> = {},
  options: GuardedChange['options'] = {},
): Promise<Guarded> {
  return startGuarded({
    options,
    optionsOf: ({ issuer }) => ({
      issuers: [{ issuer, tokens: 'opaque', introspection: { ...secret, ...change } }],
    }),
  })
}

/** A server whose issuer signs its tokens and is asked about them as well. */
function startAsked(
  change: Partial<IntrospectionOptions> = {},
  options: GuardedChange['options'] = {},
): Promise<Guarded> {
  return startGuarded({
    options,
    optionsOf: ({ issuer }) => ({ issuers: [{ issuer, introspection: { ...secret, ...change } }] }),
  })
}

/** Lets the issuer say this of every token. */
function answer({ issuer }: Guarded, members: Members): void {
  issuer.answerIntrospection = json({ active: true, ...issuer.claims(), ...members })
}

const opaque = await startOpaque({ cacheSeconds: 0 })

test('D1: the question is a form with the token, its hint and our credentials, and nothing of it is in the URL', async () => {
  answer(opaque, {})
  assert.equal(await opaque.outcome({ token: 'opaque-token' }), 'allow')
  const question = opaque.issuer.questions.at(-1)
  assert.deepEqual(Object.fromEntries(question?.form ?? []), {
    token: 'opaque-token',
    token_type_hint: 'access_token',
  })
  // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
  const pair = Buffer.from('our+server:s%3Ae%25c+ret').toString('base64')
  assert.equal(question?.authorization, `Basic ${pair}`)
})

// Each allowed row stands above its neighbours, which differ from it in one thing.
const rows: readonly (readonly [id: string, name: string, expected: string, members: Members])[] = [
  ['D2', 'active', 'allow', {}],
  ['D2', 'not active', 'token_inactive', { active: false }],
  ['D2', 'active in words', 'token_inactive', { active: 'true' }],
  ['D2', 'active as a number', 'token_inactive', { active: 1 }],
  ['D2', 'active as null', 'token_inactive', { active: null }],
  ['D2', 'no word of active', 'issuer_unavailable', { active: undefined }],
  ['D3', 'our audience', 'allow', { aud: resource }],
  ['D3', 'our audience among others', 'allow', { aud: ['https://else.example', resource] }],
  ['D3', 'another audience', 'audience_mismatch', { aud: 'https://else.example' }],
  ['D3', 'no audience', 'audience_mismatch', { aud: undefined }],
  ['D3', 'no issuer', 'allow', { iss: undefined }],
  ['D3', 'another issuer', 'issuer_unknown', { iss: 'https://else.example' }],
  ['D3', 'an issuer that is null', 'issuer_unknown', { iss: null }],
  ['D3', 'ended', 'token_expired', { exp: startTime - 30 }],
  ['D3', 'no end', 'claim_missing', { exp: undefined }],
  ['D3', 'an end in words', 'claim_invalid', { exp: String(startTime + 60) }],
  ['D3', 'not begun', 'token_not_yet_valid', { nbf: startTime + 60 }],
  ['D3', 'no subject', 'claim_missing', { sub: undefined }],
  ['D3', 'no client', 'claim_missing', { client_id: undefined }],
  ['D3', 'no scope', 'scope_missing', { scope: undefined }],
  ['D3', 'scopes as a list', 'claim_invalid', { scope: ['files:read'] }],
  ['D3', 'a binding that cannot be proven here', 'sender_unproven', { cnf: { later: 'x' } }],
  ['D8', 'a token type of Bearer, in small letters', 'allow', { token_type: 'bearer' }],
  ['D8', 'a token type of DPoP without a key', 'sender_unproven', { token_type: 'DPoP' }],
  ['D8', 'another token type', 'token_use_refused', { token_type: 'refresh_token' }],
  ['D8', 'a token type that is a list', 'token_use_refused', { token_type: ['Bearer'] }],
  ['C11', 'a type of access tokens', 'allow', { typ: 'Bearer' }],
  ['C11', 'a type of refresh tokens', 'token_use_refused', { typ: 'Refresh' }],
  ['C11', 'a type of offline tokens', 'token_use_refused', { typ: 'Offline' }],
  ['C11', 'a type of ID tokens', 'token_use_refused', { typ: 'ID' }],
]
for (const [id, name, expected, members] of rows) {
  test(`${id}: an answer with ${name} → ${expected}`, async () => {
    answer(opaque, members)
    assert.equal(await opaque.outcome({ token: 'opaque-token' }), expected)
  })
}

const unusable: readonly (readonly [name: string, body: string, status: number])[] = [
  ['HTML', '<html>', 200],
  ['nothing', '', 204],
  ['an empty text', '', 200],
  ['a list', '[true]', 200],
  ['null', 'null', 200],
  ['an envelope', '{"status":"error"}', 200],
  ['400', '{"active":true}', 400],
  ['404', '{"active":true}', 404],
  ['429', '{"active":true}', 429],
  ['500', '{"active":true}', 500],
]
for (const [name, body, status] of unusable) {
  test(`D2, D5: ${name} is no answer, so the request is a 503 and never a 401`, async () => {
    const world = await startOpaque()
    world.issuer.answerIntrospection = (_request, response) => void response.writeHead(status).end(body)
    assert.equal(await world.outcome({ token: 'a' }), 'issuer_unavailable')
    const { headers } = world.answer(await world.ask({ token: 'a' }))
    assert.match(headers['retry-after'] ?? '', /^\d+$/)
    assert.equal(headers['www-authenticate'], undefined)
  })
}

for (const status of [401, 403]) {
  test(`D5: a ${status} from the issuer is our own mistake: 503, with a code to set an alarm on`, async () => {
    const world = await startOpaque()
    world.issuer.answerIntrospection = json({ error: 'invalid_client' }, status)
    assert.equal(await world.outcome({ token: 'a' }), 'introspection_refused')
    const [record] = world.records()
    assert.match(String(record?.['detail']), /does not take this server's own credentials/)
    assert.doesNotMatch(JSON.stringify(world.records()), /s:e%c|s%3Ae/)
  })
}

test('D3: no audience is taken for ours only if that is configured, and another never', async () => {
  const world = await startOpaque({ acceptMissingAudience: true, cacheSeconds: 0 })
  for (const [aud, expected] of [
    [undefined, 'allow'],
    [resource, 'allow'],
    ['https://else.example', 'audience_mismatch'],
    [null, 'audience_mismatch'],
    [[], 'audience_mismatch'],
  ] as const) {
    answer(world, { aud })
    assert.equal(await world.outcome({ token: 'a' }), expected, JSON.stringify(aud))
  }
})

test('D4: an answer holds for the time of the options, and a token that was ended is refused after it', async () => {
  const world = await startOpaque({ cacheSeconds: 60 })
  answer(world, { exp: startTime + 3600 })
  for (const seconds of [0, 1, 59]) {
    world.clock.now = startTime + seconds
    assert.equal(await world.outcome({ token: 'a' }), 'allow')
  }
  assert.equal(world.issuer.fetches.introspection, 1)
  world.issuer.answerIntrospection = json({ active: false })
  assert.equal(await world.outcome({ token: 'a' }), 'allow', 'not noticed within the time')
  world.clock.now = startTime + 60
  assert.equal(await world.outcome({ token: 'a' }), 'token_inactive')
  assert.equal(world.issuer.fetches.introspection, 2)
})

test('D4: an answer never outlives the token, and by default holds for half a minute', async () => {
  const world = await startOpaque()
  answer(world, { exp: startTime + 10 })
  await world.ask({ token: 'a' })
  world.clock.now = startTime + 29
  assert.equal(await world.outcome({ token: 'a' }), 'allow')
  assert.equal(world.issuer.fetches.introspection, 1)
  world.clock.now = startTime + 30
  await world.ask({ token: 'a' })
  assert.equal(world.issuer.fetches.introspection, 2)
  const short = await startOpaque({ cacheSeconds: 50 })
  answer(short, { exp: startTime + 10 })
  await short.ask({ token: 'a' })
  short.clock.now = startTime + 40
  assert.equal(await short.outcome({ token: 'a' }), 'token_expired')
})

test('D4: with no time at all the issuer is asked for each request', async () => {
  answer(opaque, {})
  const before = opaque.issuer.fetches.introspection
  for (let count = 0; count < 3; count += 1) assert.equal(await opaque.outcome({ token: 'each' }), 'allow')
  assert.equal(opaque.issuer.fetches.introspection, before + 3)
})

test('C31: a bad answer is not remembered', async () => {
  const world = await startOpaque()
  world.issuer.answerIntrospection = json({ active: false })
  assert.equal(await world.outcome({ token: 'a' }), 'token_inactive')
  answer(world, {})
  assert.equal(await world.outcome({ token: 'a' }), 'allow')
})

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

test('D8: what the issuer says of a key must be proven', async () => {
  const client = makeDpopClient()
  const world = await startOpaque({ cacheSeconds: 60 }, { dpop: {} })
  answer(world, { token_type: 'DPoP', cnf: { jkt: client.thumbprint } })
  assert.equal(await world.outcome({ token: 'a' }), 'sender_unproven')
  assert.equal(await world.outcome(provenRequest('a', client.prove('a'))), 'allow')
  assert.equal(await world.outcome({ token: 'a' }), 'sender_unproven', 'also when it is remembered')
  assert.equal(world.issuer.fetches.introspection, 1)
})

test('D8: a binding that only the issuer knows of holds for a signed token', async () => {
  const client = makeDpopClient()
  const world = await startAsked({}, { dpop: {} })
  const token = world.issuer.sign()
  const cnf = { jkt: client.thumbprint }
  world.issuer.answerIntrospection = json({ active: true, token_type: 'DPoP', cnf })
  assert.equal(await world.outcome({ token }), 'sender_unproven')
  assert.equal(await world.outcome(provenRequest(token, client.prove(token))), 'allow')
})

test('D10: a token that names an issuer is asked about there or nowhere', async () => {
  const other = await startTestIssuer({ audience: resource, nowSeconds: () => startTime })
  after(() => other.close())
  const world = await startGuarded({
    optionsOf: ({ issuer }) => ({
      issuers: [{ issuer }, { issuer: other.issuer, tokens: 'opaque', introspection: secret }],
    }),
  })
  other.answerIntrospection = json({ active: true, ...other.claims() })
  const forged = `${world.issuer.sign().split('.').slice(0, 2).join('.')}.${other.sign().split('.')[2]}`
  assert.equal(await world.outcome({ token: forged }), 'signature_invalid')
  const strange = other.sign({ claims: { iss: 'https://else.example' } })
  assert.equal(await world.outcome({ token: strange }), 'issuer_unknown')
  assert.equal(other.fetches.introspection, 0)
  assert.equal(await world.outcome({ token: other.sign() }), 'allow', 'its own, though it looks like a JWT')
  assert.equal(await world.outcome({ token: 'no-jwt' }), 'allow')
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'allow')
  assert.equal(other.fetches.introspection, 2)
  assert.equal(world.issuer.fetches.introspection, 0)
})

test('a signed token is proven by its signature before anybody is asked', async () => {
  const world = await startAsked()
  const { fetches } = world.issuer
  assert.equal(
    await world.outcome({ token: world.issuer.sign({ claims: { aud: 'x' } }) }),
    'audience_mismatch',
  )
  assert.equal(
    await world.outcome({ token: world.issuer.sign({ header: { alg: 'none' } }) }),
    'algorithm_refused',
  )
  assert.equal(fetches.introspection, 0)
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'allow')
  world.issuer.answerIntrospection = json({ active: false })
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'token_inactive')
  assert.equal(fetches.introspection, 2)
})

const contradictions: readonly (readonly [name: string, expected: string, members: Members])[] = [
  ['nothing more', 'allow', {}],
  ['another subject', 'claim_invalid', { sub: 'bob' }],
  ['another client', 'claim_invalid', { client_id: 'else' }],
  ['another id', 'claim_invalid', { jti: 'else' }],
  ['another audience', 'audience_mismatch', { aud: 'https://else.example' }],
  ['an earlier end', 'token_expired', { exp: startTime - 60 }],
  ['an end in words', 'claim_invalid', { exp: 'soon' }],
  ['a narrower scope', 'scope_missing', { scope: 'files:list' }],
  ['the roles of somebody else', 'allow', { roles: ['staff'] }],
]
for (const [name, expected, members] of contradictions) {
  test(`an answer about a signed token with ${name} → ${expected}`, async () => {
    const world = await startAsked()
    world.issuer.answerIntrospection = json({ active: true, ...members })
    const decision = await world.ask({ token: world.issuer.sign() })
    assert.equal(decision.granted ? 'allow' : decision.denial.code, expected)
    if (decision.granted) assert.equal(decision.identity.roles.size, 0)
  })
}

test('an answer cannot loosen what a signed token is bound to, nor lengthen its time', async () => {
  const client = makeDpopClient()
  const world = await startAsked({}, { dpop: {} })
  const token = boundToken(world, client)
  world.issuer.answerIntrospection = json({ active: true, exp: startTime + 1e6 })
  assert.equal(await world.outcome({ token }), 'sender_unproven')
  world.clock.now += 31
  world.issuer.answerIntrospection = json({ active: true, cnf: { jkt: makeDpopClient().thumbprint } })
  assert.equal(await world.outcome({ token }), 'claim_invalid')
  const plain = world.issuer.sign({ claims: { exp: world.clock.now + 10 } })
  world.issuer.answerIntrospection = json({ active: true, exp: startTime + 1e6 })
  assert.equal(await world.outcome({ token: plain }), 'allow')
  world.clock.now += 40
  assert.equal(await world.outcome({ token: plain }), 'token_expired')
})

/** Takes an assertion apart and verifies it with the public half. */
function readAssertion(
  assertion: string,
  publicKey: ReturnType<typeof generateKeyPairSync>['publicKey'],
): {
  readonly header: Members
  readonly claims: Members
} {
  const [header = '', claims = '', signature = ''] = assertion.split('.')
  const data = Buffer.from(`${header}.${claims}`)
  assert.ok(
    verify(
      'sha256',
      data,
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    ),
  )
  const parse = (part: string): Members => JSON.parse(Buffer.from(part, 'base64url').toString()) as Members // An object, by RFC 7515.
  return { header: parse(header), claims: parse(claims) }
}

test('D1: with a private key we sign who we are, anew for each question', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const world = await startGuarded({
    optionsOf: ({ issuer }) => ({
      issuers: [
        {
          issuer,
          tokens: 'opaque',
          introspection: { clientId: 'server', privateKey: pem, keyId: 'k1', cacheSeconds: 0 },
        },
      ],
    }),
  })
  answer(world, {})
  for (const token of ['a', 'b']) assert.equal(await world.outcome({ token }), 'allow')
  const [first, second] = world.issuer.questions.map(({ authorization, form }) => {
    assert.equal(authorization, undefined)
    assert.equal(form.get('client_id'), 'server')
    assert.equal(form.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    return readAssertion(form.get('client_assertion') ?? '', publicKey)
  })
  assert.deepEqual(first?.header, { alg: 'ES256', kid: 'k1' })
  const { jti, ...claims } = first?.claims ?? {}
  const { issuer } = world.issuer
  assert.deepEqual(claims, { iss: 'server', sub: 'server', aud: issuer, iat: startTime, exp: startTime + 60 })
  assert.ok(typeof jti === 'string' && jti !== second?.claims['jti'])
})

test('Casdoor is asked at its own address, by an assertion in its own manner, always with the hint', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const world = await startGuarded({
    optionsOf: ({ issuer }) => ({
      issuers: [
        {
          casdoor: issuer,
          allowedClients: ['notes'],
          introspection: { clientId: 'asker', privateKey: pem, assertionIssuer: 'https://mcp.example/asker' },
        },
      ],
    }),
  })
  const { issuer } = world.issuer
  const asked: { readonly url: string | undefined; readonly form: URLSearchParams }[] = []
  world.issuer.answerDiscovery = (request, response) => {
    if (request.method === 'GET') {
      json({ issuer, jwks_uri: `${issuer}/keys` })(request, response)
      return
    }
    void request.toArray().then((chunks) => {
      asked.push({
        url: request.url,
        form: new URLSearchParams(Buffer.concat(chunks as Buffer[]).toString()),
      }) // The body's bytes.
      json({ active: true, client_id: 'notes', token_type: 'Bearer' })(request, response)
    })
  }
  const claims = { client_id: undefined, azp: 'notes', tokenType: 'access-token' }
  assert.equal(await world.outcome({ token: world.issuer.sign({ claims, header: { typ: 'JWT' } }) }), 'allow')
  assert.equal(asked[0]?.url, '/api/login/oauth/introspect')
  assert.equal(asked[0]?.form.get('token_type_hint'), 'access_token')
  const assertion = readAssertion(asked[0]?.form.get('client_assertion') ?? '', publicKey)
  assert.equal(assertion.header['alg'], 'RS256')
  assert.equal(assertion.claims['iss'], 'https://mcp.example/asker')
  assert.equal(assertion.claims['sub'], 'asker')
  assert.equal(assertion.claims['aud'], `${issuer}/api/login/oauth/access_token`)
  const other = { ...claims, azp: 'else' }
  assert.equal(
    await world.outcome({ token: world.issuer.sign({ claims: other, header: { typ: 'JWT' } }) }),
    'client_refused',
  )
})

test('the address for questions is that of the options, or the one that the metadata names', async () => {
  const world = await startOpaque()
  answer(world, {})
  assert.deepEqual(await world.server.ready(), [])
  assert.equal(world.issuer.fetches.discovery, 1)
  assert.equal(await world.outcome({ token: 'a' }), 'allow')
  assert.equal(world.issuer.fetches.discovery, 1)

  const silent = await startOpaque()
  const { issuer } = silent.issuer
  silent.issuer.answerDiscovery = json({ issuer })
  assert.equal(await silent.outcome({ token: 'a' }), 'issuer_unavailable')
  assert.match((await silent.server.ready())[0] ?? '', /names no introspection_endpoint/)

  const lying = await startOpaque()
  lying.issuer.answerDiscovery = json({
    issuer: 'https://else.example',
    introspection_endpoint: 'https://else.example',
  })
  assert.equal(await lying.outcome({ token: 'a' }), 'issuer_unavailable', 'A19')
})

test('the address for questions outlives the document that named it', async () => {
  const world = await startOpaque({ cacheSeconds: 0 })
  answer(world, { exp: startTime + 1e5 })
  assert.equal(await world.outcome({ token: 'a' }), 'allow')
  for (const answerDiscovery of [json({}, 500), () => undefined]) {
    world.issuer.answerDiscovery = answerDiscovery
    world.clock.now += 1000
    assert.equal(await world.outcome({ token: 'a' }), 'allow', 'also while nobody answers about the document')
  }
  const { discovery } = world.issuer.fetches
  assert.ok(discovery >= 2, String(discovery))
})

test('D6: many first requests with tokens of their own look for the address once', async () => {
  const world = await startOpaque()
  answer(world, {})
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, index) => world.outcome({ token: `t${index}` })),
  )
  assert.deepEqual([...new Set(outcomes)], ['allow'])
  assert.deepEqual(world.issuer.fetches, { discovery: 1, keys: 0, introspection: 50 })
})

test('an address that moves is followed', async () => {
  const world = await startOpaque({ cacheSeconds: 0 })
  answer(world, { exp: startTime + 1e5 })
  await world.ask({ token: 'a' })
  const { issuer } = world.issuer
  const seen = { moved: false }
  world.issuer.answerDiscovery = (request, response) => {
    seen.moved ||= request.url === '/moved'
    json({ issuer, introspection_endpoint: `${issuer}/moved` })(request, response)
  }
  world.clock.now += 700
  // The first of them begins to look, and none waits for what it finds.
  for (let count = 0; count < 500 && !seen.moved; count += 1) await world.ask({ token: 'a' })
  assert.ok(seen.moved)
})

test('the address of the options needs no document', async () => {
  const world = await startGuarded({
    optionsOf: ({ issuer }) => ({
      issuers: [{ issuer, tokens: 'opaque', introspection: { ...secret, endpoint: `${issuer}/introspect` } }],
    }),
  })
  answer(world, {})
  assert.equal(await world.outcome({ token: 'a' }), 'allow')
  assert.equal(world.issuer.fetches.discovery, 0)
})

test('D9: a token that only its issuer can read is revoked here like any other', async () => {
  const world = await startOpaque({ cacheSeconds: 60 })
  answer(world, { iat: undefined, jti: undefined })
  assert.equal(await world.outcome({ token: 'a' }), 'allow')
  const tokenId = String(world.records().at(-1)?.['token'])
  await world.server.revoke({ tokenId })
  assert.equal(await world.outcome({ token: 'a' }), 'token_revoked')
  assert.equal(await world.outcome({ token: 'b' }), 'allow')
})

const mistakes: readonly (readonly [
  name: string,
  change: Partial<StandardIssuerOptions>,
  message: RegExp,
])[] = [
  ['opaque tokens and nobody to ask', { tokens: 'opaque' }, /opaque tokens can only be read by asking/],
  ['no credentials', { introspection: { clientId: 'a' } }, /needs either "clientSecret" or "privateKey"/],
  [
    'both credentials',
    { introspection: { clientId: 'a', clientSecret: 'b', privateKey: 'c' } },
    /and not both/,
  ],
  ['an empty client', { introspection: { clientId: '', clientSecret: 'b' } }, /clientId: is empty/],
  ['an empty secret', { introspection: { clientId: 'a', clientSecret: '' } }, /clientSecret: is empty/],
  [
    'a file name for a key',
    { introspection: { clientId: 'a', privateKey: 'key.pem' } },
    /is no private key in PEM/,
  ],
  [
    'a time of more than a minute',
    { introspection: { ...secret, cacheSeconds: 61 } },
    /must be 0 to 60, and is 61/,
  ],
  ['a time below nothing', { introspection: { ...secret, cacheSeconds: -1 } }, /must be 0 to 60/],
  ['plain http', { introspection: { ...secret, endpoint: 'http://a.example/i' } }, /must be https/],
  [
    'keys for opaque tokens',
    { tokens: 'opaque', introspection: secret, jwksUri: 'https://a.example/k' },
    /jwksUri has no effect/,
  ],
  [
    'no audience in signed tokens',
    { introspection: { ...secret, acceptMissingAudience: true } },
    /for opaque tokens only/,
  ],
  ['keys kept for ever', { keepRemovedKeysSeconds: 604_801 }, /must be 0 to 604800/],
]
for (const [name, change, message] of mistakes) {
  test(`options with ${name} are refused at the start, without a secret in the message`, async () => {
    const started = startGuarded({ optionsOf: ({ issuer }) => ({ issuers: [{ issuer, ...change }] }) })
    await assert.rejects(started, (error) => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /s:e%c/)
      return true
    })
  })
}

test('a key that is too short, or of another kind than the algorithm, is refused at the start', async () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  for (const [key, algorithm] of [
    [short, undefined],
    [ec, 'RS256'],
  ] as const) {
    const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const introspection = { clientId: 'a', privateKey, ...(algorithm !== undefined && { algorithm }) }
    const started = startGuarded({ optionsOf: ({ issuer }) => ({ issuers: [{ issuer, introspection }] }) })
    await assert.rejects(started, /this kind or size of key cannot sign/)
  }
})

test('two issuers of opaque tokens cannot be told apart', async () => {
  const started = startGuarded({
    optionsOf: ({ issuer }) => ({
      issuers: [issuer, 'https://b.example'].map((name) => ({
        issuer: name,
        tokens: 'opaque' as const,
        introspection: secret,
      })),
    }),
  })
  await assert.rejects(started, /only one can have opaque tokens/)
})
