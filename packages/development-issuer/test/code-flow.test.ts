import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { test } from 'node:test'
import {
  type Answer,
  authorizeUrl,
  decode,
  files,
  getCode,
  getJson,
  getTokens,
  logIn,
  redeem,
  redirectUri,
  refresh,
  register,
  resource,
  startIssuer,
  tokensOf,
} from './oauth-client.ts'

test('CA2: A login ends at the client with code, state and iss, and the code gives tokens', async (t) => {
  const { issuer, ...rest } = await startIssuer(t)
  const back = await logIn({ issuer, ...rest })

  assert.equal(back.origin + back.pathname, redirectUri)
  assert.equal(back.searchParams.get('state'), 'a state & more')
  assert.deepEqual(back.searchParams.getAll('iss'), [issuer])
  const answer = await redeem({ issuer, ...rest }, back.searchParams.get('code') ?? '')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(answer.body['token_type'], 'Bearer')
  assert.equal(answer.body['expires_in'], 3600)
  assert.equal(typeof answer.body['refresh_token'], 'string')
  assert.ok(!JSON.stringify(answer.body).includes('null'))
})

test('RFC 9068: an access token is an at+jwt with exactly these claims, signed by a published key', async (t) => {
  const issuer = await startIssuer(t)
  const { access } = await getTokens(issuer)
  const { header, claims } = decode(access)

  assert.equal(header['alg'], 'RS256')
  assert.equal(header['typ'], 'at+jwt')
  assert.deepEqual(Object.keys(claims).sort(), [
    'aud',
    'client_id',
    'exp',
    'iat',
    'iss',
    'jti',
    'scope',
    'sub',
  ])
  assert.equal(claims['iss'], issuer.issuer)
  assert.equal(claims['aud'], resource)
  assert.equal(claims['sub'], 'alice')
  assert.equal(claims['client_id'], 'doorman-dev')
  assert.equal(claims['scope'], 'files:list files:read')
  assert.equal(Number(claims['exp']) - Number(claims['iat']), 3600)
  assert.ok(await isSignedByPublishedKey(issuer.issuer, access))
})

const badRequests: readonly { name: string; params: Record<string, string | undefined>; error: string }[] = [
  {
    name: 'no code_challenge',
    params: { code_challenge: undefined, code_challenge_method: undefined },
    error: 'invalid_request',
  },
  { name: 'PKCE plain', params: { code_challenge_method: 'plain' }, error: 'invalid_request' },
  {
    name: 'PKCE without a method, which means plain',
    params: { code_challenge_method: undefined },
    error: 'invalid_request',
  },
  {
    name: 'an unknown resource',
    params: { resource: 'http://127.0.0.1:8080/other' },
    error: 'invalid_target',
  },
  {
    name: 'the resource with a slash after its path',
    params: { resource: `${resource}/` },
    error: 'invalid_target',
  },
  {
    name: 'the resource in capitals',
    params: { resource: 'HTTP://127.0.0.1:8080/mcp' },
    error: 'invalid_target',
  },
  { name: 'the implicit flow', params: { response_type: 'token' }, error: 'unsupported_response_type' },
  { name: 'prompt=none, since consent is always asked', params: { prompt: 'none' }, error: 'login_required' },
]
for (const { name, params, error } of badRequests) {
  test(`CA2, M43: ${name} is refused at the client, with iss, before any page`, async (t) => {
    const issuer = await startIssuer(t)
    const response = await fetch(authorizeUrl(issuer, params), { redirect: 'manual' })
    const back = new URL(response.headers.get('location') ?? '')
    assert.equal(response.status, 303)
    assert.equal(back.origin + back.pathname, redirectUri)
    // Errors of other response types than code come back in the fragment.
    const said = new URLSearchParams(back.search === '' ? back.hash.slice(1) : back.search)
    assert.equal(said.get('error'), error)
    assert.equal(said.get('iss'), issuer.issuer)
    assert.equal(said.get('state'), 'a state & more')
  })
}

test('a state of 4096 characters comes back whole; a longer one is refused at the client', async (t) => {
  const issuer = await startIssuer(t)
  const state = 'x'.repeat(4096)
  const back = await logIn(issuer, { params: { state } })
  assert.equal(back.searchParams.get('state'), state)
  assert.ok(back.searchParams.has('code'))

  const refused = await fetch(authorizeUrl(issuer, { state: `${state}x` }), { redirect: 'manual' })
  const { searchParams } = new URL(refused.headers.get('location') ?? '')
  assert.equal(searchParams.get('error'), 'invalid_request')
  assert.match(searchParams.get('error_description') ?? '', /state must not be longer than 4096/)
})

