/** Faults of tokens, keys and refreshing. */
import assert from 'node:assert/strict'
import type { DevelopmentIssuer } from '@mcp-doorman/development-issuer'
import {
  decode,
  getJson,
  getTokens,
  redirectUri,
  refresh,
  redeem,
  type Json,
} from '../../packages/development-issuer/test/oauth-client.ts'
import { getUnattendedCode } from './fault-rows-login.ts'
import { type FaultRow, resource } from './fault-world.ts'

/** What the access token of a whole login says. */
async function issued(issuer: DevelopmentIssuer): Promise<{ header: Json; claims: Json; token: string }> {
  const answer = await redeem(issuer, await getUnattendedCode(issuer))
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const token = String(answer.body['access_token'])
  return { token, ...(token.split('.').length === 3 ? decode(token) : { header: {}, claims: {} }) }
}

/** A fault that changes what the token says. */
function saying(
  fault: FaultRow['fault'],
  is: string,
  check: (claims: Json, issuer: string) => boolean,
  server: FaultRow['server'],
): FaultRow {
  return {
    fault,
    parameters: { is },
    async symptom(issuer) {
      const { claims } = await issued(issuer)
      assert.ok(check(claims, issuer.issuer), JSON.stringify(claims))
    },
    server,
  }
}

async function publishedKeys(issuer: DevelopmentIssuer): Promise<readonly Json[]> {
  const { keys } = (await getJson(`${issuer.issuer}/jwks`)).body
  assert.ok(Array.isArray(keys))
  return keys
}

const inSeconds = (claims: Json, name: string): number => Number(claims[name]) - Date.now() / 1000

