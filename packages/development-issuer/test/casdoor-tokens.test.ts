/** CA10: the tokens of the double, held to those that were recorded. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { openWorld, sessionOf, type Tokens, tokensFor, type World } from './casdoor-world.ts'
import { findDifferences } from './exchange-differences.ts'
import { decodeJwt, readRecording, recordings } from './recorded-exchanges.ts'
import { provisionedAt, rsaCert } from './recorded-instance.ts'

interface RecordedToken {
  readonly jwt: string
  readonly header: object
  readonly claims: Readonly<Record<string, unknown>>
}

/** A file of `test/fixtures/casdoor/tokens`. */
interface Sample {
  readonly expectedAudience: string
  readonly tokenResponse?: object
  readonly accessToken?: RecordedToken
  readonly refreshToken?: RecordedToken
  readonly logoutToken?: RecordedToken
  readonly tokenBefore?: RecordedToken
  readonly tokenAfter?: RecordedToken
}

const names = readdirSync(new URL('tokens', recordings))
  .map((file) => file.replace('.json', ''))
  .filter((name) => name !== 'summary')

const readSample = (name: string): Sample => readRecording(`tokens/${name}.json`) as Sample

interface SummaryRow {
  readonly sample: string
  readonly accessClaims: number
  readonly lifetimeSeconds: number
}

const summary = readRecording('tokens/summary.json') as { readonly rows: readonly SummaryRow[] }

let world: World
before(async () => {
  world = await openWorld()
  const cert = { ...rsaCert, name: 'cert-dup' }
  await world.administer('add-cert', { ...cert, owner: 'admin' })
  await world.administer('add-cert', { ...cert, owner: 'globex' })
  await world.administer('add-cert', { ...rsaCert, owner: 'admin', name: 'cert-rot' })
  const role = { owner: 'acme', name: 'viewers', users: ['acme/bob'], isEnabled: true }
  await world.administer('add-role', role)
  for (const name of ['can-write', 'can-write2']) {
    await world.administer('add-permission', {
      owner: 'acme',
      name,
      users: ['acme/bob'],
      resourceType: 'Custom',
      resources: ['files'],
      actions: ['Write'],
      effect: 'Allow',
      isEnabled: true,
      state: 'Approved',
    })
  }
})
after(() => world.close())

/** Gets the tokens that a sample shows, in the way in which they were got. */
async function tokensLike(token: RecordedToken): Promise<Tokens> {
  const { azp, aud, scope, nonce, iat, sub } = token.claims
  const clientId = String(azp)
  const application = clientId.replace(/^client-/, '')
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  world.now = Number(iat)
  if (text(sub).startsWith('admin/')) {
    const body = {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: `secret-${application}`,
      scope: text(scope),
    }
    const reply = await world.ask({ method: 'POST', path: '/api/login/oauth/access_token', body })
    return reply.body as Tokens
  }
  const audience = String(aud)
  const isClient = audience.startsWith('client-')
  return tokensFor(world, {
    application,
    clientId: isClient ? audience : clientId,
    user: sub === '5c7d4bea-14f6-411a-b80f-8c10fccb925a' ? 'bob' : 'alice',
    scope: text(scope),
    nonce: text(nonce),
    ...(!isClient && { resource: audience }),
  })
}

const unsigned = (jwt: string): string => jwt.slice(0, jwt.lastIndexOf('.'))
const signatureOf = (jwt: string): string => jwt.slice(unsigned(jwt).length + 1)

/** The double's own cert is half as long as that of an instance. */
const otherKeySize = ['mcp-default-cert']

function compareToken(name: string, recorded: RecordedToken, jwt: string): void {
  const { header, claims } = decodeJwt(jwt)
  assert.deepEqual(
    findDifferences({ header: recorded.header, claims: recorded.claims }, { header, claims }, 'all members'),
    [],
  )
  const order = Object.keys(decodeJwt(recorded.jwt).claims)
  assert.deepEqual(Object.keys(claims), order, 'the claims stand in the recorded order')
  assert.equal(unsigned(jwt).length, unsigned(recorded.jwt).length, 'as many bytes')
  if (otherKeySize.includes(name)) return
  assert.equal(signatureOf(jwt).length, signatureOf(recorded.jwt).length, 'a signature as long')
}

