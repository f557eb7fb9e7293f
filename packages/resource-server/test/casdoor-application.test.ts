import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CasdoorIssuerOptions } from '@mcp-doorman/resource-server'
import { makeKey } from './compact-jws.ts'
import { requestOf, startGuarded, type Guarded } from './guarded.ts'
import { recordedAnswer } from './recorded-casdoor.ts'
import { json, type TestIssuer } from './test-issuer.ts'

const key = makeKey('RS256', 'cert-notes')
const anyOrigin = { status: 'ok', data: { clientId: 'notes-client', organization: 'acme' } }

/** Makes the issuer answer as a Casdoor with one application, `my notes`, does. */
function serveApplication(issuer: TestIssuer, application: unknown = anyOrigin): void {
  issuer.answerDiscovery = (request, response) => {
    const known = new Map<string | undefined, unknown>([
      ['/api/get-application?id=admin/my%20notes', application],
      [
        '/.well-known/my%20notes/openid-configuration',
        { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/keys` },
      ],
    ])
    json(known.get(request.url) ?? { status: 'error', msg: 'not found' })(request, response)
  }
}

async function startCasdoor(
  pins: Omit<CasdoorIssuerOptions, 'casdoor'> = { application: 'my notes' },
): Promise<Guarded> {
  const world = await startGuarded({
    keys: [key],
    optionsOf: ({ issuer }) => ({ issuers: [{ casdoor: issuer, ...pins }] }),
  })
  serveApplication(world.issuer)
  return world
}

const casdoorClaims = {
  client_id: undefined,
  azp: 'notes-client',
  owner: 'acme',
  tokenType: 'access-token',
}
const world = await startCasdoor()
const token = (claims = {}, header = {}): string =>
  world.issuer.sign({ claims: { ...casdoorClaims, ...claims }, header: { typ: 'JWT', ...header } })

const rows: readonly (readonly [name: string, expected: string, claims: object, header?: object])[] = [
  ['of the pinned application', 'allow', {}],
  ['without typ', 'allow', {}, { typ: undefined }],
  ['without an owner', 'allow', { owner: undefined }],
  ['without a jti', 'allow', { jti: undefined }],
  ['with another typ', 'token_type_refused', {}, { typ: 'at+jwt' }],
  ['without a kid', 'token_type_refused', {}, { kid: undefined }],
  ['that says it is for refreshing', 'token_use_refused', { tokenType: 'refresh-token' }],
  ['that says both, in two spellings', 'token_use_refused', { TokenType: 'refresh-token' }],
  ['that says both, in a third spelling', 'token_use_refused', { TOKENTYPE: 'refresh-token' }],
  ['that says the same twice', 'allow', { TokenType: 'access-token' }],
  ['that does not say what it is for', 'token_use_refused', { tokenType: undefined }],
  ['whose use is a list', 'token_use_refused', { tokenType: ['access-token'] }],
  ['with events, as logout tokens have', 'token_use_refused', { events: {} }],
  ['of another client', 'client_refused', { azp: 'notes-client-2' }],
  ['without a client', 'claim_missing', { azp: undefined }],
  ['without iat', 'claim_missing', { iat: undefined }],
  ['of another organization', 'owner_refused', { owner: 'umbrella' }],
  ['whose owner is a list', 'claim_invalid', { owner: ['acme'] }],
]
for (const [name, expected, claims, header] of rows) {
  test(`a Casdoor token ${name} → ${expected}`, async () => {
    assert.equal(await world.outcome({ token: token(claims, header) }), expected)
  })
}

test('where organizations are listed, a token must say its own', async () => {
  const listed = await startCasdoor({ application: 'my notes', allowedOwners: ['acme'] })
  const sign = (claims: object): string =>
    listed.issuer.sign({ claims: { ...casdoorClaims, ...claims }, header: { typ: 'JWT' } })
  assert.equal(await listed.outcome({ token: sign({}) }), 'allow')
  assert.equal(await listed.outcome({ token: sign({ owner: undefined }) }), 'owner_refused')
})

test('CR15: an application pins its organization for its own client, also beside other clients', async () => {
  const both = await startCasdoor({ application: 'my notes', allowedClients: ['ops-console'] })
  const outcome = (azp: string, owner: string): Promise<string> => {
    const claims = { ...casdoorClaims, azp, owner }
    return both.outcome({ token: both.issuer.sign({ claims, header: { typ: 'JWT' } }) })
  }
  assert.equal(await outcome('notes-client', 'acme'), 'allow')
  assert.equal(await outcome('notes-client', 'umbrella'), 'owner_refused')
  assert.equal(await outcome('ops-console', 'umbrella'), 'allow')
})

test('roles and groups come from each claim that Casdoor puts them in', async () => {
  const claims = { roles: [{ name: 'editors', owner: 'acme' }], role_names: ['staff'], groups: ['acme/a'] }
  const decision = await world.ask({ token: token(claims) })
  assert.ok(decision.granted)
  assert.deepEqual([...decision.identity.roles], ['editors', 'staff'])
  assert.deepEqual([...decision.identity.groups], ['acme/a'])
})

for (const [name, application] of [
  ['does not exist', { status: 'ok', data: null }],
  ['is answered with an error and status 200', { status: 'error', msg: 'no' }],
  ['has no client id', { status: 'ok', data: { clientId: '', organization: 'acme' } }],
  ['has no organization', { status: 'ok', data: { clientId: 'notes-client' } }],
] as const) {
  test(`an application that ${name} makes no token good, and start says so`, async () => {
    const lost = await startCasdoor()
    serveApplication(lost.issuer, application)
    const good = lost.issuer.sign({ claims: casdoorClaims, header: { typ: 'JWT' } })
    assert.equal(await lost.outcome({ token: good }), 'issuer_unavailable')
    const [reason = ''] = await lost.server.ready()
    assert.match(reason, /has no application "my notes"/)
    assert.equal(lost.issuer.fetches.keys, 0, 'its keys would be those of everybody')
  })
}

for (const name of ['broken-cert-bad-der', 'broken-cert-not-pem']) {
  test(`an instance with the recorded answer ${name} as its keys is unavailable`, async () => {
    const broken = await startCasdoor()
    const { status, body } = recordedAnswer(name)
    broken.issuer.answerKeys = json(body, status)
    const good = broken.issuer.sign({ claims: casdoorClaims, header: { typ: 'JWT' } })
    assert.equal(await broken.outcome({ token: good }), 'issuer_unavailable')
    broken.issuer.answerKeys = undefined
    broken.clock.now += 2
    assert.equal(await broken.outcome({ token: good }), 'allow')
  })
}

test('an application that is given another client id lets the old one in no longer', async () => {
  const moved = await startCasdoor()
  const good = moved.issuer.sign({
    claims: { ...casdoorClaims, exp: moved.clock.now + 7200 },
    header: { typ: 'JWT' },
  })
  assert.equal(await moved.outcome({ token: good }), 'allow')
  serveApplication(moved.issuer, { status: 'ok', data: { clientId: 'new-client', organization: 'acme' } })
  moved.clock.now += 601
  assert.equal(await moved.outcome({ token: good }), 'client_refused')
  assert.equal((await moved.server.guard(requestOf({ token: good }))).granted, false)
})
