import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { casdoorApplication, faultNames } from '@mcp-doorman/development-issuer'
import { answerRows } from './fault-rows-answers.ts'
import { loginRows } from './fault-rows-login.ts'
import { keyRows, tokenRows } from './fault-rows-tokens.ts'
import { type FaultRow, inspector, openGate, resource, startFaultyIssuer } from './fault-world.ts'

const rows: readonly FaultRow[] = [...answerRows, ...tokenRows, ...keyRows, ...loginRows]
const issuer = await startFaultyIssuer()
after(() => issuer.close())

const introspection = { clientId: inspector.clientId, clientSecret: inspector.secret }

for (const { fault, parameters = {}, symptom, server, introspecting } of rows) {
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${String(value)}`)
  test(`CA11: ${[fault, ...words].join(' ')}: the symptom shows, and a protected server answers ${server}`, async (t) => {
    t.after(() => issuer.faults.clear())
    // Keys that an earlier row has changed are nothing to this one.
    const own = fault.startsWith('keys-') ? await startFaultyIssuer() : issuer
    if (own !== issuer) t.after(() => own.close())
    await own.faults.enable(fault, parameters)
    await symptom(own)

    const token = await own.issueToken({ user: 'alice', scopes: ['files:read'], resource })
    const gate = openGate({ issuer: own.issuer, ...(introspecting && { introspection }) })
    t.after(() => gate.close())
    assert.equal(await gate.statusOf(token), server)
    assert.equal(await openedAgain(own), 200, 'with the fault off, all is well')
  })
}

/** What a new server answers to a new token after everything was switched off. */
async function openedAgain(own: typeof issuer): Promise<number> {
  own.faults.clear()
  const gate = openGate({ issuer: own.issuer })
  const token = await own.issueToken({ user: 'alice', scopes: ['files:read'], resource })
  return gate.statusOf(token).finally(() => gate.close())
}

// The same with the manners of Casdoor, whose tokens are of another kind; it has no metadata that a server needs.
const likeCasdoor = await startFaultyIssuer({ like: 'casdoor', clients: [] })
after(() => likeCasdoor.close())
const readByCasdoorServers = rows.filter(({ fault, parameters }) => {
  const at = parameters?.['at']
  return Array.isArray(at) ? at.includes('jwks') : /^(?:token|keys|clock)/.test(fault)
})
for (const { fault, parameters = {}, ...row } of readByCasdoorServers) {
  // An application has one key: without it there is none.
  const server = fault === 'keys-removed' ? 503 : row.server
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${String(value)}`)
  test(`CA11: like Casdoor, ${[fault, ...words].join(' ')}: a protected server answers ${server}`, async (t) => {
    t.after(() => likeCasdoor.faults.clear())
    await likeCasdoor.faults.enable(fault, parameters)
    const token = await likeCasdoor.issueToken({ user: 'alice', scopes: ['files:read'], resource })
    const gate = openGate({ casdoor: likeCasdoor.issuer, application: casdoorApplication })
    t.after(() => gate.close())
    assert.equal(await gate.statusOf(token), server)
  })
}

for (const [like, server, why] of [
  ['keycloak', 401, 'no token names an audience'],
  ['auth0', 200, 'an issuer that ends in a slash is an issuer like any other'],
  ['entra', 401, 'the audience is the id of an application'],
] as const) {
  test(`CA11: like ${like}, a protected server answers ${server}: ${why}`, async (t) => {
    const own = await startFaultyIssuer({ like })
    t.after(() => own.close())
    const gate = openGate({ issuer: own.issuer })
    t.after(() => gate.close())
    const token = await own.issueToken({ user: 'alice', scopes: ['files:read'], resource })
    assert.equal(await gate.statusOf(token), server)
  })
}

test('every fault, and every choice that it offers, has a row', () => {
  assert.deepEqual([...new Set(rows.map(({ fault }) => fault))].toSorted(), [...faultNames].toSorted())
  const missing = issuer.faults
    .list()
    .flatMap(({ name, parameters }) =>
      parameters.flatMap(({ name: parameter, choices }) =>
        choices.filter(
          (choice) =>
            !rows.some((row) => row.fault === name && (row.parameters?.[parameter] ?? choices[0]) === choice),
        ),
      ),
    )
  assert.deepEqual(missing, [])
})