test('an authorization request of 8 KiB is looked at; a longer one gets a page that says so', async (t) => {
  const issuer = await startIssuer(t)
  const url = authorizeUrl(issuer, { login_hint: '' })
  const filler = 'x'.repeat(8192 - url.search.length)
  const ask = (hint: string): Promise<Response> =>
    fetch(authorizeUrl(issuer, { login_hint: hint }), { redirect: 'manual' })
  assert.equal((await ask(filler)).status, 303)
  const refused = await ask(`${filler}x`)
  assert.equal(refused.status, 414)
  assert.match(await refused.text(), /more than 8 KiB/)
})

test('CA3, M43: an unknown client and an unknown redirect get a page with status 400, never a redirect', async (t) => {
  const issuer = await startIssuer(t)
  for (const params of [
    { client_id: 'nobody' },
    { client_id: undefined },
    { redirect_uri: 'https://evil.example/callback' },
    { redirect_uri: 'http://127.0.0.1:49152/callback/..' },
    { redirect_uri: 'http://user@127.0.0.1/callback' },
    { redirect_uri: undefined },
  ]) {
    const response = await fetch(authorizeUrl(issuer, params), { redirect: 'manual' })
    assert.equal(response.status, 400, JSON.stringify(params))
    assert.equal(response.headers.get('location'), null)
    assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(response.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  }
})

test('a first look at the authorization URL without cookies uses nothing up', async (t) => {
  const issuer = await startIssuer(t)
  const url = authorizeUrl(issuer)
  const look = await fetch(url, { redirect: 'manual' })
  assert.equal(look.status, 303)
  assert.equal((await redeem(issuer, await getCode(issuer))).status, 200)
})

for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
  test(`CF15, CF16: a client that registered localhost comes back at ${host}, on any port`, async (t) => {
    const issuer = await startIssuer(t)
    const { body } = await register(issuer, {
      redirect_uris: ['http://localhost/callback'],
      token_endpoint_auth_method: 'none',
    })
    const client = String(body['client_id'])
    const uri = `http://${host}:50123/callback`
    const back = await logIn(issuer, { params: { client_id: client, redirect_uri: uri } })
    assert.equal(back.origin + back.pathname, uri)
    const code = back.searchParams.get('code') ?? ''
    assert.equal((await redeem(issuer, code, { client_id: client, redirect_uri: uri })).status, 200)
  })
}

test('with exact loopback hosts, localhost is not 127.0.0.1, and the port is still free', async (t) => {
  const issuer = await startIssuer(t, { redirects: { loopbackHosts: 'exact' } })
  const { body } = await register(issuer, { redirect_uris: ['http://localhost/callback'] })
  const client = { client_id: String(body['client_id']) }
  const ask = (uri: string): Promise<Response> =>
    fetch(authorizeUrl(issuer, { ...client, redirect_uri: uri }), { redirect: 'manual' })
  assert.equal((await ask('http://localhost:1234/callback')).status, 303)
  assert.equal((await ask('http://127.0.0.1:1234/callback')).status, 400)
})

test('M43: of six requests with one code at the same time exactly one succeeds, and its tokens are revoked', async (t) => {
  const issuer = await startIssuer(t)
  const code = await getCode(issuer)
  const answers = await Promise.all(Array.from({ length: 6 }, () => redeem(issuer, code)))
  const [success, ...others] = answers.filter(({ status }) => status === 200)
  assert.ok(success !== undefined && others.length === 0, answers.map(({ status }) => status).join())
  for (const { status, body } of answers.filter((answer) => answer !== success)) {
    assert.equal(status, 400)
    assert.equal(body['error'], 'invalid_grant')
  }
  assert.equal((await refresh(issuer, tokensOf(success).refresh)).body['error'], 'invalid_grant')
})

test('M43: a code works once; the second use also ends what the first was given', async (t) => {
  const issuer = await startIssuer(t)
  const code = await getCode(issuer)
  const tokens = tokensOf(await redeem(issuer, code))
  assert.equal((await redeem(issuer, code)).body['error'], 'invalid_grant')
  assert.equal((await refresh(issuer, tokens.refresh)).body['error'], 'invalid_grant')
})

