import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openLab } from '../../test/end-to-end/doorman-process.ts'
import { getJson, parseObject } from '../../test/end-to-end/mcp-wire.ts'
import { answerLogin, connectWithLogin, createWallet, sdkClients } from '../../test/end-to-end/sdk-clients.ts'
import type { Example } from './examples.ts'
import { offers } from './offers.ts'
import { choosePlace, startExample, type Place, type StandingExample } from './standing-example.ts'
import { startHonestIssuer, type TrustedIssuer } from './trusted-issuers.ts'

/** What a real client meets: discovery, a login, each tool, and a second login for what the first did not bring. */
export function checkLogin(example: Example): void {
  const offer = offers[example.serves]
  describe('with the development issuer', () => {
    const lab = openLab({ after })
    let place: Place
    let issuer: TrustedIssuer
    let standing: StandingExample
    before(async () => {
      place = await choosePlace(lab)
      issuer = await startHonestIssuer(lab, place.url, offer.scopes)
      standing = await startExample(lab, example, place, issuer.env)
    })

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
        const wallet = createWallet()
        const connection = client.open(standing.url, wallet)
        t.after(() => connection.close())
        await connectWithLogin(connection, wallet)
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
        await connection.finishLogin(await answerLogin(wallet))
        assert.match(await connection.callTool(offer.write.name, { ...offer.write.args }), offer.write.says)
        if (example.serves === 'files') {
          assert.equal(readFileSync(join(place.folder, 'new.txt'), 'utf8'), offer.write.args['content'])
          const written = await connection.callTool('read_file', { path: 'new.txt' })
          assert.match(written, /Buy bread/)
          rmSync(join(place.folder, 'new.txt'))
        }
        assert.ok(!standing.output().includes(wallet.tokens().access_token), 'a token was printed')
      })
    }
  })
}
