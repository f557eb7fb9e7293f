/** `doorman casdoor setup` on a Casdoor, and a client that logs in with what was set up. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findFreePort, openLab, type DoormanProcess, type Ended } from '../end-to-end/doorman-process.ts'
import { createWallet, sdkClients } from '../end-to-end/sdk-clients.ts'
import { administrator, signIn, startDouble, type CasdoorDouble } from './double.ts'

const lab = openLab({ after })
const password = 'alice-pass-1'
const resource = `http://127.0.0.1:${await findFreePort()}/mcp`
const usual = ['--organization', 'acme', '--application', 'mcp-files', '--resource', resource]

async function setUp(
  { origin }: CasdoorDouble,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = administrator,
): Promise<Ended> {
  return lab.run(['casdoor', 'setup', '--url', origin, ...usual, ...more], {
    env: { ...env, ALICE_PASSWORD: password },
  })
}

const withAlice = ['--user', 'alice', '--user-password', 'env:ALICE_PASSWORD', '--for', 'claude-code,vscode']
const casdoor = await startDouble(lab)

const writes = (double: CasdoorDouble, from = 0): readonly string[] =>
  double.requests.slice(from).filter((request) => /\/api\/(?:add|update)-/.test(request))

test('a dry run on an empty Casdoor shows what would be added, and writes nothing', async () => {
  const { code, stdout, stderr } = await setUp(casdoor, [...withAlice, '--dry-run'])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^organization +acme: would be added$/m)
  assert.match(stdout, /^certificate +cert-mcp-files: would be added$/m)
  assert.match(stdout, /^application {3}mcp-files: would be added$/m)
  assert.match(stdout, /^ {2}\+ tokenFormat +"JWT-Custom"$/m)
  assert.match(stdout, /^user +alice: would be added$/m)
  assert.match(stdout, /Nothing was written \(--dry-run\)\./)
  assert.deepEqual(writes(casdoor), [])
})

test('on an empty Casdoor everything is made, and the line that starts the server is printed', async () => {
  const { code, stdout, stderr } = await setUp(casdoor, withAlice)
  assert.equal(code, 0, stderr)
  assert.deepEqual(writes(casdoor), [
    'POST /api/add-organization',
    'POST /api/add-cert',
    'POST /api/add-application',
    'POST /api/add-user',
  ])
  assert.match(stdout, /the application was read back as it was written/)
  assert.match(stdout, /told this client id: [0-9a-f]{20}\n/)
  assert.match(stdout, /claude mcp add --transport http --client-id [0-9a-f]{20} /)
  assert.match(stdout, /\.vscode\/mcp\.json: \{"servers"/)
  assert.doesNotMatch(stdout, /[0-9a-f]{40}/, 'the secret is shown only when asked')
  assert.doesNotMatch(stdout + stderr, /alice-pass-1|PRIVATE KEY|"123"/)
})

test('a second run changes nothing, and says so', async () => {
  const from = casdoor.requests.length
  const { code, stdout } = await setUp(casdoor, withAlice)
  assert.equal(code, 0)
  assert.match(stdout, /Everything was as it should be; nothing was changed/)
  assert.equal(stdout.match(/is as it should be/g)?.length, 4)
  assert.deepEqual(writes(casdoor, from), [])
  const sessions = casdoor.requests.slice(from).filter((request) => /log(?:in|out)$/.test(request))
  assert.deepEqual(sessions, ['POST /api/login', 'POST /api/logout'], 'no session is left behind')
})

test('secrets are shown when that is asked for, and open what they should', async () => {
  const shown = await setUp(casdoor, ['--show-secrets', '--user', 'alice', '--user', 'bob'])
  assert.equal(shown.code, 0, shown.stderr)
  const [, secret] = /^Client secret +([0-9a-f]{40})$/m.exec(shown.stdout) ?? []
  assert.ok(secret !== undefined, shown.stdout)
  const [, clientId] = /client id: (\w+)/.exec(shown.stdout) ?? []
  const again = await setUp(casdoor, [], { CASDOOR_CLIENT_ID: clientId ?? '', CASDOOR_CLIENT_SECRET: secret })
  assert.equal(again.code, 0, again.stderr)
  const [, made] = /^Password of bob.* ([\w-]{20})$/m.exec(shown.stdout) ?? []
  assert.ok(made !== undefined, shown.stdout)
  assert.doesNotMatch(shown.stdout, /^Password of alice/m, 'hers stays, and is not known')
})

for (const [index, client] of sdkClients.entries()) {
  test(`a client of ${client.name} logs in with what was set up, and calls a tool`, async () => {
    const user = `user-${index}`
    const { stdout } = await setUp(casdoor, ['--user', user, '--user-password', 'env:ALICE_PASSWORD'])
    const server = await startPrinted(stdout)
    const wallet = createWallet({ client: { client_id: clientIdIn(stdout), issuer: casdoor.origin } })
    const connection = client.open(resource, wallet)
    await assert.rejects(connection.connect(), /Unauthorized/)
    const { callback, consent } = await signIn(wallet.authorizeUrl(), user, password)
    assert.match(consent, /See which files there are.*Read files/s, 'the person is asked in words')
    assert.equal(callback.searchParams.get('state'), wallet.state())
    await connection.finishLogin(callback)
    await connection.connect()
    assert.equal(await connection.callTool('read_file', { path: 'hello.txt' }), 'Hello from Casdoor')
    await connection.close()
    await server.stop()
  })
}

function clientIdIn(stdout: string): string {
  return /client id: ([0-9a-f]{20})\n/.exec(stdout)?.[1] ?? assert.fail(stdout)
}

/** Starts the server by the very line that was printed, with a folder in the place of DIR. */
async function startPrinted(stdout: string): Promise<DoormanProcess> {
  const line = /^ {2}doorman (files DIR .*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout)
  const folder = join(lab.makeFolder(), 'served')
  mkdirSync(folder)
  writeFileSync(join(folder, 'hello.txt'), 'Hello from Casdoor')
  const server = lab.start([...line.replace('DIR', folder).split(' '), '--port', new URL(resource).port])
  await server.printed(/Tokens are taken from/)
  return server
}
