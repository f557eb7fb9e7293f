import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import { findFreePort, openLab } from './doorman-process.ts'
import { describeResource, sampleFiles, startDev, startFiles } from './protected-servers.ts'
import {
  answerLogin,
  connectWithLogin,
  createWallet,
  sdkClients,
  type SdkClient,
  type SdkConnection,
  type Wallet,
  type WalletOptions,
} from './sdk-clients.ts'

const lab = openLab({ after })
const dev = await startDev(lab)
const steppingUp = sdkClients.filter(({ generation }) => generation === 2)
const [sdk1, sdk2] = sdkClients
assert.ok(sdk1 !== undefined && sdk2 !== undefined)

function open(
  t: TestContext,
  client: SdkClient,
  options: WalletOptions = {},
  url = dev.url,
): [SdkConnection, Wallet] {
  const wallet = createWallet(options)
  const connection = client.open(url, wallet)
  t.after(() => connection.close())
  return [connection, wallet]
}

for (const client of sdkClients) {
  test(`${client.name} goes from the first 401 through registration and login to the files`, async (t) => {
    const [connection, wallet] = open(t, client)
    await connectWithLogin(connection, wallet)
    assert.deepEqual(wallet.requests.slice(0, 6), [
      `POST /mcp ${client.opensWith} 401`,
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server 200',
      'POST /register 201',
      'POST /token 200',
      `POST /mcp ${client.opensWith} 200`,
    ])
    const asked = wallet.authorizeUrl().searchParams
    assert.equal(asked.get('code_challenge_method'), 'S256')
    assert.equal(asked.get('resource'), dev.url)
    assert.match(asked.get('scope') ?? '', /^files:list files:read\b/)
    assert.equal(wallet.tokens().scope, 'files:list files:read')

    assert.deepEqual(await connection.toolNames(), [
      'read_file',
      'list_files',
      'write_file',
      'edit_file',
      'search_files',
      'move_file',
      'delete_file',
    ])
    assert.match(await connection.callTool('list_files', {}), /"notes.txt"/)
    assert.equal(await connection.callTool('read_file', { path: 'notes.txt' }), sampleFiles['notes.txt'])
  })

  test(`${client.name} uses a client id that it was given, without registration`, async (t) => {
    const [connection, wallet] = open(t, client, { client: { client_id: 'doorman-dev', issuer: dev.issuer } })
    await connectWithLogin(connection, wallet)
    assert.equal(wallet.authorizeUrl().searchParams.get('client_id'), 'doorman-dev')
    assert.ok(!wallet.requests.some((request) => request.includes('/register')))
    assert.match(await connection.callTool('list_files', {}), /"notes.txt"/)
  })

  test(`${client.name} logs in as bob while alice goes on`, async (t) => {
    const [ofAlice, walletOfAlice] = open(t, client)
    const [ofBob, walletOfBob] = open(t, client)
    await connectWithLogin(ofAlice, walletOfAlice)
    await connectWithLogin(ofBob, walletOfBob, 'bob')
    for (const [connection, wallet, user] of [
      [ofBob, walletOfBob, 'bob'],
      [ofAlice, walletOfAlice, 'alice'],
    ] as const) {
      assert.match(await connection.callTool('list_files', {}), /"notes.txt"/)
      const id = wallet.authorizeUrl().searchParams.get('client_id') ?? ''
      await dev.process.printed(new RegExp(`"subject":"${user}","client":"${id}",.*"name":"list_files"`))
    }
  })

  test(`${client.name} is told in the redirect that consent was denied, and stays outside`, async (t) => {
    const [connection, wallet] = open(t, client)
    await assert.rejects(connection.connect(), /Unauthorized/)
    const back = await answerLogin(wallet, 'alice', 'deny')
    assert.equal(back.searchParams.get('error'), 'access_denied')
    assert.equal(back.searchParams.get('code'), null)
    // The older generation takes a code only; its hosts read the error themselves.
    if (client.generation === 2) {
      await assert.rejects(connection.finishLogin(back), {
        code: 'access_denied',
        message: /did not allow it/,
      })
    }
    await assert.rejects(connection.connect(), /Unauthorized/)
  })
}

for (const client of steppingUp) {
  test(`${client.name} steps up on the 403 with a second login, and then writes`, async (t) => {
    const [connection, wallet] = open(t, client)
    await connectWithLogin(connection, wallet)
    const path = `${client.opensWith.replace('/', '-')}.txt`
    const write = (): Promise<string> => connection.callTool('write_file', { path, content: 'stepped up\n' })
    await assert.rejects(write, /Unauthorized/)
    assert.ok(!existsSync(join(dev.folder, path)))
    assert.match(
      wallet.authorizeUrl().searchParams.get('scope') ?? '',
      /^files:list files:read .*files:write/,
    )

    await connection.finishLogin(await answerLogin(wallet))
    assert.equal(wallet.tokens().scope, 'files:list files:read files:write')
    assert.match(await write(), /^Created/)
    assert.equal(readFileSync(join(dev.folder, path), 'utf8'), 'stepped up\n')
    assert.equal(wallet.requests.filter((request) => request.includes('/register')).length, 1)
  })
}

