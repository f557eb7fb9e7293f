import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import type { DpopOptions, ReplayStore } from '@mcp-doorman/resource-server'
import { rounds } from '../../../test/rounds.ts'
import { parseChallenges } from './challenge-parser.ts'
import { compactJws, makeKey, publicJwk } from './compact-jws.ts'
import { boundToken, makeDpopClient, provenRequest, sha256, type ProofChange } from './dpop-client.ts'
import { callOf, resource, startGuarded, startTime, type Guarded, type RequestChange } from './guarded.ts'

const startDpop = (dpop: DpopOptions = {}): Promise<Guarded> => startGuarded({ options: { dpop } })

const world = await startDpop()
const client = makeDpopClient()
const stranger = makeDpopClient()
const token = boundToken(world, client)
const plain = world.issuer.sign()

const ofProof = (change: ProofChange = {}, request: RequestChange = {}): RequestChange =>
  provenRequest(token, client.prove(token, change), request)
const withClaims = (claims: Readonly<Record<string, unknown>>): RequestChange => ofProof({ claims })
const withHeader = (header: Readonly<Record<string, unknown>>): RequestChange => ofProof({ header })

const rsa = makeDpopClient('RS256')
const hmacProof = compactJws(
  { typ: 'dpop+jwt', alg: 'HS256', jwk: client.jwk },
  {},
  'ES256',
  client.key.privateKey,
)
const { d } = client.key.privateKey.export({ format: 'jwk' })

type Row = readonly [id: string, name: string, expected: string, request: RequestChange]

