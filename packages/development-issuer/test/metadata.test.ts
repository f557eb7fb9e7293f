import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import {
  OAuthClientInformationFullSchema,
  OAuthErrorResponseSchema,
  OAuthMetadataSchema,
  OAuthTokensSchema,
  OpenIdProviderDiscoveryMetadataSchema,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { type Answer, getCode, getJson, redeem, redirectUri, register, startIssuer } from './oauth-client.ts'

const places = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']

for (const place of places) {
  test(`CA1, CA2: ${place} has everything that strict clients want, and no null`, async (t) => {
    const { issuer } = await startIssuer(t)
    const { status, headers, body } = await getJson(issuer + place)

    assert.equal(status, 200)
    assert.match(headers.get('content-type') ?? '', /^application\/json\b/)
    assert.equal(body['issuer'], issuer)
    for (const name of [
      'authorization_endpoint',
      'token_endpoint',
      'registration_endpoint',
      'introspection_endpoint',
      'revocation_endpoint',
      'jwks_uri',
    ]) {
      assert.ok(String(body[name]).startsWith(`${issuer}/`), name)
    }
    assert.deepEqual(body['response_types_supported'], ['code'])
    assert.deepEqual(body['grant_types_supported'], ['authorization_code', 'refresh_token'])
    assert.deepEqual(body['code_challenge_methods_supported'], ['S256'])
    assert.deepEqual(body['token_endpoint_auth_methods_supported'], [
      'none',
      'client_secret_basic',
      'client_secret_post',
    ])
    assert.deepEqual(body['scopes_supported'], ['files:list', 'files:read', 'files:write', 'offline_access'])
    assert.deepEqual(body['subject_types_supported'], ['public'])
    assert.deepEqual(body['id_token_signing_alg_values_supported'], ['RS256'])
    assert.equal(body['authorization_response_iss_parameter_supported'], true)
    assert.equal(body['client_id_metadata_document_supported'], true)
    assert.ok(!JSON.stringify(body).includes('null'))
  })
}

test('CA1: both documents are the same', async (t) => {
  const { issuer } = await startIssuer(t)
  const [first, second] = await Promise.all(places.map((place) => getJson(issuer + place)))
  assert.deepEqual(first?.body, second?.body)
})

test('CF29, CF30: the strict schemas of the official SDK accept metadata, registrations and tokens', async (t) => {
  const issuer = await startIssuer(t)
  const [oauth, openId] = await Promise.all(places.map((place) => getJson(issuer.issuer + place)))
  OAuthMetadataSchema.parse(oauth?.body)
  OpenIdProviderDiscoveryMetadataSchema.parse(openId?.body)
  for (const method of ['none', undefined]) {
    const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: method }
    const { body } = await register(issuer, metadata)
    const { client_id: id, client_secret: secret } = OAuthClientInformationFullSchema.parse(body)
    const code = await getCode(issuer, { params: { client_id: id } })
    const answer = await redeem(issuer, code, { client_id: id, client_secret: secret })
    OAuthTokensSchema.parse(answer.body)
    OAuthErrorResponseSchema.parse(
      (await redeem(issuer, code, { client_id: id, client_secret: secret })).body,
    )
  }
})

test('CF8: Host and forwarded headers change nothing in the metadata', async (t) => {
  const { issuer, port } = await startIssuer(t)
  const plain = await getJson(`${issuer}${places[0]}`)
  const other = await getWithHost(port, `localhost:${port}`, {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.example',
  })
  assert.equal(other.status, 200)
  assert.deepEqual(other.body, plain.body)
})

test('on loopback, a name that was pointed at us gets no answer', async (t) => {
  const { port } = await startIssuer(t)
  for (const host of [
    `evil.example:${port}`,
    `127.0.0.1.evil.example:${port}`,
    '127.0.0.1:1',
    'not a host',
  ]) {
    assert.equal((await getWithHost(port, host)).status, 421, host)
  }
})

test('CF7: well-known documents that do not exist are 404 with a JSON body', async (t) => {
  const { issuer } = await startIssuer(t)
  for (const path of ['/.well-known/oauth-authorization-server/mcp', '/.well-known/nothing', '/']) {
    const { status, headers, body } = await getJson(issuer + path)
    assert.equal(status, 404, path)
    assert.match(headers.get('content-type') ?? '', /json/)
    assert.equal(body['error'], 'not_found')
  }
})

function getWithHost(port: number, host: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path: places[0], headers: { ...headers, host } },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => {
          const body: unknown = JSON.parse(text)
          resolve({ status: response.statusCode ?? 0, headers: new Headers(), body: { ...Object(body) } })
        })
      },
    )
    asked.on('error', reject).end()
  })
}
