import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  authorizeUrl,
  decode,
  getCode,
  type Json,
  logIn,
  redeem,
  startIssuer,
  tokensOf,
} from './oauth-client.ts'

const certificate = readFileSync(new URL('fixtures/documents.pem', import.meta.url), 'utf8')
const key = readFileSync(new URL('fixtures/documents-key.pem', import.meta.url), 'utf8')

interface Documents {
  readonly origin: string
  readonly clientId: string
  readonly fetched: string[]
  serve(body: (clientId: string) => unknown, status?: number, headers?: Record<string, string>): void
}

/** A place on https://localhost where a client describes itself. */
async function startDocuments(t: TestContext): Promise<Documents> {
  const fetched: string[] = []
  let answer: { body: string; status: number; headers: Record<string, string> } = {
    body: '',
    status: 404,
    headers: {},
  }
  const server = createServer({ cert: certificate, key }, (request, response) => {
    fetched.push(request.url ?? '')
    response
      .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      .end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const origin = `https://localhost:${(server.address() as AddressInfo).port}` // It listens on a TCP port.
  const clientId = `${origin}/client.json`
  return {
    origin,
    clientId,
    fetched,
    serve(body, status = 200, headers = {}) {
      answer = { body: JSON.stringify(body(clientId)), status, headers }
    },
  }
}

const document = (clientId: string): Json => ({
  client_id: clientId,
  client_name: 'Described client',
  client_uri: new URL(clientId).origin,
  redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  scope: 'files:list',
})

function trusting({ origin }: Documents): Parameters<typeof startIssuer>[1] {
  return { clientDocuments: { trustedOrigins: [origin], certificateAuthorities: [certificate] } }
}

test('CA5: a client that is described by a document logs in without registration, on a port of its choice', async (t) => {
  const documents = await startDocuments(t)
  documents.serve(document)
  const issuer = await startIssuer(t, trusting(documents))
  for (const scope of ['files:list', 'files:write']) {
    const params = { client_id: documents.clientId, redirect_uri: 'http://127.0.0.1:51234/callback', scope }
    const tokens = tokensOf(await redeem(issuer, await getCode(issuer, { params }), params))
    assert.equal(decode(tokens.access).claims['client_id'], documents.clientId)
    assert.equal(tokens.scope, scope)
  }
  assert.equal(documents.fetched.length, 1, 'the document is cached')
})

test('a document without an auth method describes a public client', async (t) => {
  const documents = await startDocuments(t)
  documents.serve((clientId) => ({ ...document(clientId), token_endpoint_auth_method: undefined }))
  const issuer = await startIssuer(t, trusting(documents))
  const params = { client_id: documents.clientId }
  const code = await getCode(issuer, { params })
  const basic = {
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(documents.clientId)}:`).toString('base64')}`,
  }
  assert.equal((await redeem(issuer, code, { client_id: undefined }, basic)).status, 400)
  assert.equal((await redeem(issuer, code, params)).status, 200)
})

const unusable: readonly {
  name: string
  body: (clientId: string) => unknown
  status?: number
  headers?: Record<string, string>
}[] = [
  { name: 'that says another client_id', body: (id) => ({ ...document(id), client_id: `${id}?x` }) },
  { name: 'that says no client_id', body: (id) => ({ ...document(id), client_id: undefined }) },
  { name: 'with a secret', body: (id) => ({ ...document(id), client_secret: 'x' }) },
  { name: 'that is no object', body: () => [] },
  { name: 'with status 404', body: document, status: 404 },
  { name: 'with status 204', body: () => undefined, status: 204 },
  { name: 'behind a redirect', body: document, status: 302, headers: { location: '/other.json' } },
  { name: 'that is too large', body: (id) => ({ ...document(id), client_name: 'x'.repeat(6_000) }) },
  {
    name: 'with a redirect to a script',
    body: (id) => ({ ...document(id), redirect_uris: ['javascript:alert(1)'] }),
  },
]
for (const { name, body, status, headers } of unusable) {
  test(`CA5: a document ${name} gets a page with status 400`, async (t) => {
    const documents = await startDocuments(t)
    documents.serve(body, status, headers)
    const issuer = await startIssuer(t, trusting(documents))
    const response = await fetch(authorizeUrl(issuer, { client_id: documents.clientId }), {
      redirect: 'manual',
    })
    assert.equal(response.status, 400)
    assert.deepEqual(documents.fetched, ['/client.json'], 'it was asked for once, and nothing else')
  })
}

test('CA5: without being trusted, a loopback address is not even connected to', async (t) => {
  const documents = await startDocuments(t)
  documents.serve(document)
  const issuer = await startIssuer(t, { clientDocuments: { certificateAuthorities: [certificate] } })
  for (const id of [documents.clientId, documents.clientId.replace('localhost', '127.0.0.1')]) {
    assert.equal((await fetch(authorizeUrl(issuer, { client_id: id }), { redirect: 'manual' })).status, 400)
  }
  assert.deepEqual(documents.fetched, [])
})

test('documents can be turned off, and are then not advertised', async (t) => {
  const documents = await startDocuments(t)
  documents.serve(document)
  const issuer = await startIssuer(t, { clientDocuments: false })
  assert.equal(
    (await fetch(authorizeUrl(issuer, { client_id: documents.clientId }), { redirect: 'manual' })).status,
    400,
  )
  const metadata = await fetch(`${issuer.issuer}/.well-known/oauth-authorization-server`)
  assert.ok(!(await metadata.text()).includes('client_id_metadata_document_supported'))
  assert.deepEqual(documents.fetched, [])
})

test('the consent page names the host that describes the client', async (t) => {
  const documents = await startDocuments(t)
  documents.serve(document)
  const issuer = await startIssuer(t, trusting(documents))
  const back = await logIn(issuer, { params: { client_id: documents.clientId }, decision: 'deny' })
  assert.equal(back.searchParams.get('error'), 'access_denied')
})
