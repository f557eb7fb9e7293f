import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createMemoryRevocations,
  denials,
  type DenialCode,
  type ResourceServerOptions,
} from '@mcp-doorman/resource-server'
import { makeKey } from './compact-jws.ts'
import { boundToken, makeDpopClient, provenRequest } from './dpop-client.ts'
import { callOf, startGuarded, startTime, type Guarded, type RequestChange } from './guarded.ts'
import { json } from './test-issuer.ts'

type Claims = Readonly<Record<string, unknown>>

/** A request to a server of its own that ends in one code; what stands before it is in the fields. */
interface Row {
  readonly claims?: Claims
  readonly options?: Partial<ResourceServerOptions>
  readonly header?: Claims
  /** A request beside the token of the claims and header. */
  readonly request?: RequestChange
  /** The token, if it is not one of the issuer's. */
  readonly token?: (world: Guarded) => string | undefined
  /** The whole request, where it is more than a token and what stands beside it. */
  readonly send?: (world: Guarded) => RequestChange
  /** Whether the issuer is asked about its tokens; it says so if they are good. */
  readonly introspection?: boolean
  /** What happens before the request. */
  readonly before?: (world: Guarded) => void | Promise<void>
}

const once = { count: 1, perSeconds: 3600 }
const batch = [callOf('read_file')]
const sameKid = makeKey('ES256', 'key')
const client = makeDpopClient()
const asked = { clientId: 'server', clientSecret: 'secret' }
/** Sends a bound token with a proof, once. */
const proven = (world: Guarded): RequestChange => {
  const token = boundToken(world, client)
  return provenRequest(token, client.prove(token, { claims: { jti: 'one' } }))
}