for (const { sample: name, accessClaims, lifetimeSeconds } of summary.rows) {
  test(`${name}: ${accessClaims} claims, and a life of ${lifetimeSeconds} seconds`, async () => {
    const { accessToken } = readSample(name)
    assert.ok(accessToken !== undefined)
    const { claims } = decodeJwt((await tokensLike(accessToken)).access_token)
    assert.equal(Object.keys(claims).length, accessClaims)
    assert.equal(Number(claims['exp']) - Number(claims['iat']), lifetimeSeconds)
  })
}

for (const name of names) {
  const sample = readSample(name)
  const { accessToken, refreshToken, tokenResponse, logoutToken } = sample
  if (accessToken !== undefined) {
    test(`the access token ${name} has the recorded claims, order and size`, async () => {
      compareToken(name, accessToken, (await tokensLike(accessToken)).access_token)
    })
  }
  if (refreshToken !== undefined) {
    test(`the refresh token ${name} has the recorded claims, order and size, and no key id`, async () => {
      compareToken(name, refreshToken, (await tokensLike(refreshToken)).refresh_token)
    })
  }
  if (accessToken !== undefined && tokenResponse !== undefined) {
    test(`the answer that ${name} came with has the recorded members; the ID token is the access token`, async () => {
      const tokens = await tokensLike(accessToken)
      assert.deepEqual(findDifferences(tokenResponse, tokens, 'all members'), [])
      assert.equal(tokens.id_token, tokens.access_token)
    })
  }
  if (logoutToken !== undefined) {
    test(`the logout token ${name} has the recorded claims, order and size`, async () => {
      const own = await openWorld()
      own.now = Number(logoutToken.claims['iat'])
      await tokensFor(own, { application: 'mcp-bcl', user: 'bob' })
      const cookie = await sessionOf(own, 'bob')
      await own.ask({ method: 'POST', path: '/api/sso-logout', headers: { cookie } })
      await own.close()
      assert.deepEqual(
        own.logouts.map(({ uri }) => uri),
        ['http://127.0.0.1:9/logout'],
      )
      compareToken(name, logoutToken, own.logouts[0]?.logoutToken ?? '')
    })
  }
}

test('rotation-in-place: the same key id before and after, and only the new key verifies the new token', async () => {
  const { tokenBefore, tokenAfter } = readSample('rotation-in-place')
  assert.ok(tokenBefore !== undefined && tokenAfter !== undefined)
  const earlier = await tokensLike(tokenBefore)
  compareToken('rotation-in-place', tokenBefore, earlier.access_token)
  const { body } = await world.administer('get-cert?id=admin/cert-rot')
  const { data } = body as { data: object }
  await world.administer('update-cert?id=admin/cert-rot', { ...data, certificate: '', privateKey: '' })
  const later = await tokensLike(tokenAfter)
  compareToken('rotation-in-place', tokenAfter, later.access_token)

  assert.equal(await isActive('mcp-rot', earlier.access_token), false)
  assert.equal(await isActive('mcp-rot', later.access_token), true)
})

async function isActive(application: string, token: string): Promise<unknown> {
  const { body } = await world.ask({
    method: 'POST',
    path: '/api/login/oauth/introspect',
    body: {
      token,
      token_type_hint: 'access_token',
      client_id: `client-${application}`,
      client_secret: `secret-${application}`,
    },
  })
  return (body as { active: unknown }).active
}

test('tokens end when their user is forbidden, and stay ended', async () => {
  const own = await openWorld()
  own.now = provisionedAt + 60
  const { access_token: token } = await tokensFor(own, { application: 'mcp-custom', user: 'carol' })
  const before = await own.ask({ path: '/api/userinfo', headers: { authorization: `Bearer ${token}` } })
  const { body } = await own.administer('get-user?id=acme/carol')
  const { data } = body as { data: object }
  await own.administer('update-user?id=acme/carol', { ...data, isForbidden: true })
  const forbidden = await own.ask({ path: '/api/userinfo', headers: { authorization: `Bearer ${token}` } })
  await own.close()
  assert.equal((before.body as { sub?: unknown }).sub, '574e9ea3-5e7b-4266-a669-54179d9c65b5')
  assert.equal((forbidden.body as { status?: unknown }).status, 'error')
})
