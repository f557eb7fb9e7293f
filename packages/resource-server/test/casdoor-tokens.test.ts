import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readVerificationKeys } from '#internal/identity/verification-keys'
import { casdoor as profile } from '#internal/identity/profiles/casdoor'
import {
  createRecordedVerifier,
  recordedKeys,
  tokenSample,
  tokenSamples,
  type RecordedVerifierOptions,
  type TokenSample,
} from './recorded-casdoor.ts'

const everyKey = (): { readonly keys: readonly unknown[] } => ({ keys: recordedKeys('global') })

function verifierAt(
  { expectedAudience, validAt }: Pick<TokenSample, 'expectedAudience' | 'validAt'>,
  change: Partial<RecordedVerifierOptions> = {},
): ReturnType<typeof createRecordedVerifier> {
  return createRecordedVerifier({
    audience: expectedAudience,
    nowSeconds: () => validAt,
    documents: everyKey,
    ...change,
  })
}

const names = tokenSamples.filter((name) => name !== 'rotation-in-place' && name !== 'summary')

/** What keys verify a sample, other than those of the whole instance. */
const ownKeys: Readonly<Record<string, string>> = {
  'duplicate-kid': 'duplicate-kid',
  'mcp-es256': 'app-es256',
  'mcp-default-cert': 'app-default-cert',
}

for (const name of names) {
  const sample = tokenSample(name)
  const { accessToken, refreshToken, logoutToken } = sample
  if (accessToken !== undefined) {
    // An application that signs with RS512 over a key for RS256 has no key that fits.
    const expected = name === 'mcp-rs512' ? 'key_unknown' : 'allow'
    const keySets = [ownKeys[name] ?? 'app-admin-cert', ...(name === 'duplicate-kid' ? [] : ['global'])]
    for (const keySet of keySets) {
      test(`Casdoor's access token ${name} with the keys ${keySet} → ${expected}`, async () => {
        const documents = (): { keys: readonly unknown[] } => ({ keys: recordedKeys(keySet) })
        assert.equal(await verifierAt(sample, { documents }).outcome(accessToken.jwt), expected)
      })
    }
    test(`Casdoor's access token ${name} for another resource → refused`, async () => {
      const change = { audience: 'https://else.example', documents: keysOf(name) }
      const outcome = await verifierAt(sample, change).outcome(accessToken.jwt)
      assert.equal(outcome, name === 'mcp-rs512' ? 'key_unknown' : 'audience_mismatch')
    })
    test(`Casdoor's access token ${name} after its end → refused`, async () => {
      const nowSeconds = (): number => Number(accessToken.claims['exp']) + 30
      const outcome = await verifierAt(sample, { nowSeconds, documents: keysOf(name) }).outcome(
        accessToken.jwt,
      )
      assert.equal(outcome, name === 'mcp-rs512' ? 'key_unknown' : 'token_expired')
    })
  }
  if (refreshToken !== undefined) {
    test(`C11: Casdoor's refresh token ${name} → refused, with one key and with all`, async () => {
      for (const documents of [keysOf(name), everyKey]) {
        assert.equal(await verifierAt(sample, { documents }).outcome(refreshToken.jwt), 'token_type_refused')
      }
    })
  }
  if (logoutToken !== undefined) {
    test(`C11: Casdoor's logout token ${name} → refused`, async () => {
      assert.equal(await verifierAt(sample).outcome(logoutToken.jwt), 'token_use_refused')
    })
  }
}

function keysOf(name: string): () => { readonly keys: readonly unknown[] } {
  return () => ({ keys: recordedKeys(ownKeys[name] ?? 'app-admin-cert') })
}

test('the samples are all judged', () => {
  const kinds = names.map(tokenSample)
  assert.equal(kinds.filter(({ accessToken }) => accessToken !== undefined).length, 21)
  assert.equal(kinds.filter(({ refreshToken }) => refreshToken !== undefined).length, 13)
  assert.equal(kinds.filter(({ logoutToken }) => logoutToken !== undefined).length, 1)
})

const custom = tokenSample('mcp-custom')
const application = { clientId: 'client-mcp-custom', owner: 'acme' }
const pinned = (): { readonly keys: readonly unknown[]; readonly application: typeof application } => ({
  keys: recordedKeys('app-admin-cert'),
  application,
})

