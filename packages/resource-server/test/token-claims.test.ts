import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import * as api from '@mcp-doorman/resource-server'
import { compactJws, makeKey } from './compact-jws.ts'
import { resource, startGuarded, startTime as now } from './guarded.ts'
import { startTestIssuer } from './test-issuer.ts'

const key = makeKey('ES256', 'key-1')
const other = await startTestIssuer({ audience: resource, nowSeconds: () => now })
const world = await startGuarded({
  keys: [key],
  optionsOf: ({ issuer }) => ({
    issuers: [{ issuer }, { issuer: other.issuer }],
    audienceAliases: ['https://old.example/mcp'],
  }),
})
const { issuer } = world
after(() => other.close())

/** A time that JSON has and JavaScript's own numbers do not: the payload is written by hand. */
function withRawExp(exp: string): string {
  const payload = JSON.stringify(issuer.claims({ exp: '#' })).replace('"#"', exp)
  return compactJws({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1' }, payload, 'ES256', key.privateKey)
}

type Row = readonly [
  id: string,
  name: string,
  expected: string,
  claims: Readonly<Record<string, unknown>> | string,
]

// Each allowed row stands above its neighbours, which differ from it in one thing.
const rows: readonly Row[] = [
  ['C13', 'the configured issuer', 'allow', {}],
  ['C13', 'the issuer with a final slash', 'issuer_unknown', { iss: `${issuer.issuer}/` }],
  [
    'C13',
    'the issuer with its scheme in capitals',
    'issuer_unknown',
    { iss: issuer.issuer.replace('http', 'HTTP') },
  ],
  ['C13', 'the issuer at another port', 'issuer_unknown', { iss: 'http://127.0.0.1:1' }],
  ['C13', 'the issuer without its port', 'issuer_unknown', { iss: 'http://127.0.0.1' }],
  ['C13', 'the issuer with an encoded slash', 'issuer_unknown', { iss: `${issuer.issuer}%2F` }],
  ['C13', 'the issuer in a list', 'issuer_unknown', { iss: [issuer.issuer] }],
  ['C13', 'no issuer', 'issuer_unknown', { iss: undefined }],
  ['C14', 'the other trusted issuer, signed with this one’s key', 'key_unknown', { iss: other.issuer }],

  ['C15', 'aud as a string', 'allow', { aud: resource }],
  ['C15', 'aud as a list of one', 'allow', { aud: [resource] }],
  ['C15', 'aud as a list with others', 'allow', { aud: ['https://else.example', resource] }],
  ['C16', 'aud is a configured alias', 'allow', { aud: 'https://old.example/mcp' }],
  ['C16', 'aud is the alias in another case', 'audience_mismatch', { aud: 'https://old.example/MCP' }],
  ['C15', 'no aud', 'audience_mismatch', { aud: undefined }],
  ['C15', 'aud is null', 'audience_mismatch', { aud: null }],
  ['C15', 'aud is empty', 'audience_mismatch', { aud: '' }],
  ['C15', 'aud is an empty list', 'audience_mismatch', { aud: [] }],
  ['C15', 'aud is a list of others', 'audience_mismatch', { aud: ['https://else.example'] }],
  ['C15', 'aud is a list with a number beside the resource', 'audience_mismatch', { aud: [resource, 7] }],
  ['C15', 'aud is a list in a list', 'audience_mismatch', { aud: [[resource]] }],
  ['C15', 'aud is a number', 'audience_mismatch', { aud: 7 }],
  ['C15', 'aud is an object with the resource', 'audience_mismatch', { aud: { 0: resource, length: 1 } }],
  ['C15', 'aud begins with the resource', 'audience_mismatch', { aud: `${resource}-evil` }],
  ['C15', 'aud is below the resource', 'audience_mismatch', { aud: `${resource}/more` }],
  ['C15', 'aud is the resource’s origin', 'audience_mismatch', { aud: 'https://mcp.example' }],
  ['C16', 'aud has a final slash', 'audience_mismatch', { aud: `${resource}/` }],
  ['C16', 'aud has its path in another case', 'audience_mismatch', { aud: 'https://mcp.example/MCP' }],
  ['C16', 'aud has the default port', 'audience_mismatch', { aud: 'https://mcp.example:443/mcp' }],
  [
    'C15',
    'aud is two resources in one string',
    'audience_mismatch',
    { aud: `${resource} https://x.example` },
  ],
  ['C17', 'aud is the client id', 'audience_mismatch', { aud: 'test-client' }],

  ['C18', 'exp in a second', 'allow', { exp: now + 1 }],
  ['C18', 'exp past, within the tolerance', 'allow', { exp: now - 29 }],
  ['C18', 'exp past by the tolerance', 'token_expired', { exp: now - 30 }],
  ['C18', 'exp long past', 'token_expired', { exp: 1 }],
  ['C18', 'exp with a fraction', 'allow', { exp: now + 0.5 }],
  ['C18', 'no exp', 'claim_missing', { exp: undefined }],
  ['C18', 'exp is null', 'claim_invalid', { exp: null }],
  ['C18', 'exp is a string', 'claim_invalid', { exp: String(now + 600) }],
  ['C18', 'exp is a date', 'claim_invalid', { exp: '2100-01-01T00:00:00Z' }],
  ['C18', 'exp is true', 'claim_invalid', { exp: true }],
  ['C18', 'exp is a list', 'claim_invalid', { exp: [now + 600] }],
  ['C18', 'exp is negative', 'claim_invalid', { exp: -1 }],
  ['C18', 'exp is the last plausible time', 'allow', { exp: 1e11 }],
  ['C18', 'exp is after the last plausible time', 'claim_invalid', { exp: 1e11 + 1 }],
  ['C18', 'exp is 1e300', 'claim_invalid', { exp: 1e300 }],
  ['C18', 'exp is 1e999', 'claim_invalid', withRawExp('1e999')],
  ['C18', 'exp twice, the last one past', 'token_expired', withRawExp(`${now + 600},"exp":1`)],
  ['C18', 'exp is NaN, which JSON does not have', 'token_malformed', withRawExp('NaN')],

  ['C19', 'nbf now', 'allow', { nbf: now }],
  ['C19', 'nbf ahead, at the tolerance', 'allow', { nbf: now + 30 }],
  ['C19', 'nbf ahead of the tolerance', 'token_not_yet_valid', { nbf: now + 31 }],
  ['C19', 'nbf in ten minutes', 'token_not_yet_valid', { nbf: now + 600 }],
  ['C19', 'nbf is a string', 'claim_invalid', { nbf: String(now) }],
  ['C20', 'iat ahead, at the tolerance', 'allow', { iat: now + 30 }],
  ['C20', 'iat ahead of the tolerance', 'token_not_yet_valid', { iat: now + 31 }],
  ['C20', 'iat is a string', 'claim_invalid', { iat: String(now) }],
  ['C20', 'iat is negative', 'claim_invalid', { iat: -1 }],
  ['C21', 'no iat', 'claim_missing', { iat: undefined }],
  ['C21', 'no sub', 'claim_missing', { sub: undefined }],
  ['C21', 'sub is empty', 'claim_invalid', { sub: '' }],
  ['C21', 'sub is a number', 'claim_invalid', { sub: 7 }],
  ['C21', 'no client_id', 'claim_missing', { client_id: undefined }],
  ['C21', 'client_id only as azp', 'claim_missing', { client_id: undefined, azp: 'test-client' }],
  ['C21', 'client_id is a list', 'claim_invalid', { client_id: ['test-client'] }],
  ['C21', 'client_id is empty', 'claim_invalid', { client_id: '' }],
  ['C21', 'no jti', 'claim_missing', { jti: undefined }],
  ['C21', 'jti is an object', 'claim_invalid', { jti: {} }],

  ['C23', 'scope with more than is needed', 'allow', { scope: 'a files:read z' }],
  ['C23', 'scope as a list', 'claim_invalid', { scope: ['files:read'] }],
  ['C23', 'scope as a list of a joined string', 'claim_invalid', { scope: ['files:list files:read'] }],
  ['C23', 'scope nested', 'claim_invalid', { scope: { value: 'files:read' } }],
  ['C23', 'scope is null', 'claim_invalid', { scope: null }],
  ['C23', 'scope with two spaces', 'claim_invalid', { scope: 'files:list  files:read' }],
  ['C23', 'scope with a tab', 'claim_invalid', { scope: 'files:list\tfiles:read' }],
  ['C23', 'scope with a quote', 'claim_invalid', { scope: 'files:read "' }],
  ['C23', 'scope only as scp', 'scope_missing', { scope: undefined, scp: 'files:read' }],
  ['C23', 'scope is empty', 'scope_missing', { scope: '' }],
  ['C24', 'scope that goes on', 'scope_missing', { scope: 'files:readx' }],
  ['C24', 'scope in capitals', 'scope_missing', { scope: 'FILES:READ' }],
  ['C24', 'scopes joined by a comma', 'scope_missing', { scope: 'files:list,files:read' }],
  ['C24', 'a scope that is a glob', 'scope_missing', { scope: 'files:*' }],

  ['C30', 'cnf with a DPoP thumbprint', 'sender_unproven', { cnf: { jkt: 'x' } }],
  ['C30', 'cnf with a certificate thumbprint', 'sender_unproven', { cnf: { 'x5t#S256': 'x' } }],
  ['C30', 'cnf of an unknown kind', 'sender_unproven', { cnf: { later: 'x' } }],
  ['C30', 'cnf that is empty', 'sender_unproven', { cnf: {} }],
  ['C30', 'cnf that is null', 'sender_unproven', { cnf: null }],

  ['B9', 'expired and without the scope', 'token_expired', { exp: 1, scope: '' }],
  [
    'B9',
    'another audience and without the scope',
    'audience_mismatch',
    { aud: 'https://x.example', scope: '' },
  ],
  ['C12', 'claims that are a list', 'token_malformed', '[]'],
  ['C12', 'claims that are null', 'token_malformed', 'null'],
  ['C12', 'claims with a __proto__ that has the rest', 'issuer_unknown', '{"__proto__":{"iss":"x"}}'],
]

function tokenOf(claims: Row[3]): string {
  if (typeof claims !== 'string') return issuer.sign({ claims })
  if (claims.split('.').length === 3) return claims
  return compactJws({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1' }, claims, 'ES256', key.privateKey)
}

for (const [id, name, expected, claims] of rows) {
  test(`${id}: a token with ${name} → ${expected}`, async () => {
    assert.equal(await world.outcome({ token: tokenOf(claims) }), expected)
  })
}

test('C32: every invalid token gets the same answer, whatever its cause', async () => {
  const answers = new Set<string>()
  const codes = new Set<string>()
  for (const [, , expected, claims] of rows) {
    if (expected === 'allow' || expected === 'scope_missing') continue
    const decision = await world.ask({ token: tokenOf(claims) })
    const { headers, ...rest } = world.answer(decision)
    const { 'doorman-decision': id, ...shared } = headers
    assert.equal(id, decision.id)
    codes.add(decision.granted ? '' : decision.denial.code)
    answers.add(JSON.stringify({ ...rest, shared }))
  }
  assert.equal(answers.size, 1)
  assert.ok(codes.size >= 9, [...codes].join(' '))
})

test('A18, C14: two trusted issuers cannot speak for each other', async () => {
  const [own] = issuer.keys
  const [foreign] = other.keys
  assert.ok(own && foreign)
  const byOther = { claims: { iss: issuer.issuer }, key: foreign }
  assert.equal(await world.outcome({ token: other.sign() }), 'allow')
  assert.equal(await world.outcome({ token: other.sign(byOther) }), 'key_unknown')
  const sameName = { ...foreign, kid: own.kid }
  assert.equal(await world.outcome({ token: other.sign({ ...byOther, key: sameName }) }), 'signature_invalid')
})

test('C22: the same sub of two issuers is two callers, and so is one sub with two clients', async () => {
  const decisions = await Promise.all([
    world.ask({ token: issuer.sign() }),
    world.ask({ token: other.sign() }),
    world.ask({ token: issuer.sign({ claims: { client_id: 'other-client' } }) }),
    world.ask({ token: issuer.sign({ claims: { sub: 'alice","test-client' } }) }),
  ])
  const keys = decisions.map((decision) => (decision.granted ? decision.identity.callerKey : ''))
  assert.equal(new Set(keys).size, decisions.length)
})

test('C25: a token at the limit is judged, and one byte more is refused before its issuer is asked', async () => {
  const fresh = await startGuarded()
  const padded = (length: number): string => {
    const short = fresh.issuer.sign({ claims: { pad: '' } }).length
    // Base64 needs four characters for three bytes, so some lengths take a try more.
    for (let pad = Math.floor(((length - short) * 3) / 4) - 3; ; pad += 1) {
      const token = fresh.issuer.sign({ claims: { pad: 'x'.repeat(pad) } })
      if (token.length >= length) return token
    }
  }
  const long = padded(16_385)
  assert.ok(long.length > 16_384)
  assert.equal(await fresh.outcome({ token: long }), 'token_too_long')
  assert.equal(await fresh.outcome({ token: 'a'.repeat(16_385) }), 'token_too_long')
  assert.equal(await fresh.outcome({ token: 'a'.repeat(16_384) }), 'token_malformed')
  assert.deepEqual(fresh.issuer.fetches, { discovery: 0, keys: 0, introspection: 0 })
  const largest = padded(16_380)
  assert.ok(largest.length <= 16_384, String(largest.length))
  assert.equal(await fresh.outcome({ token: largest }), 'allow')
})

test('C16: a resource without a path is also named with the slash that URL parsers add, and by no more', async () => {
  const root = await startGuarded({ options: { resource: 'https://mcp.example' } })
  for (const [aud, expected] of [
    ['https://mcp.example', 'allow'],
    ['https://mcp.example/', 'allow'],
    ['https://mcp.example//', 'audience_mismatch'],
    ['https://mcp.example/mcp', 'audience_mismatch'],
    ['https://MCP.example', 'audience_mismatch'],
  ] as const) {
    assert.equal(await root.outcome({ token: root.issuer.sign({ claims: { aud } }) }), expected, aud)
  }
})

test('the claims of a token are the identity’s, and nothing of them can be added to', async () => {
  const claims = { roles: ['staff', { name: 'editor' }, 7], groups: ['a'], scope: 'files:read x' }
  const decision = await world.ask({ token: issuer.sign({ claims }) })
  assert.ok(decision.granted)
  const { identity } = decision
  assert.deepEqual(
    [...identity.roles, ...identity.groups, ...identity.scopes],
    ['staff', 'editor', 'a', 'files:read', 'x'],
  )
  assert.equal(identity.expiresAt, now + 600)
  assert.ok(Object.isFrozen(identity))
})

test('E3: an identity cannot be written by hand, however complete', () => {
  const none: ReadonlySet<string> = new Set()
  const facts = {
    issuer: issuer.issuer,
    subject: 'alice',
    clientId: 'test-client',
    scopes: none,
    roles: none,
    groups: none,
    expiresAt: now + 600,
    tokenId: 'a',
    tokenHash: 'hash',
    callerKey: 'a',
    claims: {},
  }
  // @ts-expect-error: all the facts are there, and the proof is not.
  const forged: api.Identity = facts
  assert.equal(forged.subject, 'alice')
  assert.ok(!('provenIdentity' in api))
})
