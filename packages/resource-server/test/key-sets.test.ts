import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { makeKey, publicJwk } from './compact-jws.ts'
import { startGuarded } from './guarded.ts'
import { json } from './test-issuer.ts'

// Where a redirect leads: with the very keys that would make the token good.
const key = makeKey()
let followed = 0
const elsewhere = createServer((_request, response) => {
  followed += 1
  response.end(JSON.stringify({ keys: [publicJwk(key)] }))
})
await new Promise<void>((resolve) => void elsewhere.listen(0, '127.0.0.1', resolve))
after(() => void elsewhere.close())
// A server that listens on TCP has an address with a port.
const elsewhereUrl = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/keys`

const html = (response: ServerResponse, status = 200): void => {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>')
}
const text = (body: string) => (_request: unknown, response: ServerResponse) => void response.end(body)
const many = (count: number): unknown => ({ keys: Array.from({ length: count }, () => publicJwk(key)) })

type Answer = ReturnType<typeof json>
type Row = readonly [name: string, reason: RegExp, answer: Answer]

const keySets: readonly Row[] = [
  ['a page', /did not answer with a JSON object/, (_request, response) => html(response)],
  ['status 500', /answered 500/, json({ keys: [publicJwk(key)] }, 500)],
  ['status 404', /answered 404/, json({ keys: [publicJwk(key)] }, 404)],
  ['status 204', /answered 204/, (_request, response) => void response.writeHead(204).end()],
  ['nothing', /did not answer with a JSON object/, text('')],
  ['no JSON', /did not answer with a JSON object/, text('{"keys":[')],
  ['a list', /did not answer with a JSON object/, json([publicJwk(key)])],
  ['null', /did not answer with a JSON object/, json(null)],
  ['an error envelope and status 200', /is not a key set/, json({ status: 'error', msg: 'no' })],
  ['keys that are an object', /is not a key set/, json({ keys: { 0: publicJwk(key) } })],
  ['no key', /has no usable key/, json({ keys: [] })],
  ['keys that are all of no use', /has no usable key/, json({ keys: [{ kty: 'oct', k: 'eA' }, 7, null] })],
  ['65 keys', /more than 64 keys/, json(many(65))],
  ['more than 1 MiB', /larger than 1048576 bytes/, text(`{"keys":[],"pad":"${'x'.repeat(1_048_576)}"}`)],
  [
    'a redirect',
    /Redirects are not followed/,
    (_request, response) => void response.writeHead(302, { location: elsewhereUrl }).end(),
  ],
  ['a hang-up', /connection/, (_request, response) => void response.destroy()],
]

for (const [name, reason, answer] of keySets) {
  test(`a key set that is ${name} makes the issuer unavailable, and never a token good or bad`, async () => {
    const world = await startGuarded({ keys: [key] })
    world.issuer.answerKeys = answer
    const token = world.issuer.sign()
    assert.equal(await world.outcome({ token }), 'issuer_unavailable')
    assert.match((await world.server.ready())[0] ?? '', reason)
    world.issuer.answerKeys = undefined
    world.clock.now += 31
    assert.equal(await world.outcome({ token }), 'allow')
  })
}

test('64 keys are taken', async () => {
  const world = await startGuarded({ keys: [key] })
  world.issuer.answerKeys = json(many(64))
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'allow')
})

const discoveries: readonly (readonly [
  name: string,
  reason: RegExp,
  document: (issuer: string) => Answer,
])[] = [
  [
    'names another issuer',
    /names another issuer/,
    (issuer) => json({ issuer: 'http://127.0.0.1:1', jwks_uri: `${issuer}/keys` }),
  ],
  [
    'names the issuer with a slash',
    /names another issuer/,
    (issuer) => json({ issuer: `${issuer}/`, jwks_uri: `${issuer}/keys` }),
  ],
  ['names no issuer', /names another issuer/, (issuer) => json({ jwks_uri: `${issuer}/keys` })],
  ['has no jwks_uri', /has no jwks_uri/, (issuer) => json({ issuer })],
  [
    'has a jwks_uri of plain http elsewhere',
    /plain http|https/,
    (issuer) => json({ issuer, jwks_uri: 'http://keys.example/keys' }),
  ],
  [
    'has a jwks_uri at another port of this machine',
    /./,
    (issuer) => json({ issuer, jwks_uri: elsewhereUrl }),
  ],
  [
    'has a jwks_uri at a cloud metadata address',
    /./,
    (issuer) => json({ issuer, jwks_uri: 'https://169.254.169.254/keys' }),
  ],
  ['has a jwks_uri that is no URL', /./, (issuer) => json({ issuer, jwks_uri: 'keys' })],
  ['is a page', /no discovery document/, () => (_request, response) => html(response)],
  [
    'is a redirect',
    /Redirects are not followed/,
    () => (_request, response) => void response.writeHead(301, { location: elsewhereUrl }).end(),
  ],
]
for (const [name, reason, documentOf] of discoveries) {
  test(`A19: discovery that ${name} is not used`, async () => {
    const world = await startGuarded({ keys: [key] })
    world.issuer.answerDiscovery = documentOf(world.issuer.issuer)
    assert.equal(await world.outcome({ token: world.issuer.sign() }), 'issuer_unavailable')
    assert.match((await world.server.ready())[0] ?? '', reason)
    assert.equal(world.issuer.fetches.keys, 0)
  })
}

test('A19: each of the three places of discovery is tried, in order', async () => {
  for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
    const world = await startGuarded({ keys: [key] })
    const paths: string[] = []
    const { issuer } = world.issuer
    world.issuer.answerDiscovery = (request, response) => {
      paths.push(request.url ?? '')
      json(
        request.url === path ? { issuer, jwks_uri: `${issuer}/keys` } : {},
        request.url === path ? 200 : 404,
      )(request, response)
    }
    assert.equal(await world.outcome({ token: world.issuer.sign() }), 'allow')
    assert.equal(paths.at(-1), path)
  }
})

test('A19: an issuer with a path is looked for with the path inserted, then appended', async () => {
  const paths: string[] = []
  const world = await startGuarded({
    keys: [key],
    optionsOf: ({ issuer }) => ({ issuers: [{ issuer: `${issuer}/realm/one` }] }),
  })
  const name = `${world.issuer.issuer}/realm/one`
  world.issuer.answerDiscovery = (request, response) => {
    paths.push(request.url ?? '')
    const last = request.url === '/realm/one/.well-known/openid-configuration'
    json(last ? { issuer: name, jwks_uri: `${world.issuer.issuer}/keys` } : {}, last ? 200 : 404)(
      request,
      response,
    )
  }
  assert.equal(await world.outcome({ token: world.issuer.sign({ claims: { iss: name } }) }), 'allow')
  assert.deepEqual(paths, [
    '/.well-known/oauth-authorization-server/realm/one',
    '/.well-known/openid-configuration/realm/one',
    '/realm/one/.well-known/openid-configuration',
  ])
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'issuer_unknown')
})

test('an issuer that is given with its key address is asked for nothing else', async () => {
  const world = await startGuarded({
    keys: [key],
    optionsOf: ({ issuer }) => ({ issuers: [{ issuer, jwksUri: `${issuer}/keys` }] }),
  })
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'allow')
  assert.deepEqual(world.issuer.fetches, { discovery: 0, keys: 1, introspection: 0 })
})

test('an issuer that never answers is given up within its time', async () => {
  const world = await startGuarded({ keys: [key], options: { outboundTimeoutSeconds: 0.1 } })
  world.issuer.answerKeys = () => undefined
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'issuer_unavailable')
})

test('no redirect was followed', () => assert.equal(followed, 0))
