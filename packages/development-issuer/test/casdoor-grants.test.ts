/** What the double's token and introspection endpoints do where nothing was recorded. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importPKCS8, SignJWT } from 'jose'
import { createPrivateKey } from 'node:crypto'
import {
  challenge,
  codeFor,
  login,
  openWorld,
  type Reply,
  signIn,
  type Tokens,
  tokensFor,
  verifier,
  type World,
} from './casdoor-world.ts'
import { decodeJwt } from './recorded-exchanges.ts'
import { ecPair, origin, rsaPair } from './recorded-instance.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  world.now += 60
})
afterEach(() => world.close())

const tokenPath = '/api/login/oauth/access_token'

function post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  return world.ask({ method: 'POST', path, body, headers })
}

function credentialsOf(application: string): Readonly<Record<string, string>> {
  return { client_id: `client-${application}`, client_secret: `secret-${application}` }
}

/** The OAuth error of an answer, or what else it is. */
function outcomeOf({ status, body }: Reply): string {
  const { error, status: envelope } = body as { error?: string; status?: string }
  return error ?? (envelope === 'error' ? `${status} envelope` : String(status))
}

async function changeApplication(name: string, members: object): Promise<void> {
  const { body } = await world.administer(`get-application?id=admin/${name}`)
  const { data } = body as { data: object }
  await world.administer(`update-application?id=admin/${name}`, { ...data, ...members })
}

test('a code is good for five minutes, and not for a second more', async () => {
  for (const [seconds, expected] of [
    [300, '200'],
    [301, 'invalid_grant'],
  ] as const) {
    const code = await codeFor(world, { application: 'mcp-custom' })
    world.now += seconds
    const body = {
      grant_type: 'authorization_code',
      client_id: 'client-mcp-custom',
      code,
      code_verifier: verifier,
    }
    assert.equal(outcomeOf(await post(tokenPath, body)), expected)
  }
})

test('the tokens of a code were signed when it was issued: their life begins then', async () => {
  const code = await codeFor(world, { application: 'mcp-custom' })
  const signedAt = world.now
  world.now += 100
  const { body } = await post(tokenPath, {
    grant_type: 'authorization_code',
    client_id: 'client-mcp-custom',
    code,
    code_verifier: verifier,
  })
  const tokens = body as Tokens
  assert.equal(decodeJwt(tokens.access_token).claims['exp'], signedAt + 3600)
  assert.equal(tokens.expires_in, 3600)
})

test('an application without a lifetime gives tokens that have ended; one with, does not', async () => {
  const tokens = await tokensFor(world, { application: 'mcp-custom' })
  await changeApplication('mcp-custom', { expireInHours: 0, refreshExpireInHours: 0 })
  const ended = await tokensFor(world, { application: 'mcp-custom' })
  const { exp, iat } = decodeJwt(ended.access_token).claims
  assert.equal(exp, iat)
  assert.equal(decodeJwt(ended.refresh_token).claims['exp'], iat)
  assert.equal(await isActive(tokens.access_token), true)
  assert.equal(await isActive(ended.access_token), false)
})

async function isActive(token: string): Promise<unknown> {
  const { body } = await post('/api/login/oauth/introspect', {
    ...credentialsOf('rs-introspect'),
    token,
    token_type_hint: 'access_token',
  })
  return (body as { active: unknown }).active
}

test('a token is active until the second in which it ends', async () => {
  const { access_token: token } = await tokensFor(world, { application: 'mcp-custom' })
  world.now += 3599
  assert.equal(await isActive(token), true)
  world.now += 1
  assert.equal(await isActive(token), false)
})

test('without a scope, only the format JWT-Custom has a scope claim', async () => {
  for (const [application, expected] of [
    ['mcp-custom', ''],
    ['mcp-jwt', undefined],
    ['mcp-short', undefined],
    ['mcp-standard', undefined],
  ] as const) {
    const { access_token: token } = await tokensFor(world, { application, scope: '' })
    assert.equal(decodeJwt(token).claims['scope'], expected, application)
  }
})

test('a refresh token may be used once, also by two at a time', async () => {
  const { refresh_token: token } = await tokensFor(world, { application: 'mcp-custom' })
  const refresh = (): Promise<Reply> =>
    post(tokenPath, { grant_type: 'refresh_token', client_id: 'client-mcp-custom', refresh_token: token })
  const outcomes = (await Promise.all([refresh(), refresh(), refresh()])).map(outcomeOf)
  assert.deepEqual(outcomes.toSorted(), ['200', 'invalid_grant', 'invalid_grant'])
})