// Each allowed row stands above its neighbours, which differ from it in one thing.
const rows: readonly Row[] = [
  ['F1', 'one proof', 'allow', ofProof()],
  ['F1', 'no proof', 'dpop_proof_invalid', { token, scheme: 'DPoP' }],
  ['F1', 'two proofs', 'dpop_proof_invalid', ofProof({}, { headers: ['dpop', client.prove(token)] })],
  [
    'F1',
    'two proofs, joined by a comma',
    'dpop_proof_invalid',
    provenRequest(token, `${client.prove(token)},${client.prove(token)}`),
  ],
  ['F1', 'garbage', 'dpop_proof_invalid', provenRequest(token, 'a.b.c')],
  ['F1', 'an empty proof', 'dpop_proof_invalid', provenRequest(token, '')],
  ['F1', 'a proof of 8 KiB', 'dpop_proof_invalid', withClaims({ more: 'x'.repeat(8192) })],

  ['F2', 'another type', 'dpop_proof_invalid', withHeader({ typ: 'JWT' })],
  ['F2', 'no type', 'dpop_proof_invalid', withHeader({ typ: undefined })],
  ['F2', 'the type of an access token', 'dpop_proof_invalid', withHeader({ typ: 'at+jwt' })],
  ['F2', 'alg none', 'dpop_proof_invalid', withHeader({ alg: 'none' })],
  ['F2', 'a symmetric alg', 'dpop_proof_invalid', provenRequest(token, hmacProof)],
  ['F2', 'an alg that does not fit the key', 'dpop_proof_invalid', withHeader({ alg: 'RS256' })],
  ['F2', 'no key', 'dpop_proof_invalid', withHeader({ jwk: undefined })],
  ['F2', 'a key that is text', 'dpop_proof_invalid', withHeader({ jwk: JSON.stringify(client.jwk) })],
  ['F2', 'a private key', 'dpop_proof_invalid', withHeader({ jwk: { ...client.jwk, d } })],
  ['F2', 'a symmetric key', 'dpop_proof_invalid', withHeader({ jwk: { kty: 'oct', k: 'AAAA' } })],
  ['F2', 'a critical extension', 'dpop_proof_invalid', withHeader({ crit: ['x'], x: 1 })],
  ['F2', 'an extension that is not critical', 'allow', withHeader({ x: 1 })],

  ['F3', 'the signature of another key', 'dpop_proof_invalid', ofProof({ signer: stranger.key })],
  ['F3', 'no jti', 'dpop_proof_invalid', withClaims({ jti: undefined })],
  ['F3', 'an empty jti', 'dpop_proof_invalid', withClaims({ jti: '' })],
  ['F3', 'a jti that is a number', 'dpop_proof_invalid', withClaims({ jti: 7 })],
  ['F3', 'a jti of 256 characters', 'allow', withClaims({ jti: 'x'.repeat(256) })],
  ['F11', 'a jti of 257 characters', 'dpop_proof_invalid', withClaims({ jti: 'x'.repeat(257) })],
  ['F3', 'no htm', 'dpop_proof_invalid', withClaims({ htm: undefined })],
  ['F3', 'no htu', 'dpop_proof_invalid', withClaims({ htu: undefined })],
  ['F3', 'no iat', 'dpop_proof_invalid', withClaims({ iat: undefined })],
  ['F3', 'an iat that is text', 'dpop_proof_invalid', withClaims({ iat: String(startTime) })],

  ['F4', 'another method', 'dpop_proof_invalid', withClaims({ htm: 'GET' })],
  ['F4', 'the method in another case', 'dpop_proof_invalid', withClaims({ htm: 'post' })],
  ['F4', 'the address with its default port', 'allow', withClaims({ htu: 'https://mcp.example:443/mcp' })],
  ['F4', 'the address with its host in capitals', 'allow', withClaims({ htu: 'HTTPS://MCP.Example/mcp' })],
  ['F4', 'the address with a query and a fragment', 'allow', withClaims({ htu: `${resource}?a=b#c` })],
  ['F4', 'the address with a final slash', 'allow', withClaims({ htu: `${resource}/` })],
  [
    'F4',
    'the address with its path in capitals',
    'dpop_proof_invalid',
    withClaims({ htu: 'https://mcp.example/MCP' }),
  ],
  [
    'F4',
    'the address at another port',
    'dpop_proof_invalid',
    withClaims({ htu: 'https://mcp.example:8443/mcp' }),
  ],
  [
    'F4',
    'the address by another scheme',
    'dpop_proof_invalid',
    withClaims({ htu: 'http://mcp.example/mcp' }),
  ],
  ['F4', 'the address of the origin', 'dpop_proof_invalid', withClaims({ htu: 'https://mcp.example/' })],
  ['F4', 'an address below', 'dpop_proof_invalid', withClaims({ htu: `${resource}/a` })],
  ['F4', 'an address with a user', 'dpop_proof_invalid', withClaims({ htu: 'https://a@mcp.example/mcp' })],
  ['F4', 'no address', 'dpop_proof_invalid', withClaims({ htu: '/mcp' })],
  [
    'F5',
    'the address that Host and forwarding headers name',
    'dpop_proof_invalid',
    ofProof(
      { claims: { htu: 'https://evil.example/mcp' } },
      { headers: ['Host', 'evil.example', 'X-Forwarded-Host', 'evil.example', 'X-Forwarded-Proto', 'https'] },
    ),
  ],
  [
    'F5',
    'the address of the resource, whatever Host and forwarding headers name',
    'allow',
    ofProof({}, { headers: ['Host', 'evil.example', 'X-Forwarded-Proto', 'http'] }),
  ],

  ['F6', 'five minutes ago', 'allow', withClaims({ iat: startTime - 300 })],
  ['F6', 'more than five minutes ago', 'dpop_proof_invalid', withClaims({ iat: startTime - 301 })],
  ['F6', 'in five minutes', 'allow', withClaims({ iat: startTime + 300 })],
  ['F6', 'in more than five minutes', 'dpop_proof_invalid', withClaims({ iat: startTime + 301 })],

  ['F7', 'no hash of the token', 'dpop_proof_invalid', withClaims({ ath: undefined })],
  ['F7', 'the hash of another token', 'dpop_proof_invalid', withClaims({ ath: sha256(plain) })],
  ['F7', 'the token itself', 'dpop_proof_invalid', withClaims({ ath: token })],

  ['F8', 'a proof of another key', 'sender_unproven', provenRequest(token, stranger.prove(token))],
  ['F8', 'a plain token by the scheme DPoP', 'sender_unproven', provenRequest(plain, client.prove(plain))],
  ['F9', 'a bound token as Bearer', 'sender_unproven', { token }],
  ['F9', 'a bound token as Bearer, with a proof', 'sender_unproven', ofProof({}, { scheme: 'Bearer' })],
  ['F9', 'a plain token as Bearer', 'allow', { token: plain }],
  [
    'F9',
    'a plain token as Bearer, with a proof',
    'allow',
    { token: plain, headers: ['DPoP', client.prove(plain)] },
  ],
  ['B1', 'the scheme in small letters', 'allow', ofProof({}, { scheme: 'dpop' })],
]

for (const [id, name, expected, request] of rows) {
  test(`${id}: ${name} → ${expected}`, async () => assert.equal(await world.outcome(request), expected))
}