export const tokenRows: readonly FaultRow[] = [
  saying('token-issuer', 'other', ({ iss }) => iss === 'https://other.example.com', 401),
  saying('token-issuer', 'slash', ({ iss }, issuer) => iss === `${issuer}/`, 401),
  saying('token-issuer', 'missing', (claims) => !('iss' in claims), 401),
  saying('token-audience', 'other', ({ aud }) => aud === 'https://other.example.com/mcp', 401),
  saying('token-audience', 'slash', ({ aud }) => aud === `${resource}/`, 401),
  saying('token-audience', 'client', ({ aud }) => aud === 'doorman-dev', 401),
  saying('token-audience', 'missing', (claims) => !('aud' in claims), 401),
  saying('token-scope', 'other', ({ scope }) => scope === 'profile', 403),
  saying('token-scope', 'empty', ({ scope }) => scope === '', 403),
  saying('token-scope', 'missing', (claims) => !('scope' in claims), 403),
  saying('token-expiry', 'past', (claims) => inSeconds(claims, 'exp') < -60, 401),
  saying('token-expiry', 'missing', (claims) => !('exp' in claims), 401),
  saying('token-expiry', 'text', ({ exp }) => typeof exp === 'string', 401),
  {
    fault: 'token-kind',
    parameters: { is: 'refresh' },
    async symptom(issuer) {
      const { body } = await redeem(issuer, await getUnattendedCode(issuer))
      assert.equal(body['access_token'], body['refresh_token'])
    },
    server: 401,
  },
  {
    fault: 'token-kind',
    parameters: { is: 'id' },
    async symptom(issuer) {
      const { header, claims } = await issued(issuer)
      assert.equal(header['typ'], 'JWT')
      assert.equal(claims['aud'], 'doorman-dev')
      assert.ok('nonce' in claims && !('scope' in claims))
    },
    server: 401,
  },
  {
    fault: 'token-opaque',
    parameters: { form: 'opaque' },
    symptom: async (issuer) => assert.match((await issued(issuer)).token, /^[\w-]{43}$/),
    server: 401,
  },
  {
    fault: 'token-opaque',
    parameters: { form: 'encrypted' },
    symptom: async (issuer) =>
      assert.match((await issued(issuer)).token, /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/),
    server: 401,
  },
  ...[-7200, 7200].map((seconds): FaultRow => ({
    fault: 'clock',
    parameters: { seconds },
    async symptom(issuer) {
      const { claims } = await issued(issuer)
      assert.ok(Math.abs(inSeconds(claims, 'iat') - seconds) < 60)
      assert.ok(Math.abs(inSeconds(claims, 'exp') - seconds - 3600) < 60)
      const { headers } = await getJson(`${issuer.issuer}/jwks`)
      assert.ok(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now() - seconds * 1000) < 60_000)
    },
    server: 401,
  })),
  {
    fault: 'token-forged',
    parameters: { by: 'stranger' },
    async symptom(issuer) {
      const [{ header }, keys] = [await issued(issuer), await publishedKeys(issuer)]
      assert.equal(header['kid'], keys[0]?.['kid'], 'it looks like one of its own')
    },
    server: 401,
  },
  {
    fault: 'token-forged',
    parameters: { by: 'nobody' },
    async symptom(issuer) {
      const { header, token } = await issued(issuer)
      assert.equal(header['alg'], 'none')
      assert.ok(token.endsWith('.'))
    },
    server: 401,
  },
  {
    fault: 'refresh-needs-scope',
    async symptom(issuer) {
      const tokens = await getTokens(issuer)
      const { status, body } = await refresh(issuer, tokens.refresh)
      assert.equal(status, 400)
      assert.match(String(body['error_description']), /^AADSTS90009/)
      assert.equal((await refresh(issuer, tokens.refresh, { scope: tokens.scope })).status, 200)
    },
    server: 200,
  },
  {
    fault: 'refresh-once',
    async symptom(issuer) {
      const tokens = await getTokens(issuer)
      assert.equal((await refresh(issuer, tokens.refresh)).status, 200)
      const second = await refresh(issuer, tokens.refresh)
      assert.deepEqual([second.status, second.body['error']], [400, 'invalid_grant'])
    },
    server: 200,
  },
  {
    fault: 'resource-lost',
    async symptom(issuer) {
      const code = await getUnattendedCode(issuer)
      const { status, body } = await redeem(issuer, code, { resource })
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      assert.match(String(body['error_description']), /resource does not match/)
      assert.equal((await redeem(issuer, code, { redirect_uri: redirectUri })).status, 200)
    },
    server: 200,
  },
]

export const keyRows: readonly FaultRow[] = [
  {
    fault: 'keys-rotated',
    symptom: async (issuer) => assert.equal((await publishedKeys(issuer)).length, 2),
    server: 200,
  },
  {
    fault: 'keys-replaced',
    symptom: async (issuer) => assert.equal((await publishedKeys(issuer)).length, 1),
    server: 200,
  },
  ...['kept', 'removed'].map((others): FaultRow => ({
    fault: 'keys-removed',
    parameters: { others },
    async symptom(issuer) {
      await issuer.rotateKeys()
      const { header } = await issued(issuer)
      const kids = (await publishedKeys(issuer)).map(({ kid }) => kid)
      assert.ok(!kids.includes(header['kid']))
      assert.equal(kids.length, others === 'kept' ? 1 : 0)
    },
    // A set without a key makes no sense; in another, the key that signed is not found.
    server: others === 'kept' ? 401 : 503,
  })),
  {
    fault: 'keys-doubled',
    async symptom(issuer) {
      const [first, second] = await publishedKeys(issuer)
      assert.equal(first?.['kid'], second?.['kid'])
      assert.notEqual(first?.['n'], second?.['n'])
    },
    server: 200,
  },
  {
    fault: 'keys-weak',
    async symptom(issuer) {
      const [key] = await publishedKeys(issuer)
      assert.equal(Buffer.from(String(key?.['n']), 'base64url').length, 128)
      assert.equal((await issued(issuer)).header['kid'], key?.['kid'])
    },
    server: 401,
  },
]
