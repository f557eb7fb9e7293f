import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createResourceServer } from '@mcp-doorman/resource-server'
import { repeats } from '../../../test/rounds.ts'
import { makeKey } from './compact-jws.ts'
import { requestOf, resource, rules, scopes, startTime } from './guarded.ts'
import { heapAfterCollection } from './heap.ts'
import { startTestIssuer } from './test-issuer.ts'

// In the long rounds: 40,000 good tokens, then 400,000 bad ones.
const good = repeats(2000)
const bad = repeats(20_000)
const maxCachedTokens = repeats(400)

test('C31: many good tokens, and many more bad ones after them, leave memory bounded', async (t) => {
  const issuer = await startTestIssuer({ audience: resource, nowSeconds: () => startTime })
  const server = createResourceServer({
    resource,
    issuers: [{ issuer: issuer.issuer }],
    scopes,
    rules,
    callerLimit: { count: 1000, perSeconds: 60 },
    maxCachedTokens,
    audit: { write: () => undefined, available: () => true, close: () => Promise.resolve() },
    nowSeconds: () => startTime,
  })
  t.after(async () => {
    await server.close()
    await issuer.close()
  })
  const ask = async (token: string): Promise<string> => {
    const decision = await server.guard(requestOf({ token }))
    return decision.granted ? 'allow' : decision.denial.code
  }
  await ask(issuer.sign())
  const before = heapAfterCollection()
  const grown = (): number => (heapAfterCollection() - before) / 2 ** 20

  for (let count = 0; count < good; count += 1) {
    const token = issuer.sign({ claims: { sub: `user-${count}`, client_id: `client-${count % 1000}` } })
    assert.equal(await ask(token), 'allow')
  }
  const afterGood = grown()

  const forger = makeKey('ES256', issuer.keys[0]?.kid)
  const garbage: readonly ((count: number) => string)[] = [
    () => randomBytes(90).toString('base64url'),
    () => issuer.sign({ claims: { iss: `https://${randomBytes(9).toString('hex')}.example` }, key: forger }),
    (count) => `${'a'.repeat(count % 400)}.${randomBytes(300).toString('base64url')}.${count}`,
  ]
  let outcomes = 0
  for (let count = 0; count < bad; count += 1) {
    // One in fifty is signed, by a stranger to the issuer or with the key of another: those cost the most.
    const kind = count % 50 === 0 ? 1 : count % 2 === 0 ? 0 : 2
    const token = count % 500 === 0 ? issuer.sign({ key: forger }) : garbage[kind]?.(count)
    outcomes += (await ask(token ?? '')) === 'allow' ? 1 : 0
  }
  const afterBad = grown()
  const figures = `${good} good: ${afterGood.toFixed(1)} MiB, then ${bad} bad: ${afterBad.toFixed(1)} MiB`
  t.diagnostic(figures)
  assert.equal(outcomes, 0)
  // A remembered token takes about 2 KiB; the callers' limits beside them about 150 bytes each.
  const most = 16 + (maxCachedTokens * 3072 + good * 300) / 2 ** 20
  assert.ok(afterGood < most && afterBad < most, figures)
  assert.ok(afterBad < afterGood + 4, figures)
})