for (const alg of ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA']) {
  test(`F2: a proof by ${alg} is taken, and no other alg of its key`, async () => {
    const other = makeDpopClient(alg)
    const bound = boundToken(world, other)
    assert.equal(await world.outcome(provenRequest(bound, other.prove(bound))), 'allow')
    const wrong = other.prove(bound, { header: { alg: alg === 'ES256' ? 'ES384' : 'ES256' } })
    assert.equal(await world.outcome(provenRequest(bound, wrong)), 'dpop_proof_invalid')
  })
}

test('F2: algorithms are those of the options, and the metadata and challenges name them', async () => {
  const narrow = await startDpop({ algorithms: ['RS256'] })
  const bound = boundToken(narrow, client)
  assert.equal(await narrow.outcome(provenRequest(bound, client.prove(bound))), 'dpop_proof_invalid')
  const other = boundToken(narrow, rsa)
  assert.equal(await narrow.outcome(provenRequest(other, rsa.prove(other))), 'allow')
  assert.deepEqual(narrow.server.metadata.document.dpop_signing_alg_values_supported, ['RS256'])
  assert.equal((await challengesOf(narrow, {}))['DPoP']?.get('algs'), 'RS256')
})

test('F4: the plain form has addresses of its own', async () => {
  const call = ofProof(
    { claims: { htu: 'https://mcp.example/tools/call' } },
    { form: 'plain-call', target: '/tools/call', body: { name: 'read_file', arguments: {} } },
  )
  assert.equal(await world.outcome(call), 'allow')
  const elsewhere = ofProof({}, { form: 'plain-call', body: { name: 'read_file', arguments: {} } })
  assert.equal(await world.outcome(elsewhere), 'dpop_proof_invalid')
  const list = ofProof(
    { claims: { htu: 'https://mcp.example/tools/list', htm: 'GET' } },
    { form: 'plain-list', method: 'GET' },
  )
  assert.equal(await world.outcome(list), 'allow')
})

test('F4: a resource without a path is proven for with and without its slash', async () => {
  const root = await startGuarded({ options: { dpop: {}, resource: 'https://mcp.example' } })
  const bound = root.issuer.sign({ claims: { aud: 'https://mcp.example', cnf: { jkt: client.thumbprint } } })
  for (const htu of ['https://mcp.example', 'https://mcp.example/']) {
    assert.equal(await root.outcome(provenRequest(bound, client.prove(bound, { claims: { htu } }))), 'allow')
  }
  const call = client.prove(bound, { claims: { htu: 'https://mcp.example/tools/call' } })
  const body = { name: 'read_file', arguments: {} }
  assert.equal(await root.outcome(provenRequest(bound, call, { form: 'plain-call', body })), 'allow')
})

test('F6: the time can be made tighter', async () => {
  const tight = await startDpop({ maxAgeSeconds: 10 })
  const bound = boundToken(tight, client)
  const at = (seconds: number): Promise<string> =>
    tight.outcome(provenRequest(bound, client.prove(bound, { claims: { iat: startTime + seconds } })))
  assert.deepEqual(
    [await at(-10), await at(10), await at(-11), await at(11)],
    ['allow', 'allow', 'dpop_proof_invalid', 'dpop_proof_invalid'],
  )
})

test('F11: a proof serves once, also when both come at the same time', async () => {
  const request = ofProof()
  const outcomes = await Promise.all([world.outcome(request), world.outcome(request), world.outcome(request)])
  assert.deepEqual(outcomes.toSorted(), ['allow', 'dpop_proof_replayed', 'dpop_proof_replayed'])
  const respelt = withClaims({ jti: 'once', htu: resource })
  assert.equal(await world.outcome(respelt), 'allow')
  const sameId = withClaims({ jti: 'once', htu: `${resource}/?again` })
  assert.equal(
    await world.outcome(sameId),
    'dpop_proof_replayed',
    'another spelling of the address is no other',
  )
})

test('F8: a key that was proven before is judged by each token anew, and many keys push none into another’s place', async () => {
  const clients = Array.from({ length: 1500 }, () => makeDpopClient('EdDSA'))
  const [first = client] = clients
  for (const each of clients) {
    const own = boundToken(world, each)
    assert.equal(await world.outcome(provenRequest(own, each.prove(own))), 'allow')
  }
  const own = boundToken(world, first)
  for (const each of [clients.at(-1) ?? client, client]) {
    assert.equal(await world.outcome(provenRequest(own, each.prove(own))), 'sender_unproven')
    const forged = each.prove(own, { header: { jwk: first.jwk } })
    assert.equal(await world.outcome(provenRequest(own, forged)), 'dpop_proof_invalid')
  }
  assert.equal(await world.outcome(provenRequest(own, first.prove(own))), 'allow')
})

