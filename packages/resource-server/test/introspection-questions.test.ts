import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import { answer, secret, startOpaque, type Members } from './introspecting.ts'
import { startGuarded, startTime } from './guarded.ts'
import { json } from './test-issuer.ts'

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
