import assert from 'node:assert/strict'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readDpop, withIntrospection, type TokenCheckOptions } from '#internal/token-checks'

const folder = mkdtempSync(join(tmpdir(), 'doorman-checks-'))
after(() => rmSync(folder, { recursive: true }))
const secretFile = join(folder, 'secret')
writeFileSync(secretFile, 's3cret\n')
process.env['DOORMAN_TEST_SECRET'] = 'from the environment'

const usual: TokenCheckOptions = { dpop: 'off', opaqueTokens: false }
const issuer = { issuer: 'https://issuer.example' }

test('proofs are taken, required or not looked at, with nonces of a shared secret or of a random one', () => {
  assert.equal(readDpop(usual), undefined)
  assert.deepEqual(readDpop({ ...usual, dpop: 'accept' }), { required: false })
  assert.deepEqual(readDpop({ ...usual, dpop: 'require', dpopNonce: 'random' }), {
    required: true,
    nonce: {},
  })
  assert.deepEqual(readDpop({ ...usual, dpop: 'accept', dpopNonce: 'env:DOORMAN_TEST_SECRET' }), {
    required: false,
    nonce: { secret: 'from the environment' },
  })
})

test('an issuer is asked with a secret or a key, and opaque tokens are its own', () => {
  const secret = { ...usual, introspect: 'us', introspectSecret: `file:${secretFile}` }
  const introspection = { clientId: 'us', clientSecret: 's3cret' }
  assert.deepEqual(withIntrospection([issuer], usual), [issuer])
  assert.deepEqual(withIntrospection([issuer], secret), [{ ...issuer, introspection }])
  assert.deepEqual(withIntrospection([issuer], { ...secret, opaqueTokens: true, introspectCache: 10 }), [
    { ...issuer, introspection: { ...introspection, cacheSeconds: 10 }, tokens: 'opaque' },
  ])
  const casdoor = { casdoor: 'https://casdoor.example', application: 'a' }
  const key = {
    ...usual,
    introspect: 'us',
    introspectKey: 'env:DOORMAN_TEST_SECRET',
    introspectAs: 'https://us',
  }
  assert.deepEqual(withIntrospection([casdoor], key), [
    {
      ...casdoor,
      introspection: { clientId: 'us', privateKey: 'from the environment', assertionIssuer: 'https://us' },
    },
  ])
})

const mistakes: readonly (readonly [change: Partial<TokenCheckOptions>, message: RegExp])[] = [
  [{ dpopNonce: 'random' }, /--dpop-nonce has no effect without --dpop/],
  [{ dpop: 'accept', dpopNonce: 'a-secret-in-plain-sight' }, /write env:NAME or file:PATH/],
  [{ introspectSecret: 'env:A' }, /--introspect-secret has no effect without --introspect CLIENT-ID/],
  [{ introspectKey: 'env:A' }, /--introspect-key has no effect/],
  [{ introspectAs: 'a' }, /--introspect-as has no effect/],
  [{ introspectCache: 1 }, /--introspect-cache has no effect/],
  [{ opaqueTokens: true }, /--opaque-tokens has no effect/],
  [{ introspect: 'us' }, /needs either --introspect-secret or --introspect-key/],
  [{ introspect: 'us', introspectSecret: 'env:A', introspectKey: 'env:B' }, /needs either/],
  [{ introspect: 'us', introspectSecret: 'hunter2' }, /write env:NAME or file:PATH/],
  [
    { introspect: 'us', introspectSecret: 'env:DOORMAN_TEST_ABSENT' },
    /the variable DOORMAN_TEST_ABSENT is empty or not there/,
  ],
  [
    { introspect: 'us', introspectSecret: 'file:/nowhere/at/all' },
    /the file \/nowhere\/at\/all cannot be read/,
  ],
]
for (const [change, message] of mistakes) {
  test(`${JSON.stringify(change)} is refused, without a secret in the message`, () => {
    const read = (): unknown => [
      readDpop({ ...usual, ...change }),
      withIntrospection([issuer], { ...usual, ...change }),
    ]
    assert.throws(read, (error) => {
      assert.ok(error instanceof Error)
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /hunter2|plain-sight/)
      return true
    })
  })
}

test('of several issuers, none is asked by chance; and Casdoor has no opaque tokens', () => {
  const asked = { ...usual, introspect: 'us', introspectSecret: `file:${secretFile}` }
  assert.throws(() => withIntrospection([issuer, { issuer: 'https://b.example' }], asked), /Name one issuer/)
  const casdoor = { casdoor: 'https://casdoor.example', application: 'a' }
  assert.throws(() => withIntrospection([casdoor], { ...asked, opaqueTokens: true }), /whose tokens are JWTs/)
})
