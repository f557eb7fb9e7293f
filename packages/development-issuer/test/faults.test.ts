import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultNames, type FaultName } from '@mcp-doorman/development-issuer'
import { clientFailures } from '#internal/faults/client-failures'
import { readParameters } from '#internal/faults/fault-kind'
import { faultTable } from '#internal/faults/fault-table'
import { createSeededRandom } from '#internal/faults/seeded-random'
import * as fc from 'fast-check'
import { getJson, postForm, startIssuer } from './oauth-client.ts'

test('every fault has a title that ends no sentence, a group, and a failure that people see', () => {
  assert.ok(faultNames.length >= 40)
  const caused = new Set(faultNames.flatMap((name) => faultTable[name].causes))
  for (const name of faultNames) {
    assert.match(name, /^[a-z]+(?:-[a-z]+)*$/)
    assert.match(faultTable[name].title, /^[a-z][^\n]{10,}[^.]$/)
    assert.ok(faultTable[name].causes.length > 0, name)
  }
  assert.deepEqual(
    [...caused].toSorted(),
    Object.keys(clientFailures).toSorted(),
    'no failure without a fault',
  )
})

test('the usual value of every parameter is one that it takes', () => {
  for (const name of faultNames) {
    const { parameters } = faultTable[name]
    const usual = Object.fromEntries(Object.entries(parameters).map(([key, { initial }]) => [key, initial]))
    const given = Object.fromEntries(Object.entries(usual).map(([key, initial]) => [key, String(initial)]))
    assert.deepEqual(readParameters(parameters, given), { ok: true, values: usual }, name)
  }
})

test('whatever is given as parameters, reading them never throws, and only known values come through', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...faultNames),
      fc.dictionary(fc.constantFrom('at', 'seconds', 'is', 'status', 'x'), fc.anything()),
      (name, given) => {
        const { parameters } = faultTable[name]
        const read = readParameters(parameters, given)
        if (read.ok) assert.deepEqual(Object.keys(read.values).toSorted(), Object.keys(parameters).toSorted())
      },
    ),
  )
})

test('enable says every mistake at once, and changes nothing', async (t) => {
  const issuer = await startIssuer(t)
  await assert.rejects(
    issuer.faults.enable('slow', { at: ['jwks', 'kitchen'], seconds: '1e3', patience: 1 }),
    (error) => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, /patience: unknown parameter; known: at, seconds/)
      assert.match(error.message, /at: must be one or more of discovery, jwks/)
      assert.match(error.message, /seconds: must be a number from 0.01 to 600/)
      return true
    },
  )
  const unknown = 'sluggish' as FaultName // As code without types may say.
  await assert.rejects(issuer.faults.enable(unknown), /no fault "sluggish"\. Known: slow, hanging/)
  assert.throws(() => issuer.faults.disable(unknown), /no fault "sluggish"/)
  assert.ok(issuer.faults.list().every(({ on }) => on === undefined))
})

test('faults add up, begin anew when they are on, and are told apart', async (t) => {
  const issuer = await startIssuer(t)
  const on = (): readonly unknown[] =>
    issuer.faults.list().flatMap((fault) => (fault.on === undefined ? [] : [[fault.name, fault.on]]))
  await issuer.faults.enable('server-error', { at: 'jwks' })
  await issuer.faults.enable('iss', { mode: 'send-only' })
  await issuer.faults.enable('server-error', { at: 'jwks', status: 503 })
  assert.deepEqual(on(), [
    ['server-error', { at: ['jwks'], status: 503 }],
    ['iss', { mode: 'send-only' }],
  ])
  assert.equal((await getJson(`${issuer.issuer}/jwks`)).status, 503)
  const { body } = await getJson(`${issuer.issuer}/.well-known/openid-configuration`)
  assert.equal(body['authorization_response_iss_parameter_supported'], false)

  issuer.faults.disable('server-error')
  issuer.faults.disable('server-error')
  assert.deepEqual(on(), [['iss', { mode: 'send-only' }]])
  assert.equal((await getJson(`${issuer.issuer}/jwks`)).status, 200)
  issuer.faults.clear()
  assert.deepEqual(on(), [])
})