const rows: Readonly<Record<DenialCode, Row | string>> = {
  token_missing: { token: () => undefined },
  authorization_malformed: { token: () => 'a b' },
  authorization_repeated: { request: { headers: ['Authorization', 'Bearer a'] } },
  token_presented_twice: { request: { target: '/mcp?access_token=a' } },
  token_too_long: { token: () => 'a'.repeat(16_385) },
  token_malformed: { token: () => 'a.b.c' },
  token_type_refused: { header: { typ: 'JWT' } },
  token_use_refused: 'only Casdoor’s profile knows uses: casdoor-application.test.ts',
  critical_header_unknown: { header: { crit: ['a'] } },
  algorithm_refused: { header: { alg: 'HS256' } },
  issuer_unknown: { claims: { iss: 'https://else.example' } },
  key_unknown: { header: { kid: 'else' } },
  signature_invalid: { token: ({ issuer }) => issuer.sign({ key: makeKey('ES256', 'key') }) },
  audience_mismatch: { claims: { aud: 'https://else.example' } },
  token_expired: { claims: { exp: startTime - 60 } },
  token_not_yet_valid: { claims: { nbf: startTime + 60 } },
  claim_missing: { claims: { sub: undefined } },
  claim_invalid: { claims: { sub: 7 } },
  client_refused: { claims: { client_id: 'else' } },
  owner_refused: 'only Casdoor’s profile knows owners: casdoor-application.test.ts',
  sender_unproven: { claims: { cnf: { jkt: 'a' } } },
  dpop_proof_invalid: {
    options: { dpop: {} },
    send: (world) => ({ token: boundToken(world, client), scheme: 'DPoP' }),
  },
  dpop_proof_replayed: {
    options: { dpop: {} },
    before: async (world) => void (await world.ask(proven(world))),
    send: proven,
  },
  dpop_nonce_required: { options: { dpop: { nonce: {} } }, send: proven },
  token_inactive: {
    introspection: true,
    before: ({ issuer }) => void (issuer.answerIntrospection = json({ active: false })),
  },
  token_revoked: { before: async ({ server }) => void (await server.revoke({ subject: 'alice' })) },
  issuer_unavailable: { before: ({ issuer }) => void (issuer.answerKeys = json({}, 500)) },
  introspection_refused: {
    introspection: true,
    before: ({ issuer }) => void (issuer.answerIntrospection = json({}, 401)),
  },
  state_unavailable: {
    options: {
      revocations: { ...createMemoryRevocations(), revokes: () => assert.fail('the store is away') },
    },
  },
  decision_failed: { request: { readBody: () => Promise.reject(new Error('gone')) } },
  audit_unavailable: { before: ({ sink }) => void (sink.failing = true) },
  server_busy: { request: { readBody: () => Promise.resolve('server_busy') } },
  method_not_allowed: { request: { method: 'GET' } },
  method_removed: {
    request: {
      body: {
        ...callOf('a'),
        method: 'resources/subscribe',
        params: {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      },
      headers: ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'resources/subscribe'],
    },
  },
  media_type_unsupported: { request: { headers: ['Content-Type', 'text/plain'] } },
  not_acceptable: { request: { headers: ['Accept', 'application/json'] } },
  body_too_large: { request: { readBody: () => Promise.resolve('body_too_large') } },
  body_incomplete: { request: { readBody: () => Promise.resolve('body_incomplete') } },
  body_unparsable: { request: { body: '{' } },
  message_invalid: { request: { body: '{}' } },
  params_invalid: { request: { body: { ...callOf('a'), params: [] } } },
  headers_disagree: {
    request: {
      body: {
        ...callOf('a'),
        params: { name: 'a', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
      },
    },
  },
  version_unsupported: { request: { headers: ['MCP-Protocol-Version', '2020-01-01'] } },
  batch_refused: { request: { body: batch, headers: ['MCP-Protocol-Version', '2025-11-25'] } },
  caller_limit_reached: {
    before: async ({ ask, issuer }) => {
      for (let count = 0; count < 5; count += 1) await ask({ token: issuer.sign() })
    },
  },
  authentication_limit_reached: 'failed-authentication.test.ts',
  limits_unavailable: 'limit-store.test.ts',
  rule_limit_reached: {
    before: async ({ ask, issuer }) => void (await ask({ token: issuer.sign(), body: callOf('limited') })),
    request: { body: callOf('limited') },
  },
  authentication_insufficient: { request: { body: callOf('delicate') } },
  scope_missing: { claims: { scope: '' } },
  rule_refused: { request: { body: callOf('audit_files') } },
  item_hidden: { request: { body: callOf('nothing') } },
}

const names = Object.keys(rows) as DenialCode[] // The type of the table says that these are its keys.

for (const code of names) {
  const row = rows[code]
  if (typeof row === 'string') continue
  test(`the denial ${code} can be met, recorded and answered`, async () => {
    const world = await startGuarded({
      keys: [sameKid],
      options: {
        callerLimit: { count: 5, perSeconds: 3600 },
        rules: [
          { tools: ['read_file'], require: { scopes: ['files:read'] } },
          { tools: ['audit_files'], require: { anyRole: ['staff'] } },
          { tools: ['limited'], limit: once },
          { tools: ['delicate'], require: { authentication: { maxAgeSeconds: 60 } } },
        ],
      },
      optionsOf: ({ issuer }) => ({
        issuers: [
          {
            issuer,
            allowedClients: ['test-client'],
            ...(row.introspection === true && { introspection: asked }),
          },
        ],
        ...row.options,
      }),
    })
    await row.before?.(world)
    const { claims = {}, header = {} } = row
    const token = row.token === undefined ? world.issuer.sign({ claims, header }) : row.token(world)
    const request = row.send?.(world) ?? { ...row.request, token }
    assert.equal(await world.outcome(request), code)
    const { status, headers } = world.answer(await world.ask(request))
    assert.equal(status, denials[code].status)
    assert.equal(headers['retry-after'] !== undefined, status === 503 || status === 429, 'J2')
  })
}

test('every code is in the table, and what is tested elsewhere says where', () => {
  assert.deepEqual(names.toSorted(), Object.keys(denials).toSorted())
  for (const row of Object.values(rows)) if (typeof row === 'string') assert.match(row, /\.test\.ts$/)
})

test('G13: of the error codes that JSON-RPC and MCP reserve, only those that they define are used', () => {
  const defined = [-32_700, -32_600, -32_601, -32_602, -32_603, -32_020, -32_021, -32_022]
  for (const [code, { jsonRpcCode = 0 }] of Object.entries(denials)) {
    const reserved = jsonRpcCode >= -32_768 && jsonRpcCode <= -32_000
    assert.ok(!reserved || defined.includes(jsonRpcCode), `${code}: ${jsonRpcCode}`)
  }
})

test('every code has a source and a sentence, and each bad token the same one', () => {
  const tokens = Object.values(denials).filter(({ oauthError }) => oauthError === 'invalid_token')
  assert.equal(new Set(tokens.map(({ sentence, status }) => `${status} ${sentence}`)).size, 1)
  for (const { source, sentence } of Object.values(denials))
    assert.ok(source.length > 1 && sentence.length > 1)
})
