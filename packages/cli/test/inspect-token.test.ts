import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatInspection, inspectToken } from '#internal/inspect-token'
import * as fc from 'fast-check'

const now = 1_800_000_000

function jwt(claims: object, header: object = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.c2lnbmF0dXJl`
}

const good = {
  iss: 'https://issuer.example',
  sub: 'alice',
  client_id: 'notes',
  aud: 'https://mcp.example/mcp',
  scope: 'files:list files:read',
  iat: now - 60,
  exp: now + 540,
}

test('an access token is told in a table', () => {
  assert.equal(
    formatInspection(inspectToken(jwt(good), now)),
    `Kind      at+jwt, ES256, key k1
Issuer    https://issuer.example
Subject   alice
Client    notes
Audience  https://mcp.example/mcp
Scopes    files:list files:read
Issued    2027-01-15T07:59:00.000Z
Expires   2027-01-15T08:09:00.000Z (9 min left)
The signature was not checked.
`,
  )
})

const remarks: readonly (readonly [string, object, object | undefined, RegExp])[] = [
  ['a token without an end', { ...good, exp: undefined }, undefined, /no end/],
  ['a token that has ended', { ...good, exp: now - 1 }, undefined, /has ended/],
  ['a token that is not valid yet', { ...good, nbf: now + 60 }, undefined, /not valid yet/],
  ['a token for nobody', { ...good, aud: undefined }, undefined, /no audience/],
  ['an unsigned token', good, { alg: 'none' }, /not signed/],
  ['a refresh token of Casdoor', { ...good, tokenType: 'refresh-token' }, undefined, /no access token/],
  [
    'one that says both',
    { ...good, tokenType: 'access-token', TokenType: 'refresh-token' },
    undefined,
    /no access token/,
  ],
  ['a logout token', { ...good, events: {} }, undefined, /an event/],
  ['a bound token', { ...good, cnf: { jkt: 'x' } }, undefined, /bound to a key/],
  ['a token with secrets', { ...good, passwordSalt: 'x' }, undefined, /passwordSalt/],
]
for (const [name, claims, header, expected] of remarks) {
  test(`remarks on ${name}, and not on a good one`, () => {
    assert.match(inspectToken(jwt(claims, header), now).remarks.join('\n'), expected)
    assert.deepEqual(inspectToken(jwt(good), now).remarks, [])
  })
}

test('the token itself is never in the answer', () => {
  const token = jwt(good)
  const inspection = inspectToken(`Bearer ${token}\n`, now)
  for (const text of [formatInspection(inspection), JSON.stringify(inspection)]) {
    assert.ok(token.split('.').every((part) => !text.includes(part)))
  }
})

test('control characters of a claim cannot move the cursor of a terminal', () => {
  const text = formatInspection(inspectToken(jwt({ ...good, sub: 'a\u001b[2J\u202eb' }), now))
  assert.ok(text.includes('a\\u001b[2J\\u202eb'))
})

for (const input of ['', 'qwertyuiop', 'a.b', 'a.b.c', `${jwt(good)}.x`, '[].[].x']) {
  test(`what is no JWT is refused without repeating it: ${JSON.stringify(input.slice(0, 12))}`, () => {
    assert.throws(
      () => inspectToken(input, now),
      (error: Error) => /no JWT/.test(error.message) && (input.length < 4 || !error.message.includes(input)),
    )
  })
}

test('an encrypted token is named as such', () => {
  assert.throws(() => inspectToken('a.b.c.d.e', now), /JWE/)
})

test('whatever the claims are, the answer is made of printable text', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...Object.keys(good), 'nbf', 'azp'), fc.jsonValue()),
      (claims) => {
        // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
        assert.doesNotMatch(formatInspection(inspectToken(jwt(claims), now)), /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
      },
    ),
  )
})
