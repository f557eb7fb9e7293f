import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readSetupOptions } from '#internal/setup/options'
import { isSame } from '#internal/setup/plan'
import { planApplication } from '#internal/setup/plan-application'
import { recordedData } from './recorded.ts'

const wanted = readSetupOptions({
  organization: 'globex',
  application: 'mcp-files',
  scopes: [{ name: 'files:read', displayName: 'Read files', tools: ['read_file'] }],
  redirectUris: ['https://client.example/cb'],
})
const withRoles = { ...wanted, roles: true }
const certificate = { name: 'cert-mcp-files', cryptoAlgorithm: 'RS256' }

type Row = Record<string, unknown>

function plan(current: Row, options = wanted): { readonly body: Row; readonly action: string } {
  const planned = planApplication(current, options, certificate)
  assert.ok(planned.ok)
  return planned.value
}

const { organizationObj: _organization, ...recordedApplication } = recordedData(
  'provisioning/get-application-admin',
)
/** What set-up may change; every other member is somebody else's. */
const ours = [
  'category',
  'type',
  'cert',
  'grantTypes',
  'redirectUris',
  'tokenFormat',
  'tokenSigningMethod',
  'tokenFields',
  'tokenAttributes',
  'expireInHours',
  'refreshExpireInHours',
  'scopes',
  'customScopes',
  'enablePassword',
  'signinMethods',
  'clientSecret',
]
const lists = ['grantTypes', 'redirectUris', 'tokenFields', 'scopes', 'customScopes'] as const

/** Texts, numbers and rows where they belong, and also where they do not. */
const applications = fc
  .record(
    {
      tokenFormat: fc.constantFrom('JWT', 'JWT-Empty', 'JWT-Custom', ''),
      tokenFields: fc.option(fc.array(fc.constantFrom('Owner', 'Name', 'Email', 'Roles'))),
      grantTypes: fc.option(fc.array(fc.constantFrom('authorization_code', 'password', 'refresh_token'))),
      redirectUris: fc.option(fc.array(fc.webUrl())),
      expireInHours: fc.double({ min: 0, max: 200, noNaN: true }),
      refreshExpireInHours: fc.double({ min: 0, max: 2000, noNaN: true }),
      scopes: fc.option(
        fc.uniqueArray(
          fc.record({ name: fc.constantFrom('files:read', 'openid', 'other'), displayName: fc.string() }),
          { selector: ({ name }) => name },
        ),
      ),
      customScopes: fc.option(
        fc.array(fc.record({ scope: fc.constantFrom('files:read', 'x') }), { maxLength: 1 }),
      ),
      signinMethods: fc.option(fc.array(fc.record({ name: fc.constantFrom('Face ID', 'Password', 'LDAP') }))),
      tokenAttributes: fc.option(
        fc.uniqueArray(
          fc.record({
            name: fc.constantFrom('roles', 'role_names', 'team'),
            value: fc.constantFrom('$user.roles', '$user.tag'),
            type: fc.constantFrom('Array', 'String'),
          }),
          { selector: ({ name }) => name },
        ),
      ),
      extra: fc.jsonValue(),
      formCss: fc.string(),
      failedSigninLimit: fc.nat(),
    },
    { requiredKeys: [] },
  )
  .map((members): Row => ({ ...recordedApplication, ...members }))

for (const [name, options] of [
  ['without roles', wanted],
  ['with roles', withRoles],
] as const) {
  test(`a correction ${name} keeps what it does not name, loses no entry of a list, and needs no other`, () => {
    fc.assert(
      fc.property(applications, (current) => {
        const { body } = plan(current, options)
        for (const member of Object.keys(current).filter((member) => !ours.includes(member))) {
          assert.deepEqual(body[member], current[member], member)
        }
        for (const list of lists) {
          const keyOf = (entry: unknown): unknown =>
            list.endsWith('copes') ? Object.values(entry as Row)[0] : entry
          const [before, after] = [current[list], body[list]].map((value) =>
            ((value ?? []) as unknown[]).map(keyOf),
          )
          for (const entry of before ?? []) assert.ok(after?.includes(entry), `${list} lost ${String(entry)}`)
        }
        assert.equal(plan({ ...body, clientSecret: current['clientSecret'] }, options).action, 'keep')
      }),
    )
  })
}

test('a lifetime that somebody chose stays, unless tokens are useless or long with it', () => {
  const of = (expireInHours: number, refreshExpireInHours: number): readonly unknown[] => {
    const { body } = plan({ ...recordedApplication, expireInHours, refreshExpireInHours })
    return [body['expireInHours'], body['refreshExpireInHours']]
  }
  assert.deepEqual(of(0, 0), [0.5, 168])
  assert.deepEqual(of(2, 0), [2, 168])
  assert.deepEqual(of(24, 720), [24, 720])
  assert.deepEqual(of(25, 721), [0.5, 168])
  assert.deepEqual(of(2, 2), [2, 168])
})

const rolesOf = (tokenAttributes: unknown): unknown =>
  plan({ ...recordedApplication, tokenAttributes }, withRoles).body['tokenAttributes']
const roleNames = { name: 'role_names', category: 'Static Value', value: '$user.roles', type: 'Array' }
const team = { name: 'team', category: 'Static Value', value: '$user.tag', type: 'String' }

test('with roles, their names become a claim that does not shadow the roles of the user', () => {
  assert.deepEqual(rolesOf(null), [roleNames])
  assert.deepEqual(rolesOf([team]), [team, roleNames])
  assert.deepEqual(rolesOf([{ ...roleNames, name: 'roles' }, team]), [team, roleNames])
  assert.deepEqual(rolesOf([{ ...roleNames, type: 'String' }]), [roleNames])
  const odd = { ...team, name: 'roles' }
  assert.deepEqual(rolesOf([odd]), [odd, roleNames], 'what it says is not known, so it stays')
})

test('without roles, attributes and groups are left as they are', () => {
  const { body } = plan({ ...recordedApplication, tokenAttributes: [team] })
  assert.deepEqual(body['tokenAttributes'], [team])
  assert.ok(!(body['tokenFields'] as string[]).includes('Groups'))
  assert.ok((plan(recordedApplication, withRoles).body['tokenFields'] as string[]).includes('Groups'))
})

test('an empty list, an empty text and nothing are one to Casdoor; 0 and false are not', () => {
  for (const one of [undefined, null, '', []])
    for (const other of [undefined, null, '', []]) assert.ok(isSame(one, other))
  for (const other of [0, false, [''], {}]) assert.ok(!isSame(undefined, other))
})
