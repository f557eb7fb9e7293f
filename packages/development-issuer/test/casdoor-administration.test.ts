/** The double's administration interface, where nothing was recorded. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import {
  administratorSession,
  basicOf,
  codeFor,
  openWorld,
  type Reply,
  sessionOf,
  tokensFor,
  type World,
} from './casdoor-world.ts'
import { decodeJwt } from './recorded-exchanges.ts'
import { rsaPair } from './recorded-instance.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  world.now += 60
})
afterEach(() => world.close())

interface Envelope {
  readonly status: string
  readonly msg: string
  readonly data: unknown
  readonly data2: unknown
}

const envelopeOf = ({ body }: Reply): Envelope => body as Envelope

async function read(kind: string, id: string): Promise<Record<string, unknown> | null> {
  return envelopeOf(await world.administer(`get-${kind}?id=${id}`)).data as Record<string, unknown> | null
}

const rows: readonly (readonly [kind: string, row: { owner: string; name: string }])[] = [
  ['organization', { owner: 'admin', name: 'globex' }],
  ['cert', { owner: 'admin', name: 'cert-new', ...rsaPair }],
  ['application', { owner: 'admin', name: 'new-app' }],
  ['user', { owner: 'acme', name: 'dave' }],
  ['role', { owner: 'acme', name: 'admins' }],
  ['permission', { owner: 'acme', name: 'can-read' }],
]

for (const [kind, row] of rows) {
  test(`${kind}: added, read, listed, changed and deleted; and each by nobody but an administrator`, async () => {
    const id = `${row.owner}/${row.name}`
    const headers = { 'content-type': 'application/json' }
    const asNobody = async (path: string): Promise<string> =>
      envelopeOf(await world.ask({ method: 'POST', path: `/api/${path}`, headers, body: row })).msg
    const refused = 'Unauthorized operation'

    assert.equal(await asNobody(`add-${kind}`), refused)
    assert.equal(await read(kind, id), null)
    assert.equal(envelopeOf(await world.administer(`add-${kind}`, row)).data, 'Affected')
    assert.equal((await read(kind, id))?.['name'], row.name)

    const listed = envelopeOf(await world.administer(`get-${kind}s?owner=${row.owner}`)).data
    assert.ok((listed as readonly { name: string }[]).some(({ name }) => name === row.name))
    const foreign = envelopeOf(await world.administer(`get-${kind}s?owner=nobody`)).data
    assert.deepEqual(foreign, [])
    for (const path of [`get-${kind}?id=${id}`, `get-${kind}s?owner=${row.owner}`]) {
      if (kind === 'application' && path.includes('?id=')) continue // Which everybody may read, masked.
      assert.equal(envelopeOf(await world.ask({ path: `/api/${path}` })).msg, refused, path)
    }

    const changed = { ...(await read(kind, id)), displayName: 'Another name' }
    assert.equal(await asNobody(`update-${kind}?id=${id}`), refused)
    assert.equal(envelopeOf(await world.administer(`update-${kind}?id=${id}`, changed)).data, 'Affected')
    assert.equal((await read(kind, id))?.['displayName'], 'Another name')
    const ghost = await world.administer(`update-${kind}?id=${row.owner}/ghost`, { ...row, name: 'ghost' })
    assert.equal(envelopeOf(ghost).data, 'Unaffected')

    assert.equal(await asNobody(`delete-${kind}`), refused)
    assert.equal(envelopeOf(await world.administer(`delete-${kind}`, row)).data, 'Affected')
    assert.equal(await read(kind, id), null)
    assert.equal(envelopeOf(await world.administer(`delete-${kind}`, row)).data, 'Unaffected')
  })
}

test('whoever shows the secret of any application is an administrator; a wrong secret is nobody', async () => {
  const ask = async (headers: Readonly<Record<string, string>>): Promise<string> =>
    envelopeOf(await world.ask({ path: '/api/get-users?owner=acme', headers })).msg
  assert.equal(await ask({ authorization: basicOf('client-mcp-custom', 'secret-mcp-custom') }), '')
  assert.equal(await ask({ authorization: basicOf('client-mcp-custom', 'secret') }), 'Unauthorized operation')
  assert.equal(await ask({ authorization: basicOf('', '') }), 'Unauthorized operation')
})

test('an application without a secret is proven by none', async () => {
  const before = await read('application', 'admin/mcp-custom')
  await world.administer('update-application?id=admin/mcp-custom', { ...before, clientSecret: '' })
  const authorization = basicOf('client-mcp-custom', '')
  const users = await world.ask({ path: '/api/get-users?owner=acme', headers: { authorization } })
  assert.equal(envelopeOf(users).msg, 'Unauthorized operation')
  const body = { token: 'x' }
  const path = '/api/login/oauth/introspect'
  assert.equal((await world.ask({ method: 'POST', path, headers: { authorization }, body })).status, 401)
})

test('a key that would take minutes to make is refused', async () => {
  const cert = { owner: 'admin', name: 'huge', type: 'x509', cryptoAlgorithm: 'RS256' }
  for (const members of [{ bitSize: 65_536 }, { expireInYears: 1e6 }]) {
    assert.equal(envelopeOf(await world.administer('add-cert', { ...cert, ...members })).status, 'error')
  }
  assert.equal(await read('cert', 'admin/huge'), null)
})

test('a user is no administrator, by session or by token; the one of the instance is', async () => {
  const ask = async (headers: Readonly<Record<string, string>>): Promise<string> =>
    envelopeOf(await world.ask({ path: '/api/get-users?owner=acme', headers })).msg
  const { access_token: token } = await tokensFor(world, { application: 'mcp-custom' })
  assert.equal(await ask({ cookie: await sessionOf(world, 'alice') }), 'Unauthorized operation')
  assert.equal(await ask({ authorization: `Bearer ${token}` }), 'Unauthorized operation')
  assert.equal(await ask({ cookie: await administratorSession(world) }), '')
})

test('secrets are shown to administrators alone', async () => {
  const anonymous = JSON.stringify(
    (await world.ask({ path: '/api/get-application?id=admin/mcp-custom' })).body,
  )
  assert.ok(!anonymous.includes('secret-mcp-custom') && !anonymous.includes('client.example'))
  assert.equal((await read('application', 'admin/mcp-custom'))?.['clientSecret'], 'secret-mcp-custom')
  assert.equal((await read('user', 'acme/alice'))?.['password'], '***')
})

test('what is written back with a masked secret or password keeps the old one', async () => {
  const application = await read('application', 'admin/mcp-custom')
  const update = (members: object): Promise<Reply> =>
    world.administer('update-application?id=admin/mcp-custom', { ...application, ...members })
  const secret = async (): Promise<unknown> =>
    (await read('application', 'admin/mcp-custom'))?.['clientSecret']
  await update({ clientSecret: '***' })
  assert.equal(await secret(), 'secret-mcp-custom')
  await update({ clientSecret: 'another' })
  assert.equal(await secret(), 'another')

  const user = await read('user', 'acme/bob')
  await world.administer('update-user?id=acme/bob', { ...user, displayName: 'Robert' })
  assert.match(await codeFor(world, { application: 'mcp-custom', user: 'bob' }), /^[0-9a-f]{20}$/)
  await world.administer('update-user?id=acme/bob', { ...user, password: 'another' })
  await assert.rejects(
    codeFor(world, { application: 'mcp-custom', user: 'bob' }),
    /password or code is incorrect/,
  )
})

test('a body with a member of another type changes nothing, and says which', async () => {
  const before = await read('application', 'admin/mcp-custom')
  const cases = [
    [
      { enablePassword: 'yes' },
      /cannot unmarshal string into Go struct field Application.enablePassword of type bool/,
    ],
    [{ expireInHours: '1' }, /cannot unmarshal string into Go struct field Application.expireInHours/],
    [{ scopes: 'files:read' }, /cannot unmarshal string into Go struct field Application.scopes/],
    [
      { displayName: 1 },
      /cannot unmarshal number into Go struct field Application.displayName of type string/,
    ],
  ] as const
  for (const [members, message] of cases) {
    const reply = await world.administer('update-application?id=admin/mcp-custom', { ...before, ...members })
    assert.match(envelopeOf(reply).msg, message)
  }
  for (const body of ['{', '', '[]', '"x"', 'nonsense']) {
    const { client_id: name, client_secret: secret } = {
      client_id: 'client-mcp-custom',
      client_secret: 'secret-mcp-custom',
    }
    const headers = { authorization: basicOf(name, secret), 'content-type': 'application/json' }
    const reply = await world.ask({ method: 'POST', path: '/api/add-application', headers, body })
    assert.equal(envelopeOf(reply).status, 'error', body)
  }
  assert.deepEqual(await read('application', 'admin/mcp-custom'), before)
})

test('a list may be asked for by pages, with how many rows there are', async () => {
  const page = envelopeOf(await world.administer('get-users?owner=acme&p=2&pageSize=3'))
  assert.deepEqual(
    (page.data as readonly { name: string }[]).map(({ name }) => name),
    ['frank'],
  )
  assert.equal(page.data2, 4)
})

test('renaming a cert renames the key, and the applications follow', async () => {
  const cert = await read('cert', 'admin/cert-acme')
  await world.administer('update-cert?id=admin/cert-acme', { ...cert, name: 'cert-renamed' })
  const { access_token: token } = await tokensFor(world, { application: 'mcp-custom' })
  assert.equal(decodeJwt(token).header['kid'], 'cert-renamed')
  const { body } = await world.ask({ path: '/.well-known/mcp-custom/jwks' })
  assert.deepEqual(
    (body as { keys: readonly { kid: string }[] }).keys.map(({ kid }) => kid),
    ['cert-renamed'],
  )
})

test('a cert keeps its name where that is taken, and so do the applications', async () => {
  const cert = await read('cert', 'admin/cert-acme')
  const reply = await world.administer('update-cert?id=admin/cert-acme', { ...cert, name: 'cert-acme-es' })
  assert.equal(envelopeOf(reply).data, 'Unaffected')
  assert.equal((await read('application', 'admin/mcp-custom'))?.['cert'], 'cert-acme')
})

test('a role shows in the tokens of the next sign-in, and is gone when it is switched off', async () => {
  const roles = async (): Promise<unknown> =>
    decodeJwt((await tokensFor(world, { application: 'mcp-roles-ok' })).access_token).claims['role_names']
  assert.deepEqual(await roles(), ['editors'])
  const role = await read('role', 'acme/editors')
  await world.administer('update-role?id=acme/editors', { ...role, isEnabled: false })
  assert.equal(await roles(), undefined, 'an empty list is left out')
})

test('a user needs an organization with an application', async () => {
  await world.administer('add-organization', { owner: 'admin', name: 'globex' })
  const reply = await world.administer('add-user', { owner: 'globex', name: 'dave' })
  assert.match(envelopeOf(reply).msg, /should have one application at least/)
})

test('a permission opens an application to the members of a role, and to nobody else', async () => {
  const about = { owner: 'acme', resourceType: 'Application', resources: ['mcp-custom'], isEnabled: true }
  const editors = { name: 'editors-only', roles: ['acme/editors'], effect: 'Allow' }
  await world.administer('add-permission', { ...about, ...editors })
  // Being named is not enough.
  await world.administer('add-permission', { ...about, name: 'not-bob', users: ['acme/bob'], effect: 'Deny' })
  assert.match(await codeFor(world, { application: 'mcp-custom' }), /^[0-9a-f]{20}$/)
  await assert.rejects(codeFor(world, { application: 'mcp-custom', user: 'bob' }), /Unauthorized operation/)
})

test('registration is by organization, and ends when it is switched off', async () => {
  const register = async (organization: string): Promise<number> => {
    const path = `/api/oauth/register?organization=${organization}`
    const headers = { 'content-type': 'application/json' }
    const body = { redirect_uris: ['http://localhost:1/cb'] }
    return (await world.ask({ method: 'POST', path, headers, body })).status
  }
  const acme = await read('organization', 'admin/acme')
  await world.administer('update-organization?id=admin/acme', { ...acme, dcrPolicy: 'open' })
  assert.deepEqual([await register('acme'), await register('built-in')], [201, 400])
  await world.administer('update-organization?id=admin/acme', { ...acme, dcrPolicy: 'disabled' })
  assert.equal(await register('acme'), 400)
})