test('a refresh may ask for scopes of the application, and for no others', async () => {
  for (const [scope, expected] of [
    ['files:read', '200'],
    ['files:delete', 'invalid_scope'],
  ] as const) {
    const { refresh_token: token } = await tokensFor(world, { application: 'mcp-custom' })
    const body = { grant_type: 'refresh_token', client_id: 'client-mcp-custom', refresh_token: token, scope }
    assert.equal(outcomeOf(await post(tokenPath, body)), expected)
  }
})

test('the implicit answers need a grant of their own', async () => {
  const ask = async (): Promise<unknown> => {
    const query = new URLSearchParams({
      clientId: 'client-mcp-custom',
      responseType: 'token',
      redirectUri: 'https://client.example/cb',
      scope: 'files:read',
    })
    const { body } = await signIn(world, { application: 'mcp-custom', user: 'alice', type: 'token' }, query)
    return (body as { data: unknown }).data
  }
  assert.equal(await ask(), null)
  await changeApplication('mcp-custom', { grantTypes: ['authorization_code', 'token'] })
  assert.match(String(await ask()), /^eyJ/)
})

interface AssertionCase {
  readonly name: string
  readonly claims?: object
  readonly key?: string
  readonly expected: string
}

const assertionCases: readonly AssertionCase[] = [
  { name: 'as it should be', expected: '200' },
  {
    name: 'of an issuer that is no redirect URI',
    claims: { iss: 'https://else.example' },
    expected: '200 envelope',
  },
  { name: 'for another server', claims: { aud: 'https://else.example' }, expected: '200 envelope' },
  { name: 'that has ended', claims: { exp: 1 }, expected: '200 envelope' },
  { name: 'without an end', claims: { exp: undefined }, expected: '200 envelope' },
  { name: 'of a client that does not exist', claims: { sub: 'nobody' }, expected: '200 envelope' },
  { name: 'signed with another key', key: ecPair.privateKey, expected: '200 envelope' },
]

for (const { name, claims, key = rsaPair.privateKey, expected } of assertionCases) {
  test(`a client assertion ${name} → ${expected}`, async () => {
    await world.administer('add-cert', { owner: 'admin', name: 'cert-client', type: 'SSL', ...rsaPair })
    await changeApplication('m2m', { clientCert: 'cert-client' })
    const pem = createPrivateKey(key).export({ type: 'pkcs8', format: 'pem' }).toString()
    const alg = key === ecPair.privateKey ? 'ES256' : 'RS256'
    const assertion = await new SignJWT({
      iss: 'https://client.example/cb',
      sub: 'client-m2m',
      aud: `${origin}${tokenPath}`,
      exp: world.now + 60,
      ...claims,
    })
      .setProtectedHeader({ alg })
      .sign(await importPKCS8(pem, alg))
    const parameters = {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }
    assert.equal(
      outcomeOf(await post(tokenPath, { ...parameters, grant_type: 'client_credentials' })),
      expected,
    )
    const { status } = await post('/api/login/oauth/introspect', { ...parameters, token: 'x' })
    assert.equal(status, expected === '200' ? 200 : 401)
  })
}

test('a cert that is not of type x509 is not published', async () => {
  await world.administer('add-cert', { owner: 'admin', name: 'cert-client', type: 'SSL', ...rsaPair })
  const { body } = await world.ask({ path: '/.well-known/jwks' })
  const { keys } = body as { keys: readonly { kid: string }[] }
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    ['cert-acme', 'cert-acme-es', 'cert-built-in'],
  )
})

interface ProofCase {
  readonly name: string
  readonly claims?: object
  readonly header?: object
  readonly expected: string
}

const proofCases: readonly ProofCase[] = [
  { name: 'as it should be', expected: '200' },
  { name: 'for another method', claims: { htm: 'GET' }, expected: 'invalid_dpop_proof' },
  { name: 'for another address', claims: { htu: `${origin}/else` }, expected: 'invalid_dpop_proof' },
  { name: 'six minutes old', claims: { iat: -360 }, expected: 'invalid_dpop_proof' },
  { name: 'without an id', claims: { jti: undefined }, expected: 'invalid_dpop_proof' },
  { name: 'of another type', header: { typ: 'JWT' }, expected: 'invalid_dpop_proof' },
]