test(`${sdk1.name} without a refresh token steps up too; with one it stops with a clear error`, async (t) => {
  const write = { path: 'by-sdk-1.txt', content: 'stepped up\n' }
  const [refreshing, refreshingWallet] = open(t, sdk1)
  await connectWithLogin(refreshing, refreshingWallet)
  await assert.rejects(refreshing.callTool('write_file', write), /403 after trying upscoping/)
  assert.ok(!existsSync(join(dev.folder, write.path)))

  const [connection, wallet] = open(t, sdk1, { grantTypes: ['authorization_code'] })
  await connectWithLogin(connection, wallet)
  assert.equal(wallet.tokens().refresh_token, undefined)
  await assert.rejects(connection.callTool('write_file', write), /Unauthorized/)
  await connection.finishLogin(await answerLogin(wallet))
  assert.match(await connection.callTool('write_file', write), /^Created/)
})

test('SDK 2.4 describes itself by a document, on an issuer that trusts the address of the document', async (t) => {
  const scopedLab = openLab(t)
  const fixture = (name: string): string =>
    readFileSync(new URL(`../../packages/development-issuer/test/fixtures/${name}`, import.meta.url), 'utf8')
  const certificate = fixture('documents.pem')
  const fetched: string[] = []
  const documents = createServer(
    { cert: certificate, key: fixture('documents-key.pem') },
    (request, response) => {
      fetched.push(request.url ?? '')
      const described = {
        client_id: documentUrl,
        client_name: 'Described',
        redirect_uris: ['http://127.0.0.1/callback'],
        token_endpoint_auth_method: 'none',
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(described))
    },
  )
  await new Promise<void>((resolve) => documents.listen(0, '127.0.0.1', resolve))
  scopedLab.keep(() => void documents.close())
  // It listens on a TCP port.
  const origin = `https://localhost:${(documents.address() as AddressInfo).port}`
  const documentUrl = `${origin}/client.json`
  const port = await findFreePort()
  const issuer = await startDevelopmentIssuer({
    port: 0,
    resources: [describeResource(port)],
    clientDocuments: { trustedOrigins: [origin], certificateAuthorities: [certificate] },
  })
  scopedLab.keep(() => issuer.close())
  const { url } = await startFiles(scopedLab, { port, words: ['--issuer', issuer.issuer] })

  for (const client of steppingUp) {
    const [connection, wallet] = open(t, client, { documentUrl }, url)
    await connectWithLogin(connection, wallet)
    assert.equal(wallet.authorizeUrl().searchParams.get('client_id'), documentUrl)
    assert.ok(!wallet.requests.some((request) => request.includes('/register')))
    assert.match(await connection.callTool('list_files', {}), /"notes.txt"/)
  }
  assert.deepEqual(fetched, ['/client.json'])

  // `doorman dev` trusts no address on this machine, and does not even ask.
  const [stranger, wallet] = open(t, sdk2, { documentUrl })
  await assert.rejects(stranger.connect(), /Unauthorized/)
  assert.equal((await fetch(wallet.authorizeUrl(), { redirect: 'manual' })).status, 400)
  assert.deepEqual(fetched, ['/client.json'])
})

test('an expired access token costs each client one refresh and no login', async (t) => {
  const clock = new URL('movable-clock.ts', import.meta.url).href
  const aging = await startDev(openLab(t), { command: { nodeOptions: ['--import', clock] } })
  const opened = sdkClients.map((client) => ({ client, pair: open(t, client, {}, aging.url) }))
  for (const { pair } of opened) await connectWithLogin(...pair)
  // The two that opened with "initialize" ask for a stream by themselves; an answer under the new time would refresh.
  await aging.process.printed(/(?:"method_not_allowed"[^]*){2}/)
  aging.process.send('SIGUSR2')
  await aging.process.printed(/the clock was moved/)

  for (const {
    pair: [connection, wallet],
    client,
  } of opened) {
    const before = { tokens: wallet.tokens(), count: wallet.requests.length }
    assert.match(await connection.callTool('list_files', {}), /"notes.txt"/, client.name)
    assert.deepEqual(
      wallet.requests.slice(before.count).filter((request) => request.startsWith('POST')),
      ['POST /mcp tools/call 401', 'POST /token 200', 'POST /mcp tools/call 200'],
    )
    assert.notEqual(wallet.tokens().access_token, before.tokens.access_token)
    assert.notEqual(wallet.tokens().refresh_token, before.tokens.refresh_token)
  }
})
