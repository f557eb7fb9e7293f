import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type DevelopmentIssuer, readIssuerSecret } from '@mcp-doorman/development-issuer'
import { type Answer, decode, files, getJson, postForm, resource, startIssuer } from './oauth-client.ts'

const wanted = { user: 'bob', scope: 'files:read files:list' }

async function ask(
  issuer: DevelopmentIssuer,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${issuer.issuer}/development/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${issuer.secret}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const document: unknown = await response.json()
  return { status: response.status, headers: response.headers, body: { ...Object(document) } }
}

test('the secret of the state folder gives a token without a login', async (t) => {
  const state = temporaryFolder(t)
  const issuer = await startIssuer(t, { state })
  const file = readIssuerSecret(state)
  assert.deepEqual(file, { issuer: issuer.issuer, pid: process.pid, secret: issuer.secret })
  assert.equal(statSync(join(state, 'issuer.json')).mode & 0o777, 0o600)

  const { status, headers, body } = await ask(issuer, wanted, { authorization: `Bearer ${file.secret}` })
  assert.equal(status, 200)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual([body['token_type'], body['expires_in'], body['scope']], ['Bearer', 3600, wanted.scope])
  const { header, claims } = decode(String(body['access_token']))
  assert.equal(header['typ'], 'at+jwt')
  assert.deepEqual(
    [claims['iss'], claims['aud'], claims['sub'], claims['client_id'], claims['scope']],
    [issuer.issuer, resource, 'bob', 'doorman-dev', wanted.scope],
  )
  const { body: keys } = await getJson(`${issuer.issuer}/jwks`)
  assert.ok(JSON.stringify(keys).includes(String(header['kid'])))
})

test('the token can be introspected and revoked like any other', async (t) => {
  const checker = {
    clientId: 'checker',
    redirectUris: ['http://127.0.0.1/callback'],
    secret: 'a secret of the checker',
    mayIntrospect: true,
  }
  const issuer = await startIssuer(t, { clients: [checker] })
  const { body } = await ask(issuer, wanted)
  const token = String(body['access_token'])
  const form = { token, client_id: checker.clientId, client_secret: checker.secret }
  assert.equal((await postForm(`${issuer.issuer}/introspect`, form)).body['active'], true)
  await postForm(`${issuer.issuer}/revoke`, { token, client_id: 'doorman-dev' })
  assert.equal((await postForm(`${issuer.issuer}/introspect`, form)).body['active'], false)
})

test('resource, lifetime and client may be said', async (t) => {
  const other = { ...files, resource: 'http://127.0.0.1:9000/other' }
  const issuer = await startIssuer(t, { resources: [files, other] })
  const { status, body } = await ask(issuer, {
    ...wanted,
    resource: other.resource,
    ttlSeconds: 7,
    client_id: 'doorman-dev',
  })
  assert.equal(status, 200)
  const { claims } = decode(String(body['access_token']))
  assert.equal(claims['aud'], other.resource)
  assert.equal(Number(claims['exp']) - Number(claims['iat']), 7)
  assert.match(String((await ask(issuer, wanted)).body['error_description']), /^resource: there are several/)
})

const refusals: readonly { name: string; body: unknown; says: RegExp }[] = [
  { name: 'an unknown user', body: { ...wanted, user: 'mallory' }, says: /unknown user "mallory"/ },
  {
    name: 'an unknown scope',
    body: { ...wanted, scope: 'files:read files:admin' },
    says: /unknown scope "files:admin"; known: files:list/,
  },
  { name: 'no scope', body: { ...wanted, scope: ' ' }, says: /no scope/ },
  {
    name: 'an unknown resource',
    body: { ...wanted, resource: 'http://x/' },
    says: /unknown resource "http:\/\/x\/"; known: http/,
  },
  { name: 'an unknown client', body: { ...wanted, client_id: 'nobody' }, says: /unknown client/ },
  {
    name: 'a document as client',
    body: { ...wanted, client_id: 'https://localhost/c.json' },
    says: /unknown client/,
  },
  { name: 'a negative lifetime', body: { ...wanted, ttlSeconds: -1 }, says: /ttlSeconds/ },
  { name: 'a lifetime as text', body: { ...wanted, ttlSeconds: '60' }, says: /ttlSeconds/ },
  { name: 'an unknown member', body: { ...wanted, admin: true }, says: /unknown member "admin"/ },
  { name: 'a list', body: [], says: /not a JSON object/ },
  { name: 'no JSON', body: '{', says: /not a JSON object/ },
]
for (const { name, body, says } of refusals) {
  test(`${name} is refused with a reason`, async (t) => {
    const issuer = await startIssuer(t)
    const refused = await ask(issuer, body)
    assert.equal(refused.status, 400)
    assert.equal(refused.body['error'], 'invalid_request')
    assert.match(String(refused.body['error_description']), says)
  })
}

test('without the secret, or with another, there is no token', async (t) => {
  const issuer = await startIssuer(t)
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${issuer.secret}x`,
    `Bearer ${issuer.secret.slice(0, -1)}`,
    `Bearer ${issuer.secret} x`,
    `Basic ${issuer.secret}`,
    issuer.secret,
  ]) {
    const { status, headers, body } = await ask(issuer, wanted, { authorization })
    assert.equal(status, 401, authorization)
    assert.equal(headers.get('www-authenticate'), 'Bearer')
    assert.ok(!('access_token' in body))
  }
})

test('only POST, and only a body of reasonable size', async (t) => {
  const issuer = await startIssuer(t)
  assert.equal((await fetch(`${issuer.issuer}/development/token`)).status, 405)
  assert.equal((await ask(issuer, { ...wanted, user: 'x'.repeat(20_000) })).status, 413)
})

test('reading the secret of a folder without an issuer says so', async (t) => {
  const state = temporaryFolder(t)
  assert.throws(() => readIssuerSecret(state), /No development issuer runs with the state folder/)
  const issuer = await startIssuer(t, { state })
  await issuer.close()
  assert.throws(() => readIssuerSecret(state), /No development issuer runs/)
  assert.ok(readFileSync(join(state, 'signing-keys.json')).length > 0)
})

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'doorman-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