for (const { name, claims = {}, header, expected } of proofCases) {
  test(`a DPoP proof ${name} → ${expected}`, async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    const { iat = 0, ...others } = claims as { iat?: number }
    const proof = await new SignJWT({
      htm: 'POST',
      htu: `${origin}${tokenPath}`,
      jti: randomUUID(),
      iat: world.now + iat,
      ...others,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
      .sign(privateKey)
    const code = await codeFor(world, { application: 'mcp-custom' })
    const body = {
      grant_type: 'authorization_code',
      client_id: 'client-mcp-custom',
      code,
      code_verifier: verifier,
    }
    const reply = await post(tokenPath, body, { dpop: proof })
    assert.equal(outcomeOf(reply), expected)
    if (expected !== '200') return
    const tokens = reply.body as Tokens
    assert.equal(tokens.token_type, 'DPoP')
    const refreshed = await post(tokenPath, {
      grant_type: 'refresh_token',
      client_id: 'client-mcp-custom',
      refresh_token: tokens.refresh_token,
    })
    const { body: described } = await post('/api/login/oauth/introspect', {
      ...credentialsOf('rs-introspect'),
      token: (refreshed.body as Tokens).access_token,
    })
    const { cnf } = described as { cnf: { jkt: string } }
    assert.equal(cnf.jkt, await calculateJwkThumbprint(jwk))
  })
}

test('a device has two minutes, and its code is of no use to another client', async () => {
  await changeApplication('mcp-exchange', {
    grantTypes: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
  })
  const { body } = await post('/api/device-auth', { client_id: 'client-mcp-device', scope: 'files:read' })
  const { device_code: code, user_code: userCode } = body as { device_code: string; user_code: string }
  const poll = async (clientId: string): Promise<string> =>
    outcomeOf(
      await post(tokenPath, {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        client_id: clientId,
        device_code: code,
      }),
    )
  assert.equal(await poll('client-mcp-exchange'), 'expired_token')
  assert.equal(await poll('client-mcp-device'), 'authorization_pending')
  world.now += 120
  assert.equal(await poll('client-mcp-device'), 'expired_token')
  const approval = await signIn(world, { application: 'mcp-device', user: 'alice', type: 'device', userCode })
  assert.equal((approval.body as { status: string }).status, 'error')
})

test('a token that was ended cannot be exchanged, and a device gets none for a forbidden user', async () => {
  const exchange = async (token: string): Promise<string> =>
    outcomeOf(
      await post(tokenPath, {
        ...credentialsOf('mcp-exchange'),
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    )
  const { access_token: token } = await tokensFor(world, { application: 'mcp-exchange', user: 'carol' })
  const { body } = await post('/api/device-auth', { client_id: 'client-mcp-device', scope: 'files:read' })
  const { device_code: code, user_code: userCode } = body as { device_code: string; user_code: string }
  await signIn(world, { application: 'mcp-device', user: 'carol', type: 'device', userCode })
  assert.equal(await exchange(token), '200')
  const { body: found } = await world.administer('get-user?id=acme/carol')
  const { data } = found as { data: object }
  await world.administer('update-user?id=acme/carol', { ...data, isForbidden: true })
  assert.equal(await exchange(token), 'invalid_grant')
  const poll = await post(tokenPath, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'client-mcp-device',
    device_code: code,
  })
  assert.equal(outcomeOf(poll), 'access_denied')
})

test('a device may ask for scopes of the application alone', async () => {
  const { body } = await post('/api/device-auth', { client_id: 'client-mcp-device', scope: 'files:delete' })
  assert.equal((body as { error: string }).error, 'invalid_scope')
})

test('a resource may be any absolute URI, and the first of several is taken', async () => {
  for (const [resource, accepted] of [
    ['https://mcp.example/mcp#part', true],
    ['urn:mcp:files', true],
    ['//mcp.example/mcp', false],
    ['', true],
  ] as const) {
    const { body } = await login(world, { application: 'mcp-custom', resource })
    const { status } = body as { status: string }
    assert.equal(status, accepted ? 'ok' : 'error', resource)
  }
  const query = `grant_type=authorization_code&client_id=client-mcp-custom&code_verifier=${verifier}`
  const code = await codeFor(world, {
    application: 'mcp-custom',
    resource: 'urn:a',
    codeChallenge: challenge,
  })
  const path = `${tokenPath}?${query}&code=${code}&resource=urn:a&resource=urn:b`
  const { body } = await world.ask({ method: 'POST', path })
  assert.deepEqual(decodeJwt((body as Tokens).access_token).claims['aud'], ['urn:a'])
})

test('a shared application serves the organization that its client id names, with that in the audience', async () => {
  const shared = 'client-shared-bi-org-acme'
  const { access_token: token } = await tokensFor(world, { application: 'shared-bi', clientId: shared })
  const { aud, azp } = decodeJwt(token).claims
  assert.deepEqual({ aud, azp }, { aud: [shared], azp: 'client-shared-bi' })
  // An application that is not shared has no such names.
  const { body } = await login(world, { application: 'mcp-custom', clientId: 'client-mcp-custom-org-acme' })
  assert.equal((body as { msg: string }).msg, 'Invalid client_id')
})
