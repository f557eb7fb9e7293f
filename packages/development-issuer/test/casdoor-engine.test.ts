/** CA10: the development issuer with the manners of Casdoor. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import {
  casdoorApplication,
  type DevelopmentIssuer,
  type DevelopmentIssuerOptions,
  startDevelopmentIssuer,
} from '@mcp-doorman/development-issuer'
import { decodeJwt } from './recorded-exchanges.ts'

const resource = 'https://mcp.example/mcp'
const scopes = ['files:list', 'files:read', 'files:write']
const redirectUri = 'http://127.0.0.1:1/callback'
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

async function start(
  t: TestContext,
  options: Partial<DevelopmentIssuerOptions> = {},
): Promise<DevelopmentIssuer> {
  const issuer = await startDevelopmentIssuer({
    like: 'casdoor',
    port: 0,
    resources: [{ resource, scopes }],
    autoLogin: true,
    autoConsent: true,
    ...options,
  })
  t.after(() => issuer.close())
  return issuer
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly scope: string
  readonly expires_in: number
}

/** Logs the first user in without a page, and exchanges the code. */
async function logIn(
  { issuer }: DevelopmentIssuer,
  { scope = 'files:list files:read', clientId = 'doorman-dev' } = {},
): Promise<Tokens> {
  const query = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state: 'state',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    resource,
  })
  const answer = await fetch(`${issuer}/login/oauth/authorize?${query}`, { redirect: 'manual' })
  const code = new URL(answer.headers.get('location') ?? 'about:nowhere').searchParams.get('code') ?? ''
  const body = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    resource,
  }
  const exchanged = await fetch(`${issuer}/api/login/oauth/access_token`, {
    method: 'POST',
    body: new URLSearchParams(body),
  })
  return (await exchanged.json()) as Tokens
}

test('CA10: a login gives tokens that say who the user is, as Casdoor says it', async (t) => {
  const users = [
    {
      name: 'carol',
      password: 'carol',
      organization: 'acme',
      roles: ['editor', 'owner'],
      groups: ['acme/staff'],
    },
  ]
  const issuer = await start(t, { users, accessTokenSeconds: 90 })
  const tokens = await logIn(issuer)
  const { header, claims } = decodeJwt(tokens.access_token)
  const { exp, iat, sub, jti, nbf, ...others } = claims
  assert.deepEqual(header, { alg: 'RS256', kid: 'cert-mcp-files', typ: 'JWT' })
  assert.deepEqual(others, {
    aud: [resource],
    azp: 'doorman-dev',
    groups: ['acme/staff'],
    iss: issuer.issuer,
    name: 'carol',
    nonce: '',
    owner: 'acme',
    permissionNames: [],
    role_names: ['editor', 'owner'],
    scope: 'files:list files:read',
    tokenType: 'access-token',
  })
  assert.equal(Number(exp) - Number(iat), 90)
  assert.deepEqual([nbf, typeof jti], [iat, 'string'])
  assert.match(String(sub), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)

  const again = await start(t, { users })
  assert.equal(decodeJwt((await logIn(again)).access_token).claims['sub'], sub, 'the id outlives a restart')
})

test('CA10: the key set of the application has one key, and verifies what was minted without a login', async (t) => {
  const issuer = await start(t)
  const keySet = createRemoteJWKSet(new URL(`${issuer.issuer}/.well-known/${casdoorApplication}/jwks`))
  const answer = await fetch(`${issuer.issuer}/development/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${issuer.secret}` },
    body: JSON.stringify({ user: 'bob', scope: 'files:read', ttlSeconds: 30 }),
  })
  const { access_token: token, expires_in: seconds } = (await answer.json()) as Tokens
  const { payload } = await jwtVerify(token, keySet, { issuer: issuer.issuer, audience: resource })
  assert.deepEqual([payload['name'], payload['scope'], seconds], ['bob', 'files:read', 30])

  for (const [change, problem] of [
    [{ user: 'nobody' }, /unknown user/],
    [{ scope: 'files:delete' }, /unknown scope/],
    [{ client_id: 'nobody' }, /unknown client/],
  ] as const) {
    const refused = await fetch(`${issuer.issuer}/development/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${issuer.secret}` },
      body: JSON.stringify({ user: 'bob', scope: 'files:read', ...change }),
    })
    assert.equal(refused.status, 400)
    assert.match(((await refused.json()) as { error_description: string }).error_description, problem)
  }
})