test('F11: two keys may use one jti', async () => {
  const other = boundToken(world, stranger)
  const claims = { jti: 'shared' }
  assert.equal(await world.outcome(withClaims(claims)), 'allow')
  assert.equal(await world.outcome(provenRequest(other, stranger.prove(other, { claims }))), 'allow')
})

test('F11: a proof that fails uses nothing up', async () => {
  const claims = { jti: 'twice' }
  assert.equal(await world.outcome(ofProof({ claims, signer: stranger.key })), 'dpop_proof_invalid')
  assert.equal(
    await world.outcome(provenRequest(token, stranger.prove(token, { claims }))),
    'sender_unproven',
  )
  assert.equal(await world.outcome(withClaims(claims)), 'allow')
})

for (const [name, remember] of [
  ['fails', () => Promise.reject(new Error('gone'))],
  ['throws', () => assert.fail('gone')],
  ['is full', () => 'full'],
] as const satisfies readonly (readonly [string, ReplayStore['remember']])[]) {
  test(`a store of used proofs that ${name} is a 503 with a time, and plain tokens do not need it`, async () => {
    const replays = { remember, close: () => Promise.resolve() }
    const broken = await startDpop({ replays })
    const bound = boundToken(broken, client)
    const request = provenRequest(bound, client.prove(bound))
    assert.equal(await broken.outcome(request), 'state_unavailable')
    const answer = broken.answer(await broken.ask(request))
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['retry-after'], '5')
    assert.equal(answer.headers['www-authenticate'], undefined)
    assert.equal(await broken.outcome({ token: broken.issuer.sign() }), 'allow')
  })
}

test('F12: with nonces, a proof needs a recent one, and is told which', async () => {
  const asking = await startDpop({ nonce: { periodSeconds: 60 } })
  const mover = makeDpopClient('ES256', () => asking.clock.now)
  const bound = boundToken(asking, mover)
  const ask = (nonce?: string): ReturnType<Guarded['ask']> =>
    asking.ask(provenRequest(bound, mover.prove(bound, { claims: { nonce } })))

  const first = asking.answer(await ask())
  assert.equal(first.status, 401)
  const nonce = first.headers['dpop-nonce'] ?? ''
  assert.match(nonce, /^[A-Za-z0-9_-]{43}$/)
  assert.match(first.headers['www-authenticate'] ?? '', /DPoP error="use_dpop_nonce"/)
  assert.equal(first.headers['cache-control'], 'no-store')

  const granted = await ask(nonce)
  assert.ok(granted.granted)
  assert.equal(granted.headers, undefined, 'a nonce that is not about to end is not replaced')
  assert.equal(asking.answer(await ask(`${nonce.slice(0, -1)}_`)).status, 401)

  asking.clock.now += 60
  const later = await ask(nonce)
  assert.ok(later.granted, 'the one before is still taken')
  const next = later.headers?.['dpop-nonce']
  assert.ok(next !== undefined && next !== nonce, 'and the next one is handed out with the answer')
  const fresh = await ask(next)
  assert.ok(fresh.granted && fresh.headers === undefined)

  asking.clock.now += 60
  const old = await ask(nonce)
  assert.ok(!old.granted && old.denial.code === 'dpop_nonce_required')
})

test('F12: a nonce is a text of ours', async () => {
  const asking = await startDpop({ nonce: {} })
  const bound = boundToken(asking, client)
  for (const nonce of [7, null, '', [], 'x'.repeat(43)]) {
    const request = provenRequest(bound, client.prove(bound, { claims: { nonce } }))
    assert.equal(await asking.outcome(request), 'dpop_nonce_required')
  }
})

