/** The official clients against `doorman dev --like casdoor`, in the ways that a Casdoor allows. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { walkLogin } from '../../packages/development-issuer/test/walk-login.ts'
import { openLab } from './doorman-process.ts'
import { sampleFiles, startDev } from './protected-servers.ts'
import { createWallet, sdkClients, type SdkConnection, type Wallet } from './sdk-clients.ts'

const lab = openLab({ after })
const dev = await startDev(lab, { words: ['--like', 'casdoor'] })

async function connect(connection: SdkConnection, wallet: Wallet): Promise<URL> {
  await assert.rejects(connection.connect(), /Unauthorized/)
  const back = await walkLogin({
    authorizeUrl: wallet.authorizeUrl(),
    user: 'alice',
    password: 'alice',
    decision: 'allow',
  })
  await connection.finishLogin(back)
  await connection.connect()
  return back
}

for (const client of sdkClients) {
  test(`${client.name} logs in at a Casdoor with the id of its application`, async (t) => {
    const wallet = createWallet({ client: { client_id: 'doorman-dev', issuer: dev.issuer } })
    const connection = client.open(dev.url, wallet)
    t.after(() => connection.close())
    const back = await connect(connection, wallet)
    assert.equal(back.searchParams.get('iss'), null, 'a Casdoor sends none')
    assert.equal(wallet.authorizeUrl().pathname, '/login/oauth/authorize')
    assert.equal(await connection.callTool('read_file', { path: 'notes.txt' }), sampleFiles['notes.txt'])
    assert.ok(!wallet.requests.some((request) => request.includes('/register')))
  })

  test(`${client.name} cannot register at a Casdoor, and does not go on without`, async (t) => {
    const wallet = createWallet()
    const connection = client.open(dev.url, wallet)
    t.after(() => connection.close())
    await assert.rejects(connection.connect(), /[Rr]egistration/)
    assert.ok(wallet.requests.includes('POST /api/oauth/register 400'), wallet.requests.join('\n'))
  })
}