const pinRows: readonly (readonly [
  name: string,
  sample: string,
  expected: string,
  pins: NonNullable<RecordedVerifierOptions['pins']>,
])[] = [
  ['the pinned application', 'mcp-custom', 'allow', { application: 'mcp-custom' }],
  ['another application of the same key', 'mcp-jwt', 'client_refused', { application: 'mcp-custom' }],
  [
    'another application that is listed',
    'mcp-jwt',
    'allow',
    { application: 'mcp-custom', allowedClients: ['client-mcp-jwt'] },
  ],
  [
    'another application than the listed one',
    'mcp-jwt',
    'client_refused',
    { allowedClients: ['client-mcp-custom'] },
  ],
  ['any application, when any is accepted', 'mcp-open', 'allow', { allowedClients: 'any' }],
  ['a listed organization', 'mcp-custom', 'allow', { application: 'mcp-custom', allowedOwners: ['acme'] }],
  [
    'an organization that is not listed',
    'mcp-custom',
    'owner_refused',
    { application: 'mcp-custom', allowedOwners: ['built-in'] },
  ],
  [
    'an organization that only begins like a listed one',
    'mcp-custom',
    'owner_refused',
    { application: 'mcp-custom', allowedOwners: ['acm'] },
  ],
]
for (const [name, sampleName, expected, pins] of pinRows) {
  test(`a Casdoor token of ${name} → ${expected}`, async () => {
    const sample = tokenSample(sampleName)
    const verifier = verifierAt(sample, { documents: pinned, pins })
    assert.equal(await verifier.outcome(sample.accessToken?.jwt ?? ''), expected)
  })
}

test('a user of another organization than the pinned application’s → owner_refused', async () => {
  const documents = (): ReturnType<typeof pinned> => ({
    ...pinned(),
    application: { ...application, owner: 'umbrella' },
  })
  const verifier = verifierAt(custom, { documents, pins: { application: 'mcp-custom' } })
  assert.equal(await verifier.outcome(custom.accessToken?.jwt ?? ''), 'owner_refused')
})

test('a shared application’s users are of other organizations: they must be listed', async () => {
  const sample = tokenSample('shared-application')
  const token = sample.accessToken?.jwt ?? ''
  const shared = { clientId: 'client-shared-bi', owner: 'built-in' }
  const documents = (): ReturnType<typeof pinned> => ({ ...pinned(), application: shared })
  const pins = { application: 'shared-bi' }
  assert.equal(await verifierAt(sample, { documents, pins }).outcome(token), 'owner_refused')
  const listed = { ...pins, allowedOwners: ['acme'] }
  assert.equal(await verifierAt(sample, { documents, pins: listed }).outcome(token), 'allow')
})

test('a machine’s token is for its own client id, and so for no resource', async () => {
  const { accessToken, validAt } = tokenSample('client-credentials')
  const verifier = verifierAt({ expectedAudience: custom.expectedAudience, validAt })
  assert.equal(await verifier.outcome(accessToken?.jwt ?? ''), 'audience_mismatch')
})

test('C27: a key replaced under its own kid is noticed, in both directions', async () => {
  const sample = tokenSample('rotation-in-place')
  let keySet = 'rotation-1-before'
  const documents = (): { keys: readonly unknown[] } => ({ keys: recordedKeys(keySet) })
  const verifier = verifierAt(sample, { documents })
  const before = sample.tokenBefore?.jwt ?? ''
  const after = sample.tokenAfter?.jwt ?? ''
  assert.equal(await verifier.outcome(before), 'allow')
  keySet = 'rotation-2-after'
  assert.equal(await verifier.outcome(after), 'allow')
  assert.equal(await verifier.outcome(before), 'signature_invalid', 'also from the cache')
})

test('an application that is pointed to another certificate drops the old key at once', async () => {
  const sample = tokenSample('rotation-in-place')
  const documents = (): { keys: readonly unknown[] } => ({ keys: recordedKeys('rotation-3-switched-cert') })
  assert.equal(await verifierAt(sample, { documents }).outcome(sample.tokenAfter?.jwt ?? ''), 'key_unknown')
})

test('a key whose private half is published verifies nothing', async () => {
  const [entry] = recordedKeys('app-admin-cert')
  const [key] = await readVerificationKeys([entry], profile.refusedKeys)
  assert.ok(key, 'the recorded key itself is not a published one')
  assert.deepEqual(await readVerificationKeys([entry], [key.thumbprint]), [])
  assert.equal(profile.refusedKeys.length, 1)
})

test('an application that does not exist is served every key of the instance, which its name does not pin', () => {
  assert.deepEqual(recordedKeys('app-unknown'), recordedKeys('global'))
  assert.deepEqual(recordedKeys('app-admin-cert').length, 1)
})
