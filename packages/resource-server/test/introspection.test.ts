import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { boundToken, makeDpopClient, provenRequest } from './dpop-client.ts'
import { resource, startGuarded, startTime } from './guarded.ts'
import { answer, secret, startAsked, startOpaque, type Members } from './introspecting.ts'
import { json, startTestIssuer } from './test-issuer.ts'

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

test('D9: a token that only its issuer can read is revoked here like any other', async () => {
  const world = await startOpaque({ cacheSeconds: 60 })
  answer(world, { iat: undefined, jti: undefined })
  assert.equal(await world.outcome({ token: 'a' }), 'allow')
  const tokenId = String(world.records().at(-1)?.['token'])
  await world.server.revoke({ tokenId })
  assert.equal(await world.outcome({ token: 'a' }), 'token_revoked')
  assert.equal(await world.outcome({ token: 'b' }), 'allow')
})
