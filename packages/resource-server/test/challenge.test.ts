import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { denials, type DenialCode, type RequestForm } from '@mcp-doorman/resource-server'
import { createDenialFormatter } from '#internal/challenge'
import { parseChallenge, parseChallenges } from './challenge-parser.ts'
import { callOf, resource, startGuarded, type RequestChange } from './guarded.ts'
import { rounds } from '../../../test/rounds.ts'

const world = await startGuarded()
const metadataUrl = 'https://mcp.example/.well-known/oauth-protected-resource/mcp'
const token = (scope: string): string => world.issuer.sign({ claims: { scope } })

async function challengeOf(change: RequestChange): Promise<ReadonlyMap<string, string>> {
  const { headers } = world.answer(await world.ask(change))
  const { scheme, parameters } = parseChallenge(headers['www-authenticate'] ?? '')
  assert.equal(scheme, 'Bearer')
  return parameters
}

test('B12, A14: without a token the challenge names the metadata and the first scopes, in this order', async () => {
  const { status, headers, body } = world.answer(await world.ask({}))
  assert.equal(status, 401)
  assert.equal(
    headers['www-authenticate'],
    `Bearer scope="files:list files:read", resource_metadata="${metadataUrl}"`,
  )
  assert.deepEqual(JSON.parse(body), {
    error: 'unauthorized',
    error_description: 'An access token is required.',
  })
})

test('B8: with a bad token there is an error, and the same metadata and scopes', async () => {
  assert.deepEqual(Object.fromEntries(await challengeOf({ token: 'x' })), {
    error: 'invalid_token',
    error_description: 'The access token is not valid here. Get a new one.',
    scope: 'files:list files:read',
    resource_metadata: metadataUrl,
  })
})

test('B10, E5: a missing scope is a 403 that names every scope of the operation and no other', async () => {
  const change = { token: token('files:read a:b'), body: callOf('write_file') }
  assert.deepEqual(Object.fromEntries(await challengeOf(change)), {
    error: 'insufficient_scope',
    error_description: 'Token missing required scope: files:write',
    scope: 'files:read files:write',
    resource_metadata: metadataUrl,
  })
  const { status, body } = world.answer(await world.ask(change))
  assert.equal(status, 403)
  assert.deepEqual(JSON.parse(body), {
    error: 'insufficient_scope',
    error_description: 'Token missing required scope: files:write',
    scope: 'files:read files:write',
  })
})

test('B7: the option adds the error where no token was sent, and changes nothing else', async () => {
  const other = await startGuarded({ options: { errorWithoutToken: true } })
  const { status, headers } = other.answer(await other.ask({}))
  assert.equal(status, 401)
  assert.equal(parseChallenge(headers['www-authenticate'] ?? '').parameters.get('error'), 'invalid_token')
})

test('A15, CR1: what the request says of its host changes no address', async () => {
  const headers = [
    'Host',
    'evil.example',
    'X-Forwarded-Host',
    'evil.example',
    'Forwarded',
    'host=evil.example',
  ]
  const parameters = await challengeOf({ headers, target: 'https://evil.example/mcp' })
  assert.equal(parameters.get('resource_metadata'), metadataUrl)
  assert.equal(world.server.metadata.document.resource, resource)
})

test('B18, K8: every answer says no-store and the decision’s id', async () => {
  for (const change of [
    {},
    { token: 'x' },
    { token: token('') },
    { token: token('files:read'), body: '{' },
  ]) {
    const decision = await world.ask(change)
    const { headers } = world.answer(decision)
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['doorman-decision'], decision.id)
  }
})

const codes = Object.keys(denials) as DenialCode[] // The table has these and no other keys.
const forms: readonly RequestForm[] = ['mcp', 'mcp-stream', 'mcp-end', 'plain-list', 'plain-call']
const format = createDenialFormatter({
  metadataUrl,
  baseScopes: ['a', 'b'],
  errorWithoutToken: false,
  dpop: undefined,
})

for (const code of codes) {
  test(`the answer to ${code} is well formed in each form`, () => {
    for (const form of forms) {
      const { status, headers, body } = format({ code, detail: 'secret-detail', id: 7 }, form, 'd-1')
      const rule = denials[code]
      const challenge = headers['www-authenticate']
      assert.equal(challenge !== undefined, status === 401 || rule.oauthError !== undefined, 'B11')
      if (challenge !== undefined) {
        const error = parseChallenge(challenge).parameters.get('error')
        assert.equal(error, rule.oauthError)
        assert.doesNotMatch(challenge, /secret-detail/, 'B15')
      }
      assert.equal(headers['content-type'], 'application/json', 'B23')
      const value = JSON.parse(body) as Record<string, unknown> // Every body is an object.
      const isMessage = form.startsWith('mcp') && rule.jsonRpcCode !== undefined
      assert.deepEqual(
        Object.keys(value).toSorted(),
        isMessage ? ['error', 'id', 'jsonrpc'] : ['error', 'error_description'],
      )
      if (isMessage) assert.equal(value['id'], 7)
      if (status !== 400) assert.doesNotMatch(body, /secret-detail/)
      assert.ok(form.startsWith('mcp') || status !== 200, 'the plain form has no errors inside 200')
    }
  })
}

