import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { after, test } from 'node:test'
import { application, askingSecret, clientId, forbidAlice, logIn, startCasdoor } from './casdoor-double.ts'
import { openLab } from './doorman-process.ts'
import { callTool, getJson, resultOf, type Json } from './mcp-wire.ts'
import { startFiles } from './protected-servers.ts'

const lab = openLab({ after })
const casdoor = await startCasdoor(lab)
const words = ['--casdoor', casdoor.issuer, '--casdoor-application', application]
const server = await startFiles(lab, { words })

function sign(claims: Json = {}, header: Json = {}, url = server.url): Promise<string> {
  return casdoor.sign({ aud: url, ...claims }, header)
}

interface Case {
  readonly name: string
  readonly claims?: Json
  readonly header?: Json
  readonly status: number
}

const cases: readonly Case[] = [
  { name: 'an access token of the application', status: 200 },
  { name: 'one whose audience is a list, as Casdoor writes it', claims: { aud: [server.url] }, status: 200 },
  { name: 'one that does not say its organization', claims: { owner: undefined }, status: 200 },
  {
    name: 'a refresh token of the formats JWT and JWT-Standard',
    claims: { tokenType: 'refresh-token' },
    header: { kid: undefined },
    status: 401,
  },
  {
    name: 'a refresh token of the format JWT-Custom, which calls itself both',
    claims: { TokenType: 'refresh-token' },
    header: { kid: undefined },
    status: 401,
  },
  { name: 'the same with a key id', claims: { TokenType: 'refresh-token' }, status: 401 },
  { name: 'a token that does not say what it is for', claims: { tokenType: undefined }, status: 401 },
  { name: 'a logout token', claims: { events: {}, tokenType: undefined }, status: 401 },
  { name: 'a token of another client of the same Casdoor', claims: { azp: 'client-mcp-other' }, status: 401 },
  { name: 'a token of another organization', claims: { owner: 'globex' }, status: 401 },
  { name: 'a token for the client itself', claims: { aud: clientId }, status: 401 },
  { name: 'a token of another issuer with this key', claims: { iss: 'http://127.0.0.1:9' }, status: 401 },
]