test('a fault that is switched off lets go of whoever waits for it', async (t) => {
  const issuer = await startIssuer(t)
  await issuer.faults.enable('slow', { at: ['jwks'], seconds: 600 })
  const waiting = getJson(`${issuer.issuer}/jwks`)
  await getJson(`${issuer.issuer}/.well-known/openid-configuration`) // The other request is in by now.
  issuer.faults.disable('slow')
  assert.equal((await waiting).status, 200)
})

test('an issuer with hanging requests closes at once', async (t) => {
  const issuer = await startIssuer(t)
  await issuer.faults.enable('hanging', { at: ['jwks'] })
  const waiting = assert.rejects(getJson(`${issuer.issuer}/jwks`))
  await getJson(`${issuer.issuer}/.well-known/openid-configuration`)
  await issuer.close()
  await waiting
})

async function randomStatuses(
  t: Parameters<typeof startIssuer>[0],
  seed: number,
): Promise<readonly number[]> {
  const issuer = await startIssuer(t, { seed })
  await issuer.faults.enable('random', { at: ['discovery'], rate: 0.5, seconds: 0.01 })
  const statuses: number[] = []
  for (let count = 0; count < 30; count += 1) {
    const answer = await fetch(`${issuer.issuer}/.well-known/openid-configuration`)
    const text = await answer.text().catch(() => 'cut')
    statuses.push(answer.status * 10_000 + Math.min(text.length, 9999))
  }
  return statuses.map((status) => Math.trunc(status / 10_000) * 10 + (status % 10_000 > 200 ? 1 : 0))
}

test('the same seed gives the same random faults, and another seed others', async (t) => {
  const [first, again, other] = await Promise.all([7, 7, 8].map((seed) => randomStatuses(t, seed)))
  assert.deepEqual(first, again)
  assert.notDeepEqual(first, other)
  assert.ok(new Set(first).size > 1, 'some requests were spared')
})

test('seeded numbers are from 0 up to 1, and about evenly spread, whatever the seed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      const random = createSeededRandom(seed)
      const numbers = Array.from({ length: 400 }, random)
      assert.ok(numbers.every((number) => number >= 0 && number < 1))
      const below = numbers.filter((number) => number < 0.25).length
      assert.ok(below > 50 && below < 150, String(below))
    }),
  )
})

for (const seed of [-1, 1.5, 2 ** 32]) {
  test(`${seed} is no seed`, (t) => assert.rejects(startIssuer(t, { seed }), /seed: must be a whole number/))
}

test('clients that leave in the middle of an answer take nothing with them', async (t) => {
  const issuer = await startIssuer(t)
  await issuer.faults.enable('huge', { at: ['jwks'], mebibytes: 256 })
  await issuer.faults.enable('slow', { at: ['discovery'], seconds: 0.2 })
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const leaving = new AbortController()
      const { body } = await fetch(`${issuer.issuer}/jwks`, { signal: leaving.signal })
      await body?.getReader().read()
      leaving.abort()
      const impatient = AbortSignal.timeout(20)
      await assert.rejects(fetch(`${issuer.issuer}/.well-known/openid-configuration`, { signal: impatient }))
    }),
  )
  issuer.faults.clear()
  assert.equal((await getJson(`${issuer.issuer}/jwks`)).status, 200)
})

test('two hundred requests at once through three faults are all answered', async (t) => {
  const issuer = await startIssuer(t)
  await issuer.faults.enable('slow', { seconds: 0.05 })
  await issuer.faults.enable('metadata-scopes')
  await issuer.faults.enable('clock')
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => getJson(`${issuer.issuer}/.well-known/oauth-authorization-server`)),
  )
  assert.ok(answers.every(({ status, body }) => status === 200 && body['issuer'] === issuer.issuer))
})

test('what is too large to read is refused while a fault is on, as it is without', async (t) => {
  const issuer = await startIssuer(t)
  const form = { grant_type: 'refresh_token', refresh_token: 'x'.repeat(70_000), client_id: 'doorman-dev' }
  const before = await postForm(`${issuer.issuer}/token`, form)
  await issuer.faults.enable('clock')
  const during = await postForm(`${issuer.issuer}/token`, form)
  assert.deepEqual([before.status, during.status], [413, 413])
})
