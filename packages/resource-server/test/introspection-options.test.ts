import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { StandardIssuerOptions } from '@mcp-doorman/resource-server'
import { startGuarded } from './guarded.ts'
import { secret } from './introspecting.ts'

const mistakes: readonly (readonly [
  name: string,
  change: Partial<StandardIssuerOptions>,
  message: RegExp,
])[] = [
  ['opaque tokens and nobody to ask', { tokens: 'opaque' }, /opaque tokens can only be read by asking/],
  ['no credentials', { introspection: { clientId: 'a' } }, /needs either "clientSecret" or "privateKey"/],
  [
    'both credentials',
    { introspection: { clientId: 'a', clientSecret: 'b', privateKey: 'c' } },
    /and not both/,
  ],
  ['an empty client', { introspection: { clientId: '', clientSecret: 'b' } }, /clientId: is empty/],
  ['an empty secret', { introspection: { clientId: 'a', clientSecret: '' } }, /clientSecret: is empty/],
  [
    'a file name for a key',
    { introspection: { clientId: 'a', privateKey: 'key.pem' } },
    /is no private key in PEM/,
  ],
  [
    'a time of more than a minute',
    { introspection: { ...secret, cacheSeconds: 61 } },
    /must be 0 to 60, and is 61/,
  ],
  ['a time below nothing', { introspection: { ...secret, cacheSeconds: -1 } }, /must be 0 to 60/],
  ['plain http', { introspection: { ...secret, endpoint: 'http://a.example/i' } }, /must be https/],
  [
    'keys for opaque tokens',
    { tokens: 'opaque', introspection: secret, jwksUri: 'https://a.example/k' },
    /jwksUri has no effect/,
  ],
  [
    'no audience in signed tokens',
    { introspection: { ...secret, acceptMissingAudience: true } },
    /for opaque tokens only/,
  ],
  ['keys kept for ever', { keepRemovedKeysSeconds: 604_801 }, /must be 0 to 604800/],
]
for (const [name, change, message] of mistakes) {
  test(`options with ${name} are refused at the start, without a secret in the message`, async () => {
    const started = startGuarded({ optionsOf: ({ issuer }) => ({ issuers: [{ issuer, ...change }] }) })
    await assert.rejects(started, (error) => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /s:e%c/)
      return true
    })
  })
}

test('a key that is too short, or of another kind than the algorithm, is refused at the start', async () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  for (const [key, algorithm] of [
    [short, undefined],
    [ec, 'RS256'],
  ] as const) {
    const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const introspection = { clientId: 'a', privateKey, ...(algorithm !== undefined && { algorithm }) }
    const started = startGuarded({ optionsOf: ({ issuer }) => ({ issuers: [{ issuer, introspection }] }) })
    await assert.rejects(started, /this kind or size of key cannot sign/)
  }
})

test('two issuers of opaque tokens cannot be told apart', async () => {
  const started = startGuarded({
    optionsOf: ({ issuer }) => ({
      issuers: [issuer, 'https://b.example'].map((name) => ({
        issuer: name,
        tokens: 'opaque' as const,
        introspection: secret,
      })),
    }),
  })
  await assert.rejects(started, /only one can have opaque tokens/)
})
