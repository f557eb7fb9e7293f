import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { walkLogin } from '../../packages/development-issuer/test/walk-login.ts'
import { openLab } from '../../test/end-to-end/doorman-process.ts'
import { getJson, parseObject } from '../../test/end-to-end/mcp-wire.ts'
import {
  createWallet,
  sdkClients,
  type SdkConnection,
  type Wallet,
} from '../../test/end-to-end/sdk-clients.ts'
import { logInAtCasdoor } from './casdoor-login.ts'
import type { Example } from './examples.ts'
import { offers } from './offers.ts'
import { choosePlace, startExample, type Place, type StandingExample } from './standing-example.ts'
import { startHonestIssuer, type HonestIssuer, type IssuerKind } from './trusted-issuers.ts'

/** What the development issuer does wrong on demand, and no server may take. */
const faults = [
  ['token-audience', { is: 'other' }],
  ['token-audience', { is: 'client' }],
  ['token-audience', { is: 'missing' }],
  ['token-issuer', { is: 'slash' }],
  ['token-issuer', { is: 'missing' }],
  ['token-expiry', { is: 'past' }],
  ['token-expiry', { is: 'missing' }],
  ['token-expiry', { is: 'text' }],
  ['token-kind', { is: 'refresh' }],
  ['token-kind', { is: 'id' }],
  ['token-opaque', { form: 'opaque' }],
  ['token-opaque', { form: 'encrypted' }],
  ['token-forged', { by: 'nobody' }],
  ['token-forged', { by: 'stranger' }],
] as const

/** What a real client meets: discovery, a login, each tool, and a second login for what the first did not bring. */
export function checkLogin(example: Example, kind: IssuerKind): void {
  const offer = offers[example.serves]
  describe(`with the development issuer of the kind ${kind}`, () => {
    const lab = openLab({ after })
    let place: Place
    let issuer: HonestIssuer
    let standing: StandingExample
    before(async () => {
      place = await choosePlace(lab)
      issuer = await startHonestIssuer(lab, kind, place.url, offer.scopes)
      standing = await startExample(lab, example, place, issuer.env)
    })

    async function readsWith(token: string): Promise<number> {
      return (await standing.call(token, offer.read.name, offer.read.args)).status
    }

    function issue(): Promise<string> {
      return issuer.development.issueToken({ user: 'bob', scopes: [offer.read.scope] })
    }

    test('says whom it trusts, at both well-known places, to everybody', async () => {
      const { origin, pathname } = new URL(standing.url)
      for (const path of [pathname, '']) {
        const answer = await fetch(`${origin}/.well-known/oauth-protected-resource${path}`, {
          headers: { origin: 'https://client.example' },
        })
        const document = parseObject(await answer.text())
        assert.equal(answer.status, 200)
        assert.match(answer.headers.get('content-type') ?? '', /^application\/json\b/)
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
        assert.equal(document['resource'], standing.url)
        assert.deepEqual(document['authorization_servers'], [issuer.issuer])
        assert.deepEqual(document['scopes_supported'], offer.scopes)
        assert.deepEqual(document['bearer_methods_supported'], ['header'])
      }
    })

    test('leaves open what is not protected, and nothing else', async () => {
      const answer = await getJson(new URL('/', standing.url).href)
      assert.equal(answer.status, example.hasOpenPage === true ? 200 : 404)
    })

    for (const client of sdkClients.filter(({ generation }) => generation === 2)) {
      test(`${client.name} logs in, uses each tool, and steps up to write`, async (t) => {
        const wallet = createWallet(issuer.client === undefined ? {} : { client: issuer.client })
        const connection = client.open(standing.url, wallet)
        t.after(() => connection.close())
        await assert.rejects(connection.connect(), /Unauthorized/)
        await logIn(connection, wallet, kind)
        await connection.connect()
        const asked = wallet.authorizeUrl().searchParams.get('scope')?.split(' ') ?? []
        assert.deepEqual(
          asked.filter((scope) => scope !== 'offline_access'),
          offer.challenge,
        )

        const offered = await connection.toolNames()
        for (const tool of offer.tools) assert.ok(offered.includes(tool), tool)
        assert.match(await connection.callTool(offer.read.name, { ...offer.read.args }), offer.read.says)
        if (example.serves === 'files') {
          assert.match(await connection.callTool('list_files', { path: '.' }), /notes\.txt[^]*plans/)
        }

        await assert.rejects(connection.callTool(offer.write.name, { ...offer.write.args }), /Unauthorized/)
        assert.ok(!existsSync(join(place.folder, 'new.txt')))
        await logIn(connection, wallet, kind)
        assert.match(await connection.callTool(offer.write.name, { ...offer.write.args }), offer.write.says)
        if (example.serves === 'files') {
          assert.equal(readFileSync(join(place.folder, 'new.txt'), 'utf8'), offer.write.args['content'])
          assert.match(await connection.callTool('read_file', { path: 'new.txt' }), /Buy bread/)
          rmSync(join(place.folder, 'new.txt'))
        }
        const { access_token: access, refresh_token: refresh } = wallet.tokens()
        assert.equal(await readsWith(access), 200)
        assert.equal(await readsWith(refresh ?? ''), 401, 'a refresh token was taken')
        assert.ok(!standing.output().includes(access), 'a token was printed')
      })
    }

    test('keys that the issuer changes, under a new id or the old one, are found at once', async () => {
      assert.equal(await readsWith(await issue()), 200)
      await issuer.development.rotateKeys()
      assert.equal(await readsWith(await issue()), 200)
      const before = await issue()
      await issuer.development.replaceKeyUnderSameId()
      assert.equal(await readsWith(await issue()), 200)
      assert.equal(await readsWith(before), 401)
    })

    test('nothing that the issuer does wrong on demand is taken for an access token', async () => {
      for (const [name, parameters] of faults) {
        await issuer.development.faults.enable(name, parameters)
        const token = await issue()
        issuer.development.faults.clear()
        assert.equal(await readsWith(token), 401, `${name} ${JSON.stringify(parameters)}`)
        assert.ok(!standing.output().includes(token), 'a token was printed')
      }
      assert.equal(await readsWith(await issue()), 200)
    })
  })
}

/** Does what alice does with her browser, and gives the client what came back. */
async function logIn(connection: SdkConnection, wallet: Wallet, kind: IssuerKind): Promise<void> {
  const authorizeUrl = wallet.authorizeUrl()
  const walk = { authorizeUrl, user: 'alice', password: 'alice', decision: 'allow' } as const
  const back = kind === 'casdoor' ? await logInAtCasdoor(authorizeUrl) : await walkLogin(walk)
  assert.equal(back.origin + back.pathname, wallet.redirectUrl)
  assert.equal(back.searchParams.get('state'), wallet.state())
  await connection.finishLogin(back)
}
