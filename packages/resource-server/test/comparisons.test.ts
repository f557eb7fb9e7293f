import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { acceptedAudiences, audienceMatches } from '#internal/identity/audience'
import { rounds } from '../../../test/rounds.ts'
import { resource, startGuarded } from './guarded.ts'

const accepted = acceptedAudiences(resource, ['https://old.example/mcp'])

/** What is near enough to the resource to be taken for it by a careless comparison, and what is nothing like it. */
function near(text: string): fc.Arbitrary<string> {
  const edits = fc.tuple(
    fc.nat(text.length),
    fc.nat(2),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }),
  )
  return fc.oneof(
    edits.map(([place, kind, added]) => text.slice(0, place) + added + text.slice(place + kind)),
    fc.nat(text.length).map((length) => text.slice(0, length)),
    fc.constantFrom(
      text.toUpperCase(),
      `${text}/`,
      ` ${text}`,
      `${text}#`,
      `${text}?`,
      text.replace('https', 'http'),
      text.replace('mcp.', 'mcp%2e'),
      text.normalize('NFD'),
    ),
    fc.string({ unit: 'binary' }),
  )
}

test('C15, C16: an audience matches only by the very text of the resource or an alias', () => {
  const texts = fc.oneof(near(resource), fc.constantFrom(...accepted))
  fc.assert(
    fc.property(texts, fc.array(texts, { maxLength: 4 }), (text, list) => {
      assert.equal(audienceMatches(text, accepted), text === resource || text === 'https://old.example/mcp')
      const expected = list.some((entry) => accepted.has(entry))
      assert.equal(audienceMatches(list, accepted), expected)
      assert.equal(audienceMatches(list.toReversed(), accepted), expected, 'in whatever order')
    }),
    rounds(2000),
  )
})

test('C15: no value of an audience throws, and none but texts match', () => {
  const names = fc.oneof(fc.jsonValue(), fc.anything())
  fc.assert(
    fc.property(names, (value) => {
      const matches = audienceMatches(value, accepted)
      if (!matches) return
      const texts = Array.isArray(value) ? value : [value]
      assert.ok(texts.every((text) => typeof text === 'string') && texts.some((text) => accepted.has(text)))
    }),
    rounds(2000),
  )
})

test('C13: an issuer matches only by its very text', async () => {
  const world = await startGuarded()
  const { issuer } = world.issuer
  await fc.assert(
    fc.asyncProperty(fc.oneof(near(issuer), fc.constant(issuer)), async (text) => {
      const expected = text === issuer ? 'allow' : 'issuer_unknown'
      assert.equal(await world.outcome({ token: world.issuer.sign({ claims: { iss: text } }) }), expected)
    }),
    rounds(200),
  )
  assert.equal(world.issuer.fetches.keys, 1)
})

test('C12, C18: no claims and no header of a signed token throw', async () => {
  const world = await startGuarded()
  const names = [
    'exp',
    'nbf',
    'iat',
    'aud',
    'sub',
    'client_id',
    'scope',
    'jti',
    'cnf',
    'roles',
    'groups',
    'typ',
  ]
  const claims = fc.dictionary(fc.constantFrom(...names), fc.jsonValue(), { maxKeys: 4 })
  const header = fc.dictionary(fc.constantFrom('alg', 'typ', 'kid', 'crit', 'jwk', 'x'), fc.jsonValue(), {
    maxKeys: 2,
  })
  await fc.assert(
    fc.asyncProperty(claims, header, async (changed, head) => {
      const outcome = await world.outcome({ token: world.issuer.sign({ claims: changed, header: head }) })
      assert.notEqual(outcome, 'decision_failed')
    }),
    rounds(300),
  )
})
