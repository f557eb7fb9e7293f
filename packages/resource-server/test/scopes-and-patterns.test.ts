import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Rule, ScopeDefinition } from '@mcp-doorman/resource-server'
import { provenIdentity, type Identity } from '#internal/identity/identity'
import { nameMatches } from '#internal/policy/name-pattern'
import { compilePolicy, type Policy, type Verdict } from '#internal/policy/policy'
import { compileScopeHierarchy } from '#internal/policy/scope-hierarchy'
import { rounds } from '../../../test/rounds.ts'

function holderOf(scopes: Iterable<string>): Identity {
  return provenIdentity({
    issuer: 'https://issuer.example',
    subject: 'alice',
    clientId: 'client',
    scopes: new Set(scopes),
    roles: new Set(),
    groups: new Set(),
    expiresAt: 1,
    tokenId: 't',
    tokenHash: 'hash',
    callerKey: 'k',
    claims: {},
  })
}

type Scopes = Readonly<Record<string, ScopeDefinition>>

function policyOf(scopes: Scopes, rules: readonly Rule[]): Policy {
  const problems: string[] = []
  const policy = compilePolicy({ scopes, rules }, problems)
  assert.deepEqual(problems, [])
  return policy
}

function decide(policy: Policy, held: Iterable<string>, name = 'a'): Verdict {
  const item = { kind: 'tool', name } as const
  return policy.decide(holderOf(held), {
    kind: 'request',
    id: 1,
    method: 'tools/call',
    params: {},
    item,
    subscribes: undefined,
  })
}

const names = ['a', 'b', 'c', 'd', 'e', 'f']
/** Scopes that imply only later ones, so that no cycle can come about. */
const acyclic = fc
  .array(fc.subarray(names), { minLength: names.length, maxLength: names.length })
  .map((lists): Scopes =>
    Object.fromEntries(
      names.map((name, place) => [name, { implies: (lists[place] ?? []).filter((target) => target > name) }]),
    ),
  )
const some = fc.subarray(names)

/** All that a scope brings, by walking down again and again. */
function reach(scopes: Scopes, name: string): readonly string[] {
  return [name, ...(scopes[name]?.implies ?? []).flatMap((next) => reach(scopes, next))]
}

test('E6: held scopes are enough exactly when they reach every required one', () => {
  fc.assert(
    fc.property(acyclic, some, some, (scopes, held, required) => {
      const policy = policyOf(scopes, [{ tools: ['a'], require: { scopes: required } }])
      const reached = new Set(held.flatMap((name) => reach(scopes, name)))
      const verdict = decide(policy, held)
      const missing = required.filter((name) => !reached.has(name))
      assert.equal(verdict.outcome, missing.length === 0 ? 'allow' : 'challenge')
      if (verdict.outcome === 'challenge') assert.deepEqual(verdict.missing, missing)
    }),
    rounds(500),
  )
})

test('E5: a challenge names what the rule asks for and nothing that was held or implied, and meeting it is enough', () => {
  fc.assert(
    fc.property(acyclic, some, some, some, (scopes, held, required, alternatives) => {
      const anyScope = alternatives.length === 0 ? {} : { anyScope: alternatives }
      const policy = policyOf(scopes, [{ tools: ['a'], require: { scopes: required, ...anyScope } }])
      const verdict = decide(policy, held)
      if (verdict.outcome !== 'challenge') return
      const own = [...required, ...alternatives]
      assert.ok(verdict.scopes.every((scope) => own.includes(scope)))
      assert.ok(required.every((scope) => verdict.scopes.includes(scope)))
      assert.ok(verdict.scopes.length <= required.length + 1)
      assert.equal(new Set(verdict.scopes).size, verdict.scopes.length)
      assert.ok(verdict.missing.every((scope) => verdict.scopes.includes(scope) && !held.includes(scope)))
      assert.equal(decide(policy, verdict.scopes).outcome, 'allow')
      assert.equal(decide(policy, [...held, ...verdict.missing]).outcome, 'allow')
    }),
    rounds(500),
  )
})

