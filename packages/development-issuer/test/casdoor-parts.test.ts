/** The parts of the double on their own: parsers, certificates, limits of what is kept. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { rounds } from '../../../test/rounds.ts'
import { certify, generateCert, readPrivateKey } from '#internal/casdoor/keys/certificate'
import { parseGoJson, parseRow } from '#internal/casdoor/interface/go-json'
import { isPrivateHost } from '#internal/casdoor/interface/hosts'
import { mayRedirect } from '#internal/casdoor/people/redirect-uri'
import { grantScope } from '#internal/casdoor/tokens/scope'
import { Sessions } from '#internal/casdoor/people/sessions'
import { emptyRole, emptyToken } from '#internal/casdoor/rows/small-rows'
import { TokenRows } from '#internal/casdoor/rows/token-rows'
import { type CasdoorOptions, openCasdoor } from '@mcp-doorman/development-issuer'
import { openWorld, signIn, type World } from './casdoor-world.ts'
import { ecPair, rsaPair } from './recorded-instance.ts'

test('redirect URIs: what is accepted is registered, below a registered host, or on this machine', () => {
  const registered = ['https://client.example/cb']
  const parts = fc.constantFrom(
    'https',
    'http',
    '://',
    'client.example',
    '.',
    'evil.example',
    '@',
    ':443',
    '/',
    'cb',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(parts, fc.string({ maxLength: 3 })), { maxLength: 8 }), (pieces) => {
      const uri = pieces.join('')
      if (!mayRedirect(registered, uri)) return
      const { hostname } = new URL(uri)
      const known = ['client.example', 'localhost', '127.0.0.1']
      assert.ok(known.includes(hostname) || /\.(?:client\.example|chromiumapp\.org)$/.test(hostname), uri)
    }),
    rounds(200),
  )
})

const redirectCases: readonly (readonly [uri: string, accepted: boolean])[] = [
  ['https://client.example/cb', true],
  ['https://client.example/cb#part', true],
  ['https://evil.example@client.example/cb', false],
  ['https://client.example@evil.example/cb', false],
  ['https://client.example\\@evil.example/cb', false],
  ['https://evil.example\\.client.example/cb', false],
  ['https://evil.example#.client.example/cb', false],
  ['https://evilclient.example/cb', false],
  ['http://localhost:80@evil.example/', false],
  ['http://localhost', true],
  ['http://localhost.evil.example', false],
  ['https://abc.chromiumapp.org.evil.example/x', false],
  ['javascript:alert(1)', false],
  ['', false],
]

for (const [uri, accepted] of redirectCases) {
  test(`redirect URI ${JSON.stringify(uri)} → ${accepted ? 'accepted' : 'refused'}`, () => {
    assert.equal(mayRedirect(['https://client.example/cb'], uri), accepted)
    assert.equal(mayRedirect([uri], uri), true, 'registered as it is, it is accepted')
    if (!/localhost\/?$/.test(uri))
      assert.equal(mayRedirect(null, uri), false, 'with nothing registered, it is not')
  })
}

test('scopes: what is granted is a list of rows, whatever is asked for', () => {
  const rows = ['files:read', 'files:write', 'a.b', ''].map((name) => ({ name }))
  const names = rows.map(({ name }) => name)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (asked) => {
      const granted = grantScope(rows, asked)
      if (granted === undefined) return
      for (const name of granted.split(' ')) assert.ok(names.includes(name), asked)
    }),
    rounds(200),
  )
  assert.equal(grantScope(rows, 'files:write files:write files:read'), 'files:write files:read')
  assert.equal(grantScope(null, 'any thing'), 'any thing')
})

test('scopes: many patterns over long names are judged within a second or two', () => {
  const rows = Array.from({ length: 10 }, (_, index) => ({ name: 'a'.repeat(60 + 500 * index) }))
  const started = performance.now()
  assert.equal(grantScope(rows, Array.from({ length: 500 }, () => '.*.*.*b').join(' ')), undefined)
  assert.equal(grantScope(rows, `${'.*.*.* '.repeat(500)}.*`), 'a'.repeat(60))
  assert.ok(performance.now() - started < 5000)
})

test('rows: a body never throws, and gives each member the type of the empty row', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const parsed = parseRow(text, emptyRole, 'Role')
      if (!parsed.ok) return assert.notEqual(parsed.message, '')
      for (const [name, value] of Object.entries(parsed.value)) {
        const expected: unknown = Object.entries(emptyRole).find(([member]) => member === name)?.[1]
        assert.equal(typeof value, typeof expected)
      }
    }),
    rounds(200),
  )
  const row = parseRow('{"name":"x","unknown":1,"__proto__":{"owner":"y"},"users":["a"]}', emptyRole, 'Role')
  assert.deepEqual(row, { ok: true, value: { ...emptyRole, name: 'x', users: ['a'] } })
})

test('JSON that ends too early is told from JSON that is wrong', () => {
  for (const text of ['', ' ', '{', '{"a":', '[1,', '"x']) {
    assert.deepEqual(parseGoJson(text), { ok: false, message: 'unexpected end of JSON input' }, text)
  }
  const wrong = parseGoJson('nonsense')
  assert.ok(!wrong.ok && wrong.message === "invalid character 'n' looking for beginning of value")
})

for (const [algorithm, bits] of [
  ['RS256', 2048],
  ['ES256', 256],
  ['ES384', 384],
  ['ES512', 521],
] as const) {
  test(`a certificate for ${algorithm} is one that its own key signed, for its own name`, async () => {
    const facts = { organization: 'admin', commonName: 'cert-x', from: 1_795_402_658, years: 20 }
    const { certificate, privateKey } = await generateCert(algorithm, bits, facts)
    const parsed = new X509Certificate(certificate)
    const key = readPrivateKey(privateKey)
    assert.ok(key !== undefined)
    assert.ok(parsed.verify(parsed.publicKey) && parsed.checkPrivateKey(key))
    assert.deepEqual([parsed.subject, parsed.issuer], ['O=admin\nCN=cert-x', 'O=admin\nCN=cert-x'])
    assert.deepEqual(
      [parsed.validFrom, parsed.validTo],
      ['Nov 23 02:57:38 2026 GMT', 'Nov 23 02:57:38 2046 GMT'],
    )
    assert.equal(parsed.ca, false)
    assert.equal(parsed.serialNumber, '01E240')
  })
}

test('a certificate outlives 2049, whatever its name is', () => {
  const key = readPrivateKey(ecPair.privateKey)
  assert.ok(key !== undefined)
  fc.assert(
    fc.property(
      fc.oneof(
        fc.stringMatching(/^[A-Za-z0-9 '()+,\-./:=?]{1,300}$/),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
      ),
      fc.integer({ min: 1, max: 60 }),
      (name, years) => {
        const facts = { organization: 'admin', commonName: name, from: 1_795_402_658, years }
        const parsed = new X509Certificate(certify(key, facts).certificate)
        assert.ok(parsed.verify(parsed.publicKey))
        assert.equal(new Date(parsed.validTo).getUTCFullYear(), 2026 + years)
      },
    ),
    rounds(40),
  )
})

test('only names without a dot and addresses of private networks are private', () => {
  const closed = [
    'localhost',
    'casdoor:8000',
    '127.0.0.1:1',
    '10.0.0.5',
    '192.168.1.1',
    '172.16.0.1',
    '172.31.0.1',
    '[::1]:80',
  ]
  const open = ['auth.example.com', '11.0.0.5', '172.32.0.1', '192.169.1.1', '10.example.com', '8.8.8.8:53']
  assert.deepEqual(
    closed.filter((host) => !isPrivateHost(host)),
    [],
  )
  assert.deepEqual(open.filter(isPrivateHost), [])
})

test('sessions and tokens are kept up to a number, and the oldest go', () => {
  const sessions = new Sessions()
  const first = sessions.open(undefined)
  sessions.signIn(first, 'acme/alice')
  for (let count = 1; count < 10_000; count += 1) sessions.open(undefined)
  assert.equal(sessions.userOf(first), 'acme/alice')
  sessions.open(undefined)
  assert.equal(sessions.userOf(first), undefined)

  const rows = new TokenRows()
  const tokenOf = (count: number): typeof emptyToken => ({
    ...emptyToken,
    name: String(count),
    code: `code-${count}`,
    accessTokenHash: `hash-${count}`,
  })
  for (let count = 0; count < 20_000; count += 1) rows.put(tokenOf(count))
  assert.equal(rows.byCode('code-0')?.name, '0')
  rows.put(tokenOf(20_000))
  assert.equal(rows.byCode('code-0'), undefined)
  assert.equal(rows.byCode('code-1')?.name, '1')
})

test('options that cannot be used are listed, all at once', async () => {
  const options = {
    origin: 'http://127.0.0.1:1/',
    application: 'nothing',
    autoLogin: 'acme/nobody',
    data: { organisations: [] },
    colour: 'red',
  }
  await assert.rejects(openCasdoor(options as CasdoorOptions), (error: Error) => {
    assert.ok(error instanceof TypeError)
    const names = error.message
      .split('\n')
      .slice(1)
      .map((line) => line.split(':', 1)[0])
    assert.deepEqual(names, ['colour', 'data.organisations', 'origin', 'application', 'autoLogin'])
    return true
  })
})

test('the double does not open in production', async () => {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  const opened = openCasdoor({}).then(
    () => 'opened',
    (error: Error) => error.message,
  )
  if (before === undefined) delete process.env['NODE_ENV']
  else process.env['NODE_ENV'] = before
  assert.match(await opened, /does not start in production/)
})

test('an empty instance has its own organization, administrator, application and cert, and keys of its own', async () => {
  const [one, other] = await Promise.all([openWorld({ data: {} }), openWorld({ data: {} })])
  const keysOf = async (world: World): Promise<readonly { kid: string; n: string }[]> =>
    ((await world.ask({ path: '/.well-known/jwks' })).body as { keys: { kid: string; n: string }[] }).keys
  const [keys, otherKeys] = [await keysOf(one), await keysOf(other)]
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    ['cert-built-in'],
  )
  assert.notEqual(keys[0]?.n, otherKeys[0]?.n)
  for (const [path, name] of [
    ['get-organization?id=admin/built-in', 'built-in'],
    ['get-user?id=built-in/admin', 'admin'],
    ['get-application?id=admin/app-built-in', 'app-built-in'],
    ['get-cert?id=admin/cert-built-in', 'cert-built-in'],
  ] as const) {
    const { data } = (await one.administer(path)).body as { data: { name: string } }
    assert.equal(data.name, name)
  }
  await Promise.all([one.close(), other.close()])
})

test('requests of no form at all are answered, each of many at once', async () => {
  const world = await openWorld()
  const cases = [
    { method: 'POST', path: '/api/login', body: '{' },
    { method: 'POST', path: '/api/login', body: 'null', headers: { 'content-type': 'application/json' } },
    { method: 'POST', path: '/api/grant-consent', body: '[]' },
    {
      method: 'POST',
      path: '/api/oauth/register',
      body: '[1]',
      headers: { 'content-type': 'application/json' },
    },
    {
      method: 'POST',
      path: '/api/login/oauth/access_token',
      body: '"x"',
      headers: { 'content-type': 'application/json' },
    },
    { method: 'POST', path: '/api/login/oauth/introspect', headers: { authorization: 'Basic !!!' } },
    { method: 'PROPFIND', path: '/api/login' },
    { path: '/%zz' },
    { path: '/.well-known/%2e%2e/jwks' },
    { path: '/login/oauth/authorize?client_id=%00&redirect_uri=%zz&state=%0d%0a' },
    { path: '/api/get-application?id=__proto__' },
    { path: '/api/userinfo', headers: { authorization: 'Bearer ' } },
    { path: '/api/userinfo', headers: { authorization: `Bearer ${'x'.repeat(8000)}` } },
    { path: '/api/logout?id_token_hint=' },
  ]
  const all = Array.from({ length: 210 }, (_, index) => cases[index % cases.length] ?? { path: '/' })
  const replies = await Promise.all(all.map((question) => world.ask(question)))
  assert.deepEqual(replies.filter(({ status }) => status >= 500).length, 0)
  const large = await world.ask({ method: 'POST', path: '/api/login', body: 'x'.repeat(1_048_577) })
  assert.equal(large.status, 413)
  assert.equal((await world.ask({ path: '/api/health' })).status, 200)
  await world.close()
})

test('on a public host, pages of registered web addresses may ask, and no others', async () => {
  const world = await openWorld()
  const redirectUris = ['https://client.example/cb', 'cursor://client.example/cb']
  const organization = 'acme'
  await world.administer('add-application', { owner: 'admin', name: 'native', organization, redirectUris })
  const statusOf = async (origin: string, path = '/.well-known/jwks'): Promise<number> =>
    (await world.ask({ path, headers: { host: 'auth.example.com', origin } })).status
  const cases = [
    ['https://client.example', 200],
    ['http://client.example', 403],
    ['https://client.example:8443', 403],
    ['https://auth.example.com', 200],
    ['http://localhost:1', 200],
    ['http://localhost.evil.example', 403],
    ['null', 403],
    ['cursor://client.example', 403],
  ] as const
  for (const [origin, expected] of cases) assert.equal(await statusOf(origin), expected, origin)
  assert.equal(await statusOf('https://else.example', '/api/userinfo'), 200)
  await world.close()
})

test('the clock of the double is the time of its answers', async () => {
  const world = await openWorld()
  world.now = 1_795_402_700
  const { headers } = await world.ask({ path: '/api/health' })
  await world.close()
  assert.equal(headers.date, 'Mon, 23 Nov 2026 02:58:20 GMT')
  assert.match(headers['set-cookie']?.[0] ?? '', /Expires=Wed, 23 Dec 2026 02:58:20 GMT/)
})

test('one broken key takes its application down, and no other', async () => {
  const world = await openWorld()
  const cert = {
    owner: 'admin',
    name: 'cert-bad',
    type: 'x509',
    certificate: rsaPair.certificate,
    privateKey: 'no key',
  }
  await world.administer('add-cert', cert)
  const { body } = await world.administer('get-application?id=admin/mcp-jwt')
  const { data } = body as { data: object }
  await world.administer('update-application?id=admin/mcp-jwt', { ...data, cert: 'cert-bad' })
  const login = async (application: string): Promise<unknown> =>
    ((await signIn(world, { application, user: 'alice' })).body as { status: unknown }).status
  assert.deepEqual([await login('mcp-jwt'), await login('mcp-custom')], ['error', 'ok'])
  await world.close()
})