for (const { name, claims, header, status } of cases) {
  test(`Casdoor: ${name} is ${status === 200 ? 'accepted' : 'refused'}`, async () => {
    const answer = await callTool(server.url, await sign(claims, header), { name: 'list_files' })
    assert.equal(answer.status, status, answer.text)
    if (status === 401) assert.match(answer.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
  })
}

test('Casdoor: scopes are enforced, and the metadata names the bare origin', async () => {
  const write = { name: 'write_file', arguments: { path: 'x', content: 'x' } }
  assert.equal((await callTool(server.url, await sign(), write)).status, 403)
  resultOf(await callTool(server.url, await sign({ scope: 'files:write' }), write))
  const metadata = await getJson(`${server.origin}/.well-known/oauth-protected-resource/mcp`)
  assert.deepEqual(metadata.body['authorization_servers'], [casdoor.issuer])
  assert.match(server.process.stdout(), new RegExp(`Tokens are taken from ${casdoor.issuer}\\.`))
})

test('Casdoor: other clients and organizations are accepted where they are named', async () => {
  const named = await startFiles(lab, {
    words: [...words, '--allow-client', 'cli', '--allow-owner', 'globex', '--allow-owner', 'acme'],
  })
  const ask = async (claims: Json): Promise<number> =>
    (await callTool(named.url, await sign(claims, {}, named.url), { name: 'list_files' })).status
  assert.equal(await ask({ azp: 'cli', owner: 'globex' }), 200)
  assert.equal(await ask({}), 200)
  assert.equal(await ask({ azp: 'other' }), 401)
  assert.equal(await ask({ owner: 'initech' }), 401)
  assert.equal(await ask({ owner: undefined }), 401)
})

test('Casdoor: the environment names instance and application as the options do', async () => {
  const env = { CASDOOR_URL: `${casdoor.issuer}/`, CASDOOR_APPLICATION: application }
  const named = await startFiles(lab, { words: [], command: { env } })
  resultOf(await callTool(named.url, await sign({}, {}, named.url), { name: 'list_files' }))
})

test('Casdoor: an application that does not exist is said, and answered with 503', async () => {
  const gone = await startFiles(lab, {
    words: ['--casdoor', casdoor.issuer, '--casdoor-application', 'gone'],
  })
  await gone.process.printed(/requests are answered 503.*has no application "gone"/)
  const answer = await callTool(gone.url, await sign({}, {}, gone.url), { name: 'list_files' })
  assert.equal(answer.status, 503)
  assert.ok(answer.headers.has('retry-after'))
})

test("Casdoor: accepting every client is possible with '*', and comes with a warning", async () => {
  const any = await startFiles(lab, {
    words: [...words, '--allow-client', '*'],
  })
  assert.match(any.process.stdout(), /Warning: --allow-client '\*' accepts tokens of every application/)
  resultOf(await callTool(any.url, await sign({ azp: 'other' }, {}, any.url), { name: 'list_files' }))
})

test('Casdoor: what a login gives is accepted for its resource, and nothing else that it gives', async () => {
  const tokens = await logIn(casdoor, { resource: server.url })
  const other = await logIn(casdoor, { resource: server.url, client: 'client-other', name: 'mcp-other' })
  const withoutResource = await logIn(casdoor, {})
  const ask = async (token: string): Promise<number> =>
    (await callTool(server.url, token, { name: 'list_files' })).status
  assert.equal(await ask(tokens.access_token), 200)
  assert.equal(await ask(tokens.refresh_token), 401)
  assert.equal(await ask(other.access_token), 401)
  assert.equal(await ask(withoutResource.access_token), 401)
})

test('Casdoor: a key that is replaced under its id, and one that the application leaves, are followed', async () => {
  const own = await startCasdoor(lab)
  const followed = await startFiles(lab, {
    words: ['--casdoor', own.issuer, '--casdoor-application', application],
  })
  const ask = async (token: string): Promise<number> =>
    (await callTool(followed.url, token, { name: 'list_files' })).status
  const first = await logIn(own, { resource: followed.url })
  assert.equal(await ask(first.access_token), 200)
  await own.engine.replaceKeyUnderSameId()
  const second = await logIn(own, { resource: followed.url })
  assert.equal(await ask(second.access_token), 200)
  await own.engine.rotateKeys()
  const third = await logIn(own, { resource: followed.url })
  assert.equal(await ask(third.access_token), 200)
  // Neither key of before signs for the application any more.
  assert.equal(await ask(first.access_token), 401)
  assert.equal(await ask(second.access_token), 401)
})

test('Casdoor: a user who is forbidden is noticed by the server that asks, and by no other', async () => {
  const own = await startCasdoor(lab)
  const words = ['--casdoor', own.issuer, '--casdoor-application', application]
  const asking = [
    ...words,
    '--introspect',
    'rs',
    '--introspect-secret',
    'env:SECRET',
    '--introspect-cache',
    '1s',
  ]
  const asks = await startFiles(lab, { words: asking, command: { env: { SECRET: askingSecret } } })
  const trusts = await startFiles(lab, { words })
  const statusOf = async ({ url }: { readonly url: string }, token: string): Promise<number> =>
    (await callTool(url, token, { name: 'list_files' })).status
  const asked = (await logIn(own, { resource: asks.url })).access_token
  const trusted = (await logIn(own, { resource: trusts.url })).access_token
  assert.deepEqual([await statusOf(asks, asked), await statusOf(trusts, trusted)], [200, 200])
  await forbidAlice(own)
  // The answer is remembered for a second.
  const endsAt = Date.now() + 20_000
  while ((await statusOf(asks, asked)) === 200) {
    assert.ok(Date.now() < endsAt, 'it asks again')
    await setTimeout(100) // Without a pause, the limit of the caller would be what it notices.
  }
  assert.deepEqual([await statusOf(asks, asked), await statusOf(trusts, trusted)], [401, 200])
})