test('CA10: a rotation leaves the old key to the key set of the instance alone; a replacement, to none', async (t) => {
  const issuer = await start(t)
  const verify = async (token: string, name: string): Promise<string> => {
    const keySet = createRemoteJWKSet(new URL(`${issuer.issuer}/.well-known/${name}jwks`))
    return jwtVerify(token, keySet, { issuer: issuer.issuer }).then(
      () => 'good',
      (error: { code?: string }) => error.code ?? 'unknown',
    )
  }
  const own = `${casdoorApplication}/`
  const first = (await logIn(issuer)).access_token
  await issuer.rotateKeys()
  const second = (await logIn(issuer)).access_token
  assert.equal(decodeJwt(second).header['kid'], 'cert-mcp-files-2')
  assert.deepEqual(
    [await verify(first, own), await verify(first, ''), await verify(second, own)],
    ['ERR_JWKS_NO_MATCHING_KEY', 'good', 'good'],
  )
  await issuer.replaceKeyUnderSameId()
  const third = (await logIn(issuer)).access_token
  assert.deepEqual(decodeJwt(third).header, decodeJwt(second).header)
  assert.deepEqual(
    [await verify(second, ''), await verify(third, own)],
    ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'good'],
  )
})

test('CA10: further clients are applications of their own; a secret is theirs', async (t) => {
  const client = { clientId: 'client-b', secret: 'secret-b', redirectUris: ['https://b.example/cb'] }
  const issuer = await start(t, { clients: [client] })
  assert.equal(
    decodeJwt((await logIn(issuer, { clientId: 'client-b' })).access_token).claims['azp'],
    'client-b',
  )
  const ask = async (secret: string): Promise<number> => {
    const body = new URLSearchParams({ client_id: 'client-b', client_secret: secret, token: 'x' })
    const path = '/api/login/oauth/introspect'
    return (await fetch(`${issuer.issuer}${path}`, { method: 'POST', body })).status
  }
  assert.deepEqual([await ask('secret-b'), await ask('secret-c')], [200, 401])
})

test('CA10: scopes are refused that the application has no row for; those of OpenID have one', async (t) => {
  const issuer = await start(t)
  const ask = async (scope: string): Promise<unknown> => (await logIn(issuer, { scope })).scope
  assert.equal(await ask('openid files:write'), 'openid files:write')
  assert.equal(await ask('read files:write'), undefined)
})

test('CA10: an issuer with a path is refused, since no Casdoor has one', async (t) => {
  await assert.rejects(start(t, { issuer: 'http://127.0.0.1:1/casdoor' }), /origin: must be an origin alone/)
})

test('CA10: options that no Casdoor can be told are refused', async (t) => {
  await assert.rejects(start(t, { clientDocuments: {} }), /clientDocuments: Casdoor has nothing of the kind/)
})

test('CA10: registration is on where the options ask for it', async (t) => {
  const register = async (issuer: DevelopmentIssuer): Promise<number> => {
    const path = `${issuer.issuer}/api/oauth/register?organization=doorman`
    const body = JSON.stringify({ redirect_uris: [redirectUri] })
    return (await fetch(path, { method: 'POST', body })).status
  }
  assert.equal(await register(await start(t, { registration: {} })), 201)
  assert.equal(await register(await start(t, { registration: false })), 400)
})

test('CA10: registration is off until an administrator turns it on', async (t) => {
  const issuer = await start(t)
  const register = (): Promise<Response> =>
    fetch(`${issuer.issuer}/api/oauth/register?organization=doorman`, {
      method: 'POST',
      body: JSON.stringify({ redirect_uris: [redirectUri] }),
    })
  assert.equal((await register()).status, 400)
  const credentials = { organization: 'built-in', username: 'admin', password: '123' }
  const login = await fetch(`${issuer.issuer}/api/login`, {
    method: 'POST',
    body: JSON.stringify({ application: 'app-built-in', type: 'login', ...credentials }),
  })
  const [cookie = ''] = (login.headers.get('set-cookie') ?? '').split(';')
  const path = `${issuer.issuer}/api/get-organization?id=admin/doorman`
  const { data } = (await (await fetch(path, { headers: { cookie } })).json()) as { data: object }
  await fetch(`${issuer.issuer}/api/update-organization?id=admin/doorman`, {
    method: 'POST',
    headers: { cookie },
    body: JSON.stringify({ ...data, dcrPolicy: 'open' }),
  })
  assert.equal((await register()).status, 201)
})