test('F13: a nonce of one instance is taken by another with the same secret, and by none without', async () => {
  const nonce = { secret: 'a secret that all of the instances share' }
  const [one, other, stranger] = [
    await startDpop({ nonce }),
    await startDpop({ nonce }),
    await startDpop({ nonce: {} }),
  ]
  const nonceOf = async (from: Guarded): Promise<string> => {
    const bound = boundToken(from, client)
    const answer = from.answer(await from.ask(provenRequest(bound, client.prove(bound))))
    return answer.headers['dpop-nonce'] ?? ''
  }
  const outcome = async (at: Guarded, text: string): Promise<string> => {
    const bound = boundToken(at, client)
    return at.outcome(provenRequest(bound, client.prove(bound, { claims: { nonce: text } })))
  }
  const given = await nonceOf(one)
  assert.equal(await outcome(other, given), 'allow')
  assert.equal(await outcome(stranger, given), 'dpop_nonce_required')
  other.clock.now -= 300
  const behind = makeDpopClient('ES256', () => other.clock.now)
  const bound = boundToken(other, behind)
  const request = provenRequest(bound, behind.prove(bound, { claims: { nonce: given } }))
  assert.equal(await other.outcome(request), 'allow', 'also by one whose clock is a period behind')
})

test('F14: a proof mends nothing that is wrong with its token', async () => {
  const refused: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ aud: 'https://else.example' }, 'audience_mismatch'],
    [{ exp: startTime - 60 }, 'token_expired'],
    [{ iss: 'https://else.example' }, 'issuer_unknown'],
    [{ scope: '' }, 'scope_missing'],
  ]
  for (const [claims, expected] of refused) {
    const bound = boundToken(world, client, claims)
    assert.equal(await world.outcome(provenRequest(bound, client.prove(bound))), expected)
  }
})

test('F15, A12: where binding is required a plain token is refused, and the metadata says so', async () => {
  const strict = await startDpop({ required: true })
  const bound = boundToken(strict, client)
  assert.equal(await strict.outcome(provenRequest(bound, client.prove(bound))), 'allow')
  assert.equal(await strict.outcome({ token: strict.issuer.sign() }), 'sender_unproven')
  assert.equal(strict.server.metadata.document.dpop_bound_access_tokens_required, true)
  assert.deepEqual(Object.keys(await challengesOf(strict, { token: strict.issuer.sign() })), ['DPoP'])
  assert.equal(world.server.metadata.document.dpop_bound_access_tokens_required, undefined)
})

test('F16: a batch needs one proof, and each request one of its own', async () => {
  const batch = [callOf('read_file', 1), callOf('read_file', 2), callOf('read_file', 3)]
  const request = ofProof({}, { body: batch })
  assert.equal(await world.outcome(request), 'allow')
  assert.equal(await world.outcome(request), 'dpop_proof_replayed')
  const accept = ['Accept', 'text/event-stream']
  const claims = { htm: 'GET' }
  const stream = ofProof({ claims }, { form: 'mcp-stream', method: 'GET', headers: accept })
  assert.equal(await world.outcome(stream), 'allow')
  assert.equal(
    await world.outcome(stream),
    'dpop_proof_replayed',
    'a stream that is opened again needs a new one',
  )
})

test('F17: nothing behind the guard is given the proof or the token', async () => {
  const proof = client.prove(token)
  const decision = await world.ask(provenRequest(token, proof))
  assert.ok(decision.granted)
  const all = inspect(decision, { depth: Number.POSITIVE_INFINITY, maxStringLength: null })
  for (const secret of [proof, token, ...proof.split('.'), ...token.split('.')])
    assert.ok(!all.includes(secret))
})

test('without the option a bound token is refused, and DPoP is a foreign scheme', async () => {
  const without = await startGuarded()
  const bound = boundToken(without, client)
  assert.equal(await without.outcome(provenRequest(bound, client.prove(bound))), 'token_missing')
  assert.equal(await without.outcome({ token: bound }), 'sender_unproven')
  assert.equal(await without.outcome({ token: without.issuer.sign() }), 'allow')
  const { document } = without.server.metadata
  assert.ok(!Object.keys(document).some((name) => name.startsWith('dpop')), 'A12')
})

async function challengesOf(
  at: Guarded,
  change: RequestChange,
): Promise<Readonly<Record<string, ReadonlyMap<string, string>>>> {
  const { headers } = at.answer(await at.ask(change))
  const challenges = parseChallenges(headers['www-authenticate'] ?? '')
  return Object.fromEntries(challenges.map(({ scheme, parameters }) => [scheme, parameters]))
}

/** For each scheme that is offered, its `error`. */
async function errorsOf(change: RequestChange): Promise<Readonly<Record<string, string | undefined>>> {
  const challenges = await challengesOf(world, change)
  for (const parameters of Object.values(challenges)) assert.ok(parameters.get('resource_metadata'), 'F10')
  return Object.fromEntries(Object.entries(challenges).map(([scheme, each]) => [scheme, each.get('error')]))
}