test('405 names the method of its own form', () => {
  const denial = { code: 'method_not_allowed', detail: '', id: null } as const
  assert.equal(format(denial, 'mcp', 'd').headers['allow'], 'POST')
  assert.equal(format(denial, 'plain-list', 'd').headers['allow'], 'GET')
  assert.equal(format(denial, 'mcp-stream', 'd').headers['allow'], 'GET')
  assert.equal(format(denial, 'mcp-end', 'd').headers['allow'], 'DELETE')
})

test('a denied notification gets the status and headers, and no body', () => {
  const denial = {
    code: 'scope_missing',
    detail: '',
    id: null,
    silent: true,
    scopes: ['a'],
    missing: ['a'],
  } as const
  const { status, headers, body } = format(denial, 'mcp', 'd')
  assert.equal(status, 403)
  assert.equal(body, '')
  assert.equal(headers['content-type'], undefined)
  assert.ok(headers['www-authenticate'])
})

test('an empty detail leaves no brackets behind', () => {
  const { body } = format({ code: 'body_incomplete', detail: '', id: null }, 'mcp', 'd')
  assert.match(body, /"The message ended before it was complete\."/)
})

test('B13, B14: no token, name, detail or body can split or garble the challenge', async () => {
  const wild = fc.string({ unit: 'binary', maxLength: 40 })
  const isLegal = /^[\x20-\x7e]*$/
  await fc.assert(
    fc.asyncProperty(wild, wild, fc.boolean(), async (text, name, valid) => {
      const decision = await world.ask({
        token: valid ? token('files:list') : text,
        body: callOf(valid ? 'write_file' : name, text),
        headers: ['Mcp-Name', name],
        target: `/mcp?${text}`,
      })
      for (const value of Object.values(world.answer(decision).headers)) assert.match(value, isLegal)
      const { parameters } = parseChallenge(world.answer(decision).headers['www-authenticate'] ?? '')
      assert.equal(parameters.get('resource_metadata'), metadataUrl)
      assert.match(parameters.get('error_description') ?? '', /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/)
      assert.match(parameters.get('scope') ?? '', /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/)
    }),
    rounds(300),
  )
})

/** What RFC 6749 §3.3 lets a scope be made of. */
const scopeText = fc
  .array(fc.constantFrom(...'abzAZ09:._-!#$%&()*+,/;<=>?@[]^`{|}~'.split('')), {
    minLength: 1,
    maxLength: 12,
  })
  .map((characters) => characters.join(''))

test('B13, B14, B16: whatever is challenged is read back as it was meant, by each scheme', () => {
  const scopes = fc.array(scopeText, { minLength: 1, maxLength: 6 })
  const dpop = fc.option(fc.record({ required: fc.boolean(), algorithms: fc.constant(['ES256', 'EdDSA']) }), {
    nil: undefined,
  })
  const property = fc.property(
    fc.constantFrom(...codes),
    fc.constantFrom(...forms),
    scopes,
    scopes,
    dpop,
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    (code, form, baseScopes, needed, proofs, bound, detail) => {
      const write = createDenialFormatter({ metadataUrl, baseScopes, errorWithoutToken: false, dpop: proofs })
      const challenged = denials[code].status === 403
      const denial = {
        code,
        detail,
        id: null,
        ...(challenged && { scopes: needed, missing: needed }),
        ...(bound && proofs !== undefined && { scheme: 'dpop' as const }),
      }
      const value = write(denial, form, 'd').headers['www-authenticate']
      if (value === undefined) return
      const challenges = parseChallenges(value)
      assert.equal(new Set(challenges.map(({ scheme }) => scheme)).size, challenges.length)
      for (const { scheme, parameters } of challenges) {
        assert.equal(parameters.get('scope'), (challenged ? needed : baseScopes).join(' '))
        assert.equal(parameters.get('resource_metadata'), metadataUrl)
        assert.equal(parameters.get('algs'), scheme === 'DPoP' ? 'ES256 EdDSA' : undefined)
      }
      const errors = challenges.flatMap(({ parameters }) => parameters.get('error') ?? [])
      const { oauthError } = denials[code]
      assert.deepEqual([...new Set(errors)], oauthError === undefined ? [] : [oauthError])
    },
  )
  fc.assert(property, rounds(500))
})

test('B14: no resource address that is accepted can split the challenge', async () => {
  for (const path of ['/a"b', '/a\\b', '/a b', '/ä', "/a'b", '/a,b', '/a%22b', '/a%0d%0ab']) {
    const address = new URL(path, 'https://mcp.example').href
    const other = await startGuarded({ options: { resource: address } })
    const { headers } = other.answer(await other.ask({}))
    assert.equal(
      parseChallenge(headers['www-authenticate'] ?? '').parameters.get('resource_metadata'),
      other.server.metadata.url,
    )
  }
})
