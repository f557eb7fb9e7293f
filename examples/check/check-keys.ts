import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { findFreePort, openLab } from '../../test/end-to-end/doorman-process.ts'
import { makeKey } from '../../test/end-to-end/hand-made-issuer.ts'
import type { Example } from './examples.ts'
import { offers } from './offers.ts'
import { choosePlace, openStand, startExample, type StandingExample } from './standing-example.ts'
import { tellWhomToTrust, type IssuerKind, type SigningIssuer, type SignOptions } from './trusted-issuers.ts'

/** What becomes of tokens when the keys of the issuer change, or cannot be had. The tests go on from each other. */
export function checkKeys(example: Example, kind: IssuerKind): void {
  const { read } = offers[example.serves]
  describe(`while the keys of an issuer of the kind ${kind} change`, () => {
    const lab = openLab({ after })
    let issuer: SigningIssuer
    let standing: StandingExample
    before(async () => {
      ;({ issuer, standing } = await openStand(lab, example, kind))
    })

    async function statusOf(options: SignOptions): Promise<number> {
      const token = issuer.sign({ scope: read.scope }, options)
      return (await standing.call(token, read.name, read.args)).status
    }

    test('a new key is found at once, and its predecessor is good as long as it is published', async () => {
      assert.equal(await statusOf({}), 200)
      const second = makeKey('second')
      issuer.published = [issuer.key, { ...makeKey('stranger'), kid: 'second' }, second]
      assert.equal(await statusOf({ key: second }), 200, 'another key has the same id')
      assert.equal(await statusOf({}), 200)
    })

    test('another key under the same id is found at once, and takes the place of the first', async () => {
      const successor = makeKey(issuer.key.kid)
      const weak = { kid: 'weak', ...generateKeyPairSync('rsa', { modulusLength: 1024 }) }
      issuer.published = [successor, weak]
      assert.equal(await statusOf({ key: successor }), 200)
      assert.equal(await statusOf({}), 401)
      assert.equal(await statusOf({ key: weak }), 401, 'a key of 1024 bits was taken')
    })

    test('ids that somebody made up are refused, and do not become as many requests', async () => {
      const before = issuer.keyRequests()
      const stranger = makeKey('made-up')
      const ask = (id: string): Promise<number> => statusOf({ key: { ...stranger, kid: id } })
      const atOnce = Array.from({ length: 20 }, (_, index) => ask(`made-up-${index}`))
      assert.deepEqual(new Set(await Promise.all(atOnce)), new Set([401]))
      for (let index = 20; index < 40; index += 1) assert.equal(await ask(`made-up-${index}`), 401)
      assert.ok(issuer.keyRequests() - before <= 3, `${issuer.keyRequests() - before} requests`)
    })

    test('keys that were fetched go on while the issuer has none to give', async () => {
      const [key] = issuer.published === 'nothing' ? [] : issuer.published
      assert.ok(key !== undefined)
      issuer.published = 'nothing'
      assert.equal(await statusOf({ key }), 200)
    })

    test('an issuer that was never reached: 503 and when to come back, never 401', async () => {
      const place = await choosePlace(lab)
      const nobody = `http://127.0.0.1:${await findFreePort()}`
      const waiting = await startExample(lab, example, place, tellWhomToTrust(kind, nobody))
      const token = issuer.sign({ scope: read.scope, iss: nobody, aud: place.url })
      const answer = await waiting.call(token, read.name, read.args)
      assert.equal(answer.status, 503, answer.text)
      assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d{0,3}$/)
      assert.equal((await waiting.call(undefined, read.name, read.args)).status, 401)
    })
  })
}
