import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  createResourceServer,
  type ClaimMapping,
  type StandardIssuerOptions,
} from '@mcp-doorman/resource-server'
import { claimAt, namesIn } from '#internal/identity/claim-names'
import { callOf, createMemorySink, resource, startGuarded } from './guarded.ts'
import { rounds } from '../../../test/rounds.ts'

const rules = [
  { tools: ['role'], require: { anyRole: ['staff'] } },
  { tools: ['group'], require: { anyGroup: ['g'] } },
  { tools: ['client'], require: { anyClient: ['ops'] } },
]

type Mapping = ClaimMapping & Pick<StandardIssuerOptions, 'clientClaim'>

const rows: readonly (readonly [
  name: string,
  mapping: Mapping,
  tool: string,
  claims: Readonly<Record<string, unknown>>,
  expected: string,
])[] = [
  ['a claim of that name', { roleClaims: ['r'] }, 'role', { r: ['staff'] }, 'allow'],
  [
    'the usual claim, which is mapped away',
    { roleClaims: ['r'] },
    'role',
    { roles: ['staff'] },
    'rule_refused',
  ],
  [
    'a name with dots and slashes',
    { roleClaims: ['https://a.b/r'] },
    'role',
    { 'https://a.b/r': ['staff'] },
    'allow',
  ],
  [
    'a claim further down',
    { roleClaims: ['/realm_access/roles'] },
    'role',
    { realm_access: { roles: ['staff'] } },
    'allow',
  ],
  [
    'the same with another name',
    { roleClaims: ['/realm_access/roles'] },
    'role',
    { realm_access: { groups: ['staff'] } },
    'rule_refused',
  ],
  ['the second of two places', { roleClaims: ['r', 's'] }, 'role', { r: ['x'], s: ['staff'] }, 'allow'],
  ['objects with names', { roleClaims: ['r'] }, 'role', { r: [{ name: 'staff' }] }, 'allow'],
  ['one string', { roleClaims: ['r'] }, 'role', { r: 'staff' }, 'rule_refused'],
  ['roles that are groups', { groupClaims: ['g'] }, 'group', { g: ['g'] }, 'allow'],
  ['roles where groups belong', { groupClaims: ['g'] }, 'role', { g: ['staff'] }, 'rule_refused'],
  [
    'another claim for the client',
    { clientClaim: 'azp' },
    'client',
    { azp: 'ops', client_id: undefined },
    'allow',
  ],
  ['that claim, missing', { clientClaim: 'azp' }, 'client', { client_id: 'ops' }, 'claim_missing'],
  [
    'another client in that claim',
    { clientClaim: 'azp' },
    'client',
    { azp: 'x', client_id: 'ops' },
    'rule_refused',
  ],
]
for (const [name, mapping, tool, claims, expected] of rows) {
  test(`C23: ${name} → ${expected}`, async () => {
    const world = await startGuarded({
      options: { rules },
      optionsOf: ({ issuer }) => ({ issuers: [{ issuer, ...mapping }] }),
    })
    const token = world.issuer.sign({ claims })
    assert.equal(await world.outcome({ token, body: callOf(tool) }), expected)
  })
}

test('a Casdoor’s claims can be mapped too', async () => {
  const world = await startGuarded({
    options: { rules },
    optionsOf: ({ issuer }) => ({
      issuers: [{ casdoor: issuer, allowedClients: 'any', roleClaims: ['/properties/teams'] }],
    }),
  })
  const change = { azp: 'a', tokenType: 'access-token', properties: { teams: ['staff'] } }
  const token = world.issuer.sign({ claims: change, header: { typ: 'JWT' } })
  assert.equal(await world.outcome({ token, body: callOf('role') }), 'allow')
})

test('places that are none are mistakes at the start', () => {
  const issuer = { issuer: 'https://a.example', roleClaims: [''], groupClaims: ['/a~2'], clientClaim: '' }
  const build = (): unknown =>
    createResourceServer({ resource, issuers: [issuer], scopes: {}, rules: [], audit: createMemorySink() })
  assert.throws(
    build,
    /roleClaims: "" is no place.*\n.*groupClaims: "\/a~2" is no place.*\n.*clientClaim is empty/,
  )
})

test('a pointer finds what its escaped steps name, and nothing inherited', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), (steps) => {
      const claims = steps.reduceRight<unknown>((inner, step) => ({ [step]: inner }), ['staff'])
      const place = steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
      // Each step made an object of what is inside it.
      assert.deepEqual([...namesIn(claims as Record<string, unknown>, [place])], ['staff'])
    }),
    rounds(500),
  )
  assert.deepEqual([...namesIn({ '~1': ['staff'] }, ['/~01'])], ['staff'])
  for (const place of ['toString', '/toString/name', '/a/length', '/a/0/x']) {
    assert.equal(claimAt({ a: 'text' }, place), undefined, place)
  }
})

test('a supposed caller has what claims of their issuer would give, and nothing is known of other issuers', async () => {
  const server = createResourceServer({
    resource,
    issuers: [
      { issuer: 'https://issuer.example', roleClaims: ['/realm/roles'], clientClaim: 'azp' },
      { casdoor: 'https://casdoor.example', application: 'a' },
    ],
    scopes: {},
    rules,
    audit: createMemorySink(),
  })
  const standard = server.suppose({
    iss: 'https://issuer.example',
    sub: 'alice',
    azp: 'ops',
    client_id: 'other',
    scope: 'a b',
    realm: { roles: ['staff'] },
    roles: ['not looked at'],
    groups: ['g'],
  })
  assert.deepEqual(
    [standard?.subject, standard?.clientId, standard?.scopes, standard?.roles, standard?.groups],
    ['alice', 'ops', new Set(['a', 'b']), new Set(['staff']), new Set(['g'])],
  )
  const casdoor = server.suppose({ iss: 'https://casdoor.example', azp: 'ops', roles: [{ name: 'staff' }] })
  assert.deepEqual([casdoor?.subject, casdoor?.roles, casdoor?.scopes], ['', new Set(['staff']), new Set()])
  for (const iss of ['https://else.example', undefined, 5]) {
    assert.equal(server.suppose({ iss, sub: 'alice' }), undefined)
  }
  await server.close()
})