test('the order in which scopes are held, required or written does not change the outcome', () => {
  fc.assert(
    fc.property(acyclic, fc.shuffledSubarray(names), fc.shuffledSubarray(names), (scopes, held, required) => {
      const turned: Scopes = Object.fromEntries(Object.entries(scopes).toReversed())
      const policies = [
        policyOf(scopes, [{ tools: ['a'], require: { scopes: required } }]),
        policyOf(turned, [{ tools: ['a'], require: { scopes: required.toReversed() } }]),
      ]
      const outcomes = policies.flatMap((policy) => [decide(policy, held), decide(policy, held.toReversed())])
      assert.equal(new Set(outcomes.map(({ outcome }) => outcome)).size, 1)
    }),
    rounds(300),
  )
})

test('more scopes never take away what fewer allowed', () => {
  fc.assert(
    fc.property(acyclic, some, some, some, (scopes, held, more, required) => {
      const policy = policyOf(scopes, [{ tools: ['a'], require: { scopes: required } }])
      if (decide(policy, held).outcome === 'allow')
        assert.equal(decide(policy, [...held, ...more]).outcome, 'allow')
    }),
    rounds(300),
  )
})

const hierarchies: readonly (readonly [name: string, scopes: Scopes, problems: readonly RegExp[]])[] = [
  ['a diamond', { a: { implies: ['b', 'c'] }, b: { implies: ['d'] }, c: { implies: ['d'] }, d: {} }, []],
  ['a scope that implies itself', { a: { implies: ['a'] } }, [/scopes\["a"\].*implies itself/]],
  ['a cycle of two', { a: { implies: ['b'] }, b: { implies: ['a'] } }, [/"a"/, /"b"/]],
  [
    'a cycle further down',
    { a: { implies: ['b'] }, b: { implies: ['c'] }, c: { implies: ['b'] } },
    [/"b"/, /"c"/],
  ],
  ['an unknown name', { a: { implies: ['b'] } }, [/"b" is not among the scopes/]],
  [
    'a name like a method of objects',
    { a: { implies: ['toString'] } },
    [/"toString" is not among the scopes/],
  ],
]
for (const [name, scopes, expected] of hierarchies) {
  test(`E7: ${name} → ${expected.length === 0 ? 'accepted' : 'refused at the start'}`, () => {
    const problems: string[] = []
    compileScopeHierarchy(scopes, problems)
    assert.equal(problems.length, expected.length, problems.join('\n'))
    for (const [place, pattern] of expected.entries()) assert.match(problems[place] ?? '', pattern)
  })
}

test('E7: nothing is implied by spelling', () => {
  const policy = policyOf({ 'files:*': {}, files: {}, 'files:read': {} }, [
    { tools: ['a'], require: { scopes: ['files:read'] } },
  ])
  for (const held of ['files:*', 'files', 'files:read:more', '*'])
    assert.equal(decide(policy, [held]).outcome, 'challenge', held)
})

const patterns: readonly (readonly [pattern: string, name: string, expected: boolean])[] = [
  ['read_*', 'read_file', true],
  ['read_*', 'read_', true],
  ['read_*', 'read', false],
  ['*', '', true],
  ['*_file', 'read_file', true],
  ['*_file', 'read_file_x', false],
  ['a*b*c', 'aXbYc', true],
  ['a*b*c', 'acb', false],
  ['a.c', 'abc', false],
  ['[ab]*', 'a', false],
  ['a?', 'ab', false],
  ['READ_*', 'read_file', false],
  ['note://public/*', 'note://public/../private', true],
  ['**', 'x', true],
  ['*a', 'aab', false],
]
for (const [pattern, name, expected] of patterns) {
  test(`the pattern ${pattern} ${expected ? 'fits' : 'does not fit'} ${JSON.stringify(name)}`, () => {
    assert.equal(nameMatches(pattern, name), expected)
  })
}

test('a pattern fits what a regular expression of the same meaning fits', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '\n'), maxLength: 12 })
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const escaped = pattern.split('*').map((part) => part.replaceAll('.', '\\.'))
      assert.equal(nameMatches(pattern, name), new RegExp(`^${escaped.join('[^]*')}$`).test(name))
    }),
    rounds(3000),
  )
})

test('a long name is tried in a moment', () => {
  const started = performance.now()
  assert.equal(nameMatches('*a*a*a*a*b', 'a'.repeat(100_000)), false)
  assert.ok(performance.now() - started < 1000)
})
