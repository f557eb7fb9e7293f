/** Recorded tokens as samples: each trap that a token shows is found, and named once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { otherKindOfToken, readSampleToken, type SampleToken } from '#internal/check/sample-token'
import { application, checkSpoiled, recordedNow, type Spoiled } from './healthy-casdoor.ts'
import { answerOf, readFixture, recorded } from './recorded.ts'

interface Sample {
  readonly application?: string
  readonly accessToken: { readonly jwt: string }
  readonly refreshToken: { readonly jwt: string }
  readonly logoutToken: { readonly jwt: string }
  readonly tokenBefore: { readonly jwt: string }
  readonly tokenAfter: { readonly jwt: string }
}

const sample = (name: string): Sample => readFixture(`tokens/${name}`) as Sample // See its README.
const keySet = (name: string) => answerOf(recorded(`jwks/${name}`).response)

/** The client of the recorded application, with ids as Casdoor makes them out of the way. */
const ownClient = (name: string): object => ({ clientId: `client-${name}` })
const resource = 'https://mcp.example/mcp'

interface Row {
  readonly name: string
  readonly token: string
  readonly of?: string
  readonly keys?: string
  readonly options?: Spoiled['options']
  readonly findings: readonly string[]
}

const rows: readonly Row[] = [
  { name: 'an access token as it should be', token: sample('mcp-custom').accessToken.jwt, findings: [] },
  {
    name: 'the same with "Bearer" before it and a line end after it',
    token: `Bearer ${sample('mcp-custom').accessToken.jwt}\n`,
    findings: [],
  },
  ...['mcp-custom', 'mcp-jwt', 'mcp-short', 'mcp-standard'].map((name) => ({
    name: `a refresh token of ${name}`,
    token: sample(name).refreshToken.jwt,
    of: name,
    findings: ['sample_no_access_token'],
  })),
  {
    name: 'a logout token',
    token: sample('backchannel-logout').logoutToken.jwt,
    findings: ['sample_no_access_token'],
  },
  {
    name: 'a token with the whole record',
    token: sample('mcp-jwt').accessToken.jwt,
    of: 'mcp-jwt',
    findings: ['token_carries_record'],
  },
  {
    name: 'a token for the client itself',
    token: sample('mcp-custom-no-resource').accessToken.jwt,
    options: {},
    findings: ['sample_audience_differs'],
  },
  {
    name: 'the same, where the server is known',
    token: sample('mcp-custom-no-resource').accessToken.jwt,
    findings: ['sample_audience_differs'],
  },
  {
    name: 'a token for the server with another slash',
    token: sample('mcp-custom').accessToken.jwt,
    options: { resource: `${resource}/` },
    findings: ['sample_audience_differs'],
  },
  {
    name: 'a token of another application',
    token: sample('mcp-custom').accessToken.jwt,
    of: 'mcp-other',
    findings: ['sample_client_differs'],
  },
  {
    name: 'a token whose claim has the name of one of the user',
    token: sample('mcp-roles-bad').accessToken.jwt,
    of: 'mcp-roles-bad',
    findings: ['attribute_shadows_user'],
  },
  {
    name: 'a token with names of roles beside those of the user',
    token: sample('mcp-roles-ok').accessToken.jwt,
    of: 'mcp-roles-ok',
    findings: [],
  },
  {
    name: 'a token with roles as Casdoor writes them',
    token: sample('mcp-roles-field').accessToken.jwt,
    of: 'mcp-roles-field',
    findings: [],
  },
  {
    name: 'a token that is signed by another algorithm than the key is for',
    token: sample('mcp-rs512').accessToken.jwt,
    of: 'mcp-rs512',
    findings: ['signing_method_differs'],
  },
  {
    name: 'a token of an elliptic key',
    token: sample('mcp-es256').accessToken.jwt,
    of: 'mcp-es256',
    keys: 'app-es256',
    findings: [],
  },
  {
    name: 'a token whose key was replaced under its id',
    token: sample('rotation-in-place').tokenBefore.jwt,
    of: 'mcp-rot',
    keys: 'rotation-2-after',
    findings: ['sample_key_unknown'],
  },
  {
    name: 'the token after that',
    token: sample('rotation-in-place').tokenAfter.jwt,
    of: 'mcp-rot',
    keys: 'rotation-2-after',
    findings: [],
  },
  {
    name: 'a token whose certificate was changed for another',
    token: sample('rotation-in-place').tokenAfter.jwt,
    of: 'mcp-rot',
    keys: 'rotation-3-switched-cert',
    findings: ['sample_key_unknown'],
  },
  {
    name: 'a token that has ended',
    token: sample('mcp-custom').accessToken.jwt,
    options: { resource, nowSeconds: () => recordedNow + 86_400 },
    findings: ['sample_ended'],
  },
  {
    name: 'a token of an application that organizations share',
    token: sample('shared-application').accessToken.jwt,
    of: 'shared-bi',
    options: {},
    findings: ['application_shared', 'sample_audience_differs'],
  },
  {
    name: 'a token of a machine',
    token: sample('client-credentials').accessToken.jwt,
    of: 'm2m',
    findings: ['sample_audience_differs'],
  },
  { name: 'a word', token: 'opaque', findings: ['sample_unreadable'] },
  { name: 'nothing', token: '', findings: ['sample_unreadable'] },
]

for (const { name, token, of = 'mcp-custom', keys, options = { resource }, findings } of rows) {
  test(`of ${name} check says ${findings.join(', ') || 'nothing'}`, async () => {
    const report = await checkSpoiled({
      application: { ...application, ...ownClient(of) },
      options: { token, ...options },
      answers: keys === undefined ? {} : { '/.well-known/mcp-custom/jwks': keySet(keys) },
    })
    assert.deepEqual(
      report.findings.map(({ id }) => id).filter((id) => id !== 'client_id_needs_encoding'),
      findings,
    )
    assert.equal(report.requests, 10, 'a token is looked at without asking')
    const { signature = token } = /\.(?<signature>[\w-]+)\s*$/.exec(token)?.groups ?? {}
    if (signature !== '') assert.ok(!JSON.stringify(report).includes(signature), 'it is not repeated')
  })
}

/** Unsigned: what kind of token it is, is told by its words. */
function wordsOf(header: object, claims: object): SampleToken {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token = readSampleToken(`${part({ alg: 'RS256', ...header })}.${part(claims)}.AA`)
  assert.ok(token !== undefined)
  return token
}

for (const [name, header, claims, reason] of [
  ['a key id and the right use', { kid: 'k' }, { tokenType: 'access-token' }, undefined],
  ['no key id', {}, { tokenType: 'access-token' }, /no key/],
  ['events', { kid: 'k' }, { tokenType: 'access-token', events: {} }, /events/],
  ['no use', { kid: 'k' }, {}, /what it is for/],
  [
    'another use in another spelling',
    { kid: 'k' },
    { tokenType: 'access-token', TOKENTYPE: 'x' },
    /TOKENTYPE/,
  ],
] as const) {
  test(`a token with ${name} is ${reason === undefined ? 'an' : 'no'} access token`, () => {
    const other = otherKindOfToken(wordsOf(header, claims))
    if (reason === undefined) assert.equal(other, undefined)
    else assert.match(other ?? '', reason)
  })
}

test('reading a sample never throws, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w-]*\.[\w-]*\.[\w-]*$/)),
      (text) => {
        void readSampleToken(text)
      },
    ),
  )
  assert.equal(readSampleToken(`${'a'.repeat(70_000)}.b.c`), undefined)
})
