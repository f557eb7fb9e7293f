/** The recordings that are tables, and that nothing recorded is left without a test. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { after, before, test } from 'node:test'
import { basicOf, codeFor, login, openWorld, verifier, type World } from './casdoor-world.ts'
import { findDifferences } from './exchange-differences.ts'
import { decodeJwt, exchangeFiles, readRecording, recordedFiles, recordings } from './recorded-exchanges.ts'
import { origin } from './recorded-instance.ts'

const redirects = 'authorize/redirect-uri-matrix.json'
const scopes = 'authorize/scope-matrix.json'
const hosts = 'discovery/issuer-from-host-matrix.json'
const registered = 'dcr/registered-application.json'

function rowsOf(file: string): readonly unknown[] {
  return (readRecording(file) as { readonly results: readonly unknown[] }).results
}

let world: World
before(async () => {
  world = await openWorld()
})
after(() => world.close())

interface RedirectRow {
  readonly redirectUri: string
  readonly accepted: boolean
  readonly msg: string
}

for (const { redirectUri, accepted, msg } of rowsOf(redirects) as readonly RedirectRow[]) {
  test(`redirect URI ${redirectUri} → ${accepted ? 'accepted' : 'refused'}`, async () => {
    const query = new URLSearchParams({ clientId: 'client-mcp-custom', responseType: 'code', redirectUri })
    const { body } = await world.ask({ path: `/api/get-app-login?${query}` })
    const answer = body as { status: string; msg: string }
    assert.deepEqual({ status: answer.status, msg: answer.msg }, { status: accepted ? 'ok' : 'error', msg })
  })
}

interface ScopeRow {
  readonly application: string
  readonly requested: string
  readonly granted?: string
  readonly claim?: string
  readonly error?: string
}

for (const { application, requested, granted, claim, error } of rowsOf(scopes) as readonly ScopeRow[]) {
  test(`${application} is asked for "${requested}" → ${error === undefined ? `"${granted}"` : 'refused'}`, async () => {
    if (error !== undefined) {
      const { body } = await login(world, { application, scope: requested })
      assert.deepEqual(body, JSON.parse(error.replace(/^login /, '')))
      return
    }
    const code = await codeFor(world, { application, scope: requested })
    const { body } = await world.ask({
      method: 'POST',
      path: '/api/login/oauth/access_token',
      body: {
        grant_type: 'authorization_code',
        client_id: `client-${application}`,
        code,
        code_verifier: verifier,
      },
    })
    const tokens = body as { scope: string; access_token: string }
    assert.equal(tokens.scope, granted)
    assert.equal(decodeJwt(tokens.access_token).claims['scope'], claim)
  })
}

test('a pattern that could keep the matcher busy is no scope', async () => {
  for (const scope of ['(files:)read', '.*.*.*.*', `files:read${'.?'.repeat(100)}`, '[']) {
    const { body } = await login(world, { application: 'mcp-custom', scope })
    assert.equal((body as { msg: string }).msg, 'Invalid scope', scope)
  }
})

interface HostRow {
  readonly host: string
  readonly issuer: string
}

for (const { host, issuer } of rowsOf(hosts) as readonly HostRow[]) {
  test(`without an origin, the host ${host} makes the issuer ${issuer}`, async () => {
    const own = await openWorld()
    const withoutOrigin = await openWorld({ withoutOrigin: true })
    const path = '/.well-known/openid-configuration'
    const headers = { host, 'x-forwarded-host': 'else.example', 'x-forwarded-proto': 'https' }
    const fromHost = await withoutOrigin.ask({ path, headers })
    const configured = await own.ask({ path, headers })
    await own.close()
    await withoutOrigin.close()
    assert.equal((fromHost.body as { issuer: string }).issuer, issuer)
    assert.equal((configured.body as { issuer: string }).issuer, origin)
  })
}

test('without an origin, tokens name the host of the sign-in as their issuer', async () => {
  const own = await openWorld({ withoutOrigin: true })
  const query = new URLSearchParams({
    clientId: 'client-mcp-custom',
    responseType: 'code',
    redirectUri: 'https://client.example/cb',
  })
  const headers = { host: 'auth.example.com', 'content-type': 'application/json' }
  const credentials = { organization: 'acme', username: 'alice', password: 'alice-pass-1' }
  const body = { application: 'mcp-custom', type: 'code', ...credentials }
  const login = await own.ask({ method: 'POST', path: `/api/login?${query}`, headers, body })
  const { body: tokens } = await own.ask({
    method: 'POST',
    path: '/api/login/oauth/access_token',
    body: {
      grant_type: 'authorization_code',
      client_id: 'client-mcp-custom',
      client_secret: 'secret-mcp-custom',
      code: (login.body as { data: string }).data,
    },
  })
  await own.close()
  const { claims } = decodeJwt((tokens as { access_token: string }).access_token)
  assert.equal(claims['iss'], 'https://auth.example.com')
})

test('what a registration creates has no scope list, the common cert and a week to live', async () => {
  const own = await openWorld()
  const { body: before } = await own.administer('get-organization?id=admin/acme')
  const { data: organization } = before as { data: object }
  await own.administer('update-organization?id=admin/acme', { ...organization, dcrPolicy: 'open' })
  const { body } = await own.ask({
    method: 'POST',
    path: '/api/oauth/register?organization=acme',
    headers: { 'content-type': 'application/json' },
    body: {
      client_name: 'MCP Inspector',
      redirect_uris: ['http://localhost:6274/oauth/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
    },
  })
  const { client_id: clientId, client_secret: secret } = body as { client_id: string; client_secret: string }
  // Its secret opens the interface, as every application's does.
  const { body: list } = await own.ask({
    path: '/api/get-organization-applications?owner=admin&organization=acme',
    headers: { authorization: basicOf(clientId, secret) },
  })
  await own.close()
  const { data } = list as { data: readonly { clientId: string; name: string }[] }
  const made = data.find((application) => application.clientId === clientId)
  assert.match(made?.name ?? '', /^dcr_[a-z0-9]{6}$/)
  const { application } = readRecording(registered) as { application: { name: string } }
  const expected = { ...application, name: made?.name }
  assert.deepEqual(findDifferences(expected, made, 'recorded members'), [])
})

test('nothing that was recorded is left without a test', () => {
  const folder = readdirSync(recordings, { recursive: true, withFileTypes: true })
  const files = folder
    .filter((entry) => entry.isFile() && !['README.md', 'index.json'].includes(entry.name))
    .map(({ parentPath, name }) => `${basename(parentPath)}/${name}`)
  assert.deepEqual(files.toSorted(), recordedFiles.toSorted(), 'index.json names every file')

  const tables = [redirects, scopes, hosts, registered]
  // The samples of tokens are read from their folder, by what is in them.
  const read = ['accessToken', 'logoutToken', 'tokenBefore', 'rows']
  const tokens = files.filter(
    (file) => file.startsWith('tokens/') && read.some((name) => name in (readRecording(file) as object)),
  )
  const used = new Set([...exchangeFiles, ...tables, ...tokens])
  assert.deepEqual(
    files.filter((file) => !used.has(file)),
    [],
  )
})