const wrongExchanges: readonly {
  name: string
  form: Record<string, string>
  headers?: Record<string, string>
  status: number
  error: string
}[] = [
  {
    name: 'Basic with an empty secret, as the Go client tries first',
    form: {},
    headers: { authorization: `Basic ${Buffer.from('doorman-dev:').toString('base64')}` },
    status: 400,
    error: 'invalid_request',
  },
  {
    name: 'a secret that a public client does not have',
    form: { client_secret: 'guess' },
    status: 401,
    error: 'invalid_client',
  },
  { name: 'an unknown client', form: { client_id: 'nobody' }, status: 401, error: 'invalid_client' },
  {
    name: 'another redirect',
    form: { redirect_uri: 'http://127.0.0.1:49153/callback' },
    status: 400,
    error: 'invalid_grant',
  },
  {
    name: 'the wrong verifier',
    form: { code_verifier: 'b'.repeat(43) },
    status: 400,
    error: 'invalid_grant',
  },
]
for (const { name, form, headers, status, error } of wrongExchanges) {
  test(`a code survives ${name}`, async (t) => {
    const issuer = await startIssuer(t)
    const code = await getCode(issuer)
    const refused = await redeem(issuer, code, form, headers)
    assert.equal(refused.status, status)
    assert.equal(refused.body['error'], error)
    assert.equal((await redeem(issuer, code)).status, 200)
  })
}

test('a token request for another resource than the one allowed is refused', async (t) => {
  const other = { ...files, resource: 'http://127.0.0.1:8080/other' }
  const issuer = await startIssuer(t, { resources: [files, other] })
  const refused = await redeem(issuer, await getCode(issuer), { resource: other.resource })
  assert.equal(refused.body['error'], 'invalid_target')
  const { access } = tokensOf(await redeem(issuer, await getCode(issuer), { resource }))
  assert.equal(decode(access).claims['aud'], resource)
})

test('CA6: without resource, the only one is meant; with two, the request must say which', async (t) => {
  const one = await startIssuer(t)
  const { access } = await getTokens(one, { params: { resource: undefined } })
  assert.equal(decode(access).claims['aud'], resource)

  const two = await startIssuer(t, {
    resources: [files, { ...files, resource: 'http://127.0.0.1:8080/other' }],
  })
  const response = await fetch(authorizeUrl(two, { resource: undefined }), { redirect: 'manual' })
  assert.equal(new URL(response.headers.get('location') ?? '').searchParams.get('error'), 'invalid_target')
})

for (const registered of ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/']) {
  for (const asked of ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/']) {
    test(`the root resource ${registered} asked for as ${asked} gives the registered aud`, async (t) => {
      const issuer = await startIssuer(t, { resources: [{ ...files, resource: registered }] })
      const code = await getCode(issuer, { params: { resource: asked } })
      const tokens = tokensOf(await redeem(issuer, code, { resource: asked }))
      assert.equal(decode(tokens.access).claims['aud'], registered)
      const again = tokensOf(await refresh(issuer, tokens.refresh, { resource: asked }))
      assert.equal(decode(again.access).claims['aud'], registered)
    })
  }
}

test('CA2: Deny ends at the client with access_denied, state and iss', async (t) => {
  const issuer = await startIssuer(t)
  const { searchParams } = await logIn(issuer, { decision: 'deny' })
  assert.equal(searchParams.get('error'), 'access_denied')
  assert.equal(searchParams.get('state'), 'a state & more')
  assert.equal(searchParams.get('iss'), issuer.issuer)
  assert.equal(searchParams.get('code'), null)
})

test('CA8: with autoLogin and autoConsent one request without cookies and pages ends at the client', async (t) => {
  const issuer = await startIssuer(t, { autoLogin: true, autoConsent: true })
  const response = await fetch(
    authorizeUrl(issuer, { prompt: 'consent', scope: 'files:read offline_access' }),
    {
      redirect: 'manual',
    },
  )
  const back = new URL(response.headers.get('location') ?? '')
  assert.equal(back.searchParams.get('iss'), issuer.issuer)
  const { access } = tokensOf(await redeem(issuer, back.searchParams.get('code') ?? ''))
  assert.equal(decode(access).claims['sub'], 'alice')
  assert.equal(decode(access).claims['scope'], 'files:read')
})

async function isSignedByPublishedKey(issuer: string, token: string): Promise<boolean> {
  const { body }: Answer = await getJson(`${issuer}/jwks`)
  assert.ok(!JSON.stringify(body).includes('"d"'), 'a private key is published')
  const keys = Array.isArray(body['keys']) ? body['keys'] : []
  const key: unknown = keys.find(
    (candidate: { kid?: unknown }) => candidate.kid === decode(token).header['kid'],
  )
  const [header, claims, signature = ''] = token.split('.')
  const publicKey = createPublicKey({ key: { ...Object(key) }, format: 'jwk' })
  return verify(
    'RSA-SHA256',
    Buffer.from(`${header}.${claims}`),
    publicKey,
    Buffer.from(signature, 'base64url'),
  )
}