test('B16, F10: both schemes are offered, Bearer first, and the error is said in the one that was used', async () => {
  assert.deepEqual(Object.keys(await challengesOf(world, {})), ['Bearer', 'DPoP'])
  assert.deepEqual(await errorsOf({}), { Bearer: undefined, DPoP: undefined })
  assert.deepEqual(await errorsOf({ token: 'x' }), { Bearer: 'invalid_token', DPoP: undefined })
  assert.deepEqual(await errorsOf({ token }), { Bearer: 'invalid_token', DPoP: undefined })
  assert.deepEqual(await errorsOf({ token: 'x', scheme: 'DPoP' }), {
    Bearer: undefined,
    DPoP: 'invalid_token',
  })
  assert.deepEqual(await errorsOf({ token, scheme: 'DPoP' }), {
    Bearer: undefined,
    DPoP: 'invalid_dpop_proof',
  })
  assert.deepEqual(await errorsOf(provenRequest(token, stranger.prove(token))), {
    Bearer: undefined,
    DPoP: 'invalid_token',
  })
  const algs = (await challengesOf(world, {}))['DPoP']?.get('algs')
  assert.equal(algs, 'ES256 ES384 ES512 EdDSA Ed25519 RS256 PS256')
})

test('B16: where the scheme cannot be told, both have the error', async () => {
  for (const change of [
    { token, headers: ['Authorization', 'DPoP a'] },
    { token: 'a b', scheme: 'DPoP' },
    { token, target: '/mcp?access_token=a', scheme: 'DPoP' },
  ]) {
    assert.deepEqual(await errorsOf(change), { Bearer: 'invalid_request', DPoP: 'invalid_request' })
  }
})

test('B16: a missing scope is said in the scheme that was used alone', async () => {
  const scopeless = boundToken(world, client, { scope: '' })
  const request = provenRequest(scopeless, client.prove(scopeless))
  assert.deepEqual(await errorsOf(request), { DPoP: 'insufficient_scope' })
  assert.deepEqual(await errorsOf({ token: world.issuer.sign({ claims: { scope: '' } }) }), {
    Bearer: 'insufficient_scope',
  })
})

test('a proof with any one bit changed is refused, and nothing that is sent as one throws', async () => {
  const proof = client.prove(token)
  await fc.assert(
    fc.asyncProperty(fc.nat(proof.length * 6 - 1), async (place) => {
      const changed = Buffer.from(proof)
      const at = Math.floor(place / 6)
      changed[at] = (changed[at] ?? 0) ^ (1 << (place % 6))
      assert.equal(
        await world.outcome(provenRequest(token, changed.toString('latin1'))),
        'dpop_proof_invalid',
      )
    }),
    rounds(200),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary' }),
      fc.jsonValue(),
      fc.jsonValue(),
      async (text, header, claims) => {
        assert.notEqual(await world.outcome(provenRequest(token, text)), 'allow')
        const wild = compactJws(header ?? {}, claims ?? {}, 'ES256', client.key.privateKey)
        assert.equal(await world.outcome(provenRequest(token, wild)), 'dpop_proof_invalid')
      },
    ),
    rounds(100),
  )
})

test('C30: a key of the token that is no thumbprint is refused before any proof', async () => {
  for (const jkt of ['', 'x', 7, null, `${client.thumbprint}=`, client.thumbprint.slice(1)]) {
    const bound = boundToken(world, client, { cnf: { jkt } })
    assert.equal(await world.outcome(provenRequest(bound, client.prove(bound))), 'sender_unproven')
  }
  const both = boundToken(world, client, { cnf: { jkt: client.thumbprint, later: client.thumbprint } })
  assert.equal(await world.outcome(provenRequest(both, client.prove(both))), 'sender_unproven')
})

test('F2: a short RSA key proves nothing', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const short = { kid: undefined, alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 1024 }) }
  const jwk = publicJwk(short)
  const proof = client.prove(token, { header: { alg: 'RS256', jwk }, signer: short })
  assert.equal(await world.outcome(provenRequest(token, proof)), 'dpop_proof_invalid')
  const good = makeKey('RS256', undefined)
  const other = client.prove(token, { header: { alg: 'RS256', jwk: publicJwk(good) }, signer: good })
  assert.equal(
    await world.outcome(provenRequest(token, other)),
    'sender_unproven',
    'the pair: a long key of a stranger',
  )
})
