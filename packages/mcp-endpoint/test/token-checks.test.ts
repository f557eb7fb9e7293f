import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { test } from 'node:test'
import { createMemoryRevocations } from '@mcp-doorman/resource-server'
import { legacy } from './messages.ts'
import { ask, type RawAnswer } from './raw-http.ts'
import { beginSession } from './session-client.ts'
import { resource, startTestServer } from './test-server.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = publicKey.export({ format: 'jwk' })
const jkt = sha256(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }))

/** A proof of the key for a POST to the resource. */
function prove(token: string, nonce: string | undefined, iat = Math.floor(Date.now() / 1000)): string {
  const signed = [
    { typ: 'dpop+jwt', alg: 'ES256', jwk },
    { jti: randomUUID(), htm: 'POST', htu: resource, iat, ath: sha256(token), nonce },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

test('F12, B22: a nonce goes out with the refusal, its successor with an answer, and pages may read both', async (t) => {
  let now = Math.floor(Date.now() / 1000)
  const server = await startTestServer(t, {
    resourceServer: { dpop: { nonce: { periodSeconds: 60 } }, nowSeconds: () => now },
  })
  const token = server.token({ cnf: { jkt } })
  const send = (nonce?: string): Promise<RawAnswer> =>
    ask(
      server.port,
      legacy(
        token,
        'tools/call',
        { name: 'echo', arguments: { text: 'a' } },
        {
          Authorization: `DPoP ${token}`,
          DPoP: prove(token, nonce, now),
          Origin: 'http://localhost:6274',
        },
      ),
    )
  const refused = await send()
  assert.equal(refused.status, 401)
  assert.match(refused.headers['www-authenticate'] ?? '', /^Bearer .*, DPoP error="use_dpop_nonce"/)
  const nonce = refused.headers['dpop-nonce']
  assert.match(refused.headers['access-control-expose-headers'] ?? '', /DPoP-Nonce/)
  const served = await send(nonce)
  assert.equal(served.status, 200)
  assert.equal(served.headers['dpop-nonce'], undefined)
  now += 60
  const later = await send(nonce)
  assert.equal(later.status, 200)
  assert.notEqual(later.headers['dpop-nonce'] ?? nonce, nonce)
  assert.equal(later.headers['cache-control'], 'no-store')
})

test('B22: a page may send a proof', async (t) => {
  const { port } = await startTestServer(t)
  const headers = { Origin: 'http://localhost:6274', 'Access-Control-Request-Method': 'POST' }
  const answer = await ask(port, { method: 'OPTIONS', headers })
  assert.equal(answer.status, 204)
  assert.match(answer.headers['access-control-allow-headers'] ?? '', /\bDPoP\b/)
})

test('F1: of two proofs in one request none counts', async (t) => {
  const server = await startTestServer(t, { resourceServer: { dpop: {} } })
  const token = server.token({ cnf: { jkt } })
  const params = { name: 'echo', arguments: { text: 'a' } }
  const send = (proofs: string | readonly string[]): Promise<RawAnswer> =>
    ask(server.port, legacy(token, 'tools/call', params, { Authorization: `DPoP ${token}`, DPoP: proofs }))
  assert.equal((await send(prove(token, undefined))).status, 200)
  const both = await send([prove(token, undefined), prove(token, undefined)])
  assert.equal(both.status, 401)
  assert.match(both.headers['www-authenticate'] ?? '', /DPoP error="invalid_dpop_proof"/)
})

test('D9, E13: a revocation closes the streams that its tokens have opened, and no others', async (t) => {
  const revocations = createMemoryRevocations()
  const server = await startTestServer(t, { mount: { sessions: {} }, resourceServer: { revocations } })
  const alice = await beginSession(server.port, server.token())
  const bob = await beginSession(server.port, server.token({ sub: 'bob' }))
  const [hers, his] = [await alice.listen(), await bob.listen()]
  await revocations.add({ issuer: server.issuer.issuer, subject: 'alice', issuedUpTo: Date.now() / 1000 })
  await hers.rest()
  assert.equal((await alice.ask('ping')).status, 401)
  assert.equal((await bob.ask('ping')).status, 200)
  his.close()
})
