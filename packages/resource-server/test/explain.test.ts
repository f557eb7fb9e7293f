import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Action, Explanation, Item, Message, Requirements, Rule } from '@mcp-doorman/resource-server'
import { provenIdentity, type Identity } from '#internal/identity/identity'
import { compilePolicy, type Policy, type PolicyOptions } from '#internal/policy/policy'
import { rounds } from '../../../test/rounds.ts'

const scopes = { a: { implies: ['b'] }, b: {}, c: {}, d: { implies: ['c'] } }

type Holdings = Pick<Identity, 'scopes' | 'roles' | 'groups' | 'clientId'>

function callerWith({ scopes, roles, groups, clientId }: Holdings): Identity {
  return provenIdentity({
    issuer: 'https://issuer.example',
    subject: 'alice',
    expiresAt: 1,
    tokenId: 't',
    tokenHash: 'hash',
    callerKey: 'k',
    clientId,
    scopes,
    roles,
    groups,
    claims: {},
  })
}

function policyOf(rules: readonly Rule[]): Policy {
  const problems: string[] = []
  const options: PolicyOptions = { scopes, rules }
  const policy = compilePolicy(options, problems)
  assert.deepEqual(problems, [])
  return policy
}

function messageFor(item: Item | undefined, args: object = {}): Message {
  const method = item === undefined ? 'tools/list' : 'tools/call'
  return { kind: 'request', id: 1, method, params: { arguments: args }, item, subscribes: undefined }
}

const actionOf = (...messages: readonly Message[]): Action => ({ era: 'legacy', batch: false, messages })

const someScopes = fc.subarray(Object.keys(scopes))
const named = <T>(list: fc.Arbitrary<T[]>): fc.Arbitrary<T[] | undefined> =>
  list.map((entries) => (entries.length === 0 ? undefined : entries))
const requirements: fc.Arbitrary<Requirements> = fc
  .record({
    scopes: named(someScopes),
    anyScope: named(someScopes),
    anyRole: named(fc.subarray(['staff', 'owner'])),
    anyGroup: named(fc.subarray(['g', 'h'])),
    anyClient: named(fc.subarray(['cli', 'web'])),
    scopesFor: fc.constantFrom<(Requirements['scopesFor'] & object) | undefined>(
      undefined,
      undefined,
      ({ arguments: args }) => (args['write'] === true ? ['c'] : []),
      () => ['unknown'],
      () => {
        throw new Error('no')
      },
    ),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
const rules: fc.Arbitrary<Rule[]> = fc.array(
  fc
    .record({
      tools: fc.subarray(['read', 'write', 're*', '*e', '*'], { minLength: 1 }),
      resources: fc.subarray(['read', 'x://{id}', 'x://*']),
      // Now and then, or hardly anything else would be seen.
      hidden: fc.nat(9).map((tenth) => tenth === 0),
      require: requirements,
      otherwise: fc.constantFrom('refuse' as const, 'hide' as const),
      when: fc.constantFrom<(Rule['when'] & object) | undefined>(
        undefined,
        undefined,
        ({ arguments: args }) => args['write'] === true,
        ({ identity }) => identity.roles.has('staff'),
        () => {
          throw new Error('no')
        },
      ),
    })
    .map(({ when, ...rule }) => ({ ...rule, ...(when !== undefined && { when }) })),
  { maxLength: 4 },
)
const holdings: fc.Arbitrary<Holdings> = fc.record({
  scopes: someScopes.map((held) => new Set(held)),
  roles: fc.subarray(['staff', 'owner', 'other']).map((held) => new Set(held)),
  groups: fc.subarray(['g', 'other']).map((held) => new Set(held)),
  clientId: fc.constantFrom('cli', 'web', 'other'),
})
const messages = fc
  .tuple(
    fc.constantFrom<Item | undefined>(
      { kind: 'tool', name: 'read' },
      { kind: 'tool', name: 'write' },
      { kind: 'resource', name: 'read' },
      { kind: 'resource', name: 'x://y' },
      { kind: 'prompt', name: 'read' },
      undefined,
    ),
    fc.record({ write: fc.boolean() }),
  )
  .map(([item, args]) => messageFor(item, args))

test('what is explained is what is decided, over generated policies, callers and messages', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(rules, holdings, fc.array(messages, { minLength: 1 }), (given, held, asked) => {
      const policy = policyOf(given)
      const caller = callerWith(held)
      const explained = policy.explain(caller, actionOf(...asked))
      const verdicts = asked.map((message) => policy.decide(caller, message))
      assert.deepEqual(
        explained.map(({ outcome, rule }) => [outcome, rule]),
        verdicts.map(({ outcome, rule }) => [outcome, rule?.id]),
      )
      for (const [place, { outcome, checks, item, selector }] of explained.entries()) {
        seen.add(outcome)
        if (selector !== undefined)
          assert.equal(
            outcome === 'allow',
            checks.every(({ met }) => met),
          )
        else assert.equal(outcome, item === undefined ? 'allow' : 'hide')
        const verdict = verdicts[place]
        const first = checks.find(({ met }) => !met)
        if (verdict !== undefined && 'unmet' in verdict && first !== undefined) {
          assert.equal(verdict.unmet, first.detail ?? first.requirement)
        }
      }
    }),
    rounds(2000),
  )
  assert.deepEqual([...seen].toSorted(), ['allow', 'challenge', 'hide', 'refuse'], 'every outcome came about')
})

test('a subscription is challenged when any of its resources is, and otherwise runs without what is refused', () => {
  fc.assert(
    fc.property(rules, holdings, fc.array(fc.constantFrom('read', 'x://y', 'z')), (given, held, uris) => {
      const policy = policyOf(given)
      const caller = callerWith(held)
      const subscribes = uris.map((name): Item => ({ kind: 'resource', name }))
      const listen: Message = {
        kind: 'request',
        id: 1,
        method: 'subscriptions/listen',
        params: {},
        item: undefined,
        subscribes,
      }
      const explained = policy.explain(caller, actionOf(listen))
      assert.deepEqual(
        explained.map(({ item }) => item),
        subscribes,
      )
      const challenged = explained.filter(({ outcome }) => outcome === 'challenge')
      const verdict = policy.decide(caller, listen)
      assert.equal(verdict.outcome, challenged.length > 0 ? 'challenge' : 'allow')
      if (verdict.outcome !== 'challenge') return
      // One challenge: with its scopes, none of the resources is challenged any more.
      const after = callerWith({ ...held, scopes: new Set(verdict.scopes) })
      assert.equal(policy.decide(after, listen).outcome, 'allow')
      for (const { checks } of challenged) {
        const own = checks.find(({ requirement }) => requirement === 'scopes')?.wanted ?? []
        assert.ok(own.every((scope) => verdict.scopes.includes(scope)))
      }
    }),
    rounds(1000),
  )
})

test('who gets what would unlock an item is allowed, and who lacks any part of it is not', () => {
  let unlocked = 0
  fc.assert(
    fc.property(rules, holdings, messages, (given, held, message) => {
      const policy = policyOf(given)
      const [before] = policy.explain(callerWith(held), actionOf(message))
      const unlock = before?.unlock
      if (unlock === undefined) return
      unlocked += 1
      const { scopes: all = [], anyScope = [], anyRole = [], anyGroup = [], anyClient = [] } = unlock
      const after: Holdings = {
        scopes: new Set([...held.scopes, ...all, ...anyScope.slice(0, 1)]),
        roles: new Set([...held.roles, ...anyRole.slice(0, 1)]),
        groups: new Set([...held.groups, ...anyGroup.slice(0, 1)]),
        clientId: anyClient[0] ?? held.clientId,
      }
      // A condition of the rule could ask for a role that this one does not bring.
      assert.equal(policy.decide(callerWith(after), message).outcome, 'allow')
      const without: readonly Holdings[] = [
        ...(all.length + anyScope.length > 0 ? [{ ...after, scopes: held.scopes }] : []),
        ...(anyRole.length > 0 ? [{ ...after, roles: held.roles }] : []),
        ...(anyGroup.length > 0 ? [{ ...after, groups: held.groups }] : []),
        ...(anyClient.length > 0 ? [{ ...after, clientId: held.clientId }] : []),
      ]
      for (const lacking of without) {
        assert.notEqual(policy.decide(callerWith(lacking), message).outcome, 'allow')
      }
    }),
    rounds(2000),
  )
  assert.ok(unlocked > 100, String(unlocked))
})

const policy = policyOf([
  {
    id: 'write',
    tools: ['write_*'],
    require: { scopes: ['b', 'c'], anyRole: ['editor', 'owner'] },
    when: ({ arguments: args }) => args['size'] !== 'large',
  },
])
const nobody: Holdings = { scopes: new Set(), roles: new Set(), groups: new Set(), clientId: 'cli' }

function explainCall(name: string, held: Partial<Holdings>, args: object = {}): Explanation | undefined {
  const message = messageFor({ kind: 'tool', name }, args)
  return policy.explain(callerWith({ ...nobody, ...held }), actionOf(message))[0]
}

test('an explanation names the rule, the pattern, each requirement, what is held of it, and what would unlock it', () => {
  const item = { kind: 'tool', name: 'write_note' }
  assert.deepEqual(explainCall('write_note', { scopes: new Set(['a']), roles: new Set(['reader']) }), {
    outcome: 'refuse',
    method: 'tools/call',
    item,
    rule: 'write',
    selector: 'write_*',
    checks: [
      { requirement: 'anyRole', met: false, wanted: ['editor', 'owner'], held: [] },
      { requirement: 'when', met: true, wanted: [], held: [] },
      { requirement: 'scopes', met: false, wanted: ['b', 'c'], held: ['b'] },
    ],
    unlock: { anyRole: ['editor', 'owner'], scopes: ['b', 'c'] },
  })
})

test('nothing unlocks what no rule names, or what a condition refuses for these arguments', () => {
  const held = { scopes: new Set(['a', 'c']), roles: new Set(['owner']) }
  const facts = (explained: Explanation | undefined): unknown[] => [
    explained?.outcome,
    explained?.rule,
    explained?.unlock,
  ]
  assert.deepEqual(facts(explainCall('write_note', held)), ['allow', 'write', undefined])
  assert.deepEqual(facts(explainCall('write_note', held, { size: 'large' })), ['refuse', 'write', undefined])
  assert.deepEqual(facts(explainCall('read_note', held)), ['hide', undefined, undefined])
})

test('E8: the same tool asks for other scopes with other arguments, still in one challenge', () => {
  const byPath = policyOf([
    {
      tools: ['write'],
      require: {
        scopes: ['b'],
        scopesFor: ({ arguments: args }) => (args['path'] === 'private' ? ['c'] : []),
      },
    },
  ])
  const decide = (held: readonly string[], path: string): unknown =>
    byPath.decide(
      callerWith({ ...nobody, scopes: new Set(held) }),
      messageFor({ kind: 'tool', name: 'write' }, { path }),
    )
  const [rule] = [byPath.decide(callerWith(nobody), messageFor({ kind: 'tool', name: 'write' })).rule]
  assert.deepEqual(decide([], 'public'), { outcome: 'challenge', rule, scopes: ['b'], missing: ['b'] })
  assert.deepEqual(decide(['b'], 'private'), {
    outcome: 'challenge',
    rule,
    scopes: ['b', 'c'],
    missing: ['c'],
  })
  assert.deepEqual(decide(['b'], 'public'), { outcome: 'allow', rule, scopes: ['b'] })
  assert.deepEqual(decide(['b', 'c'], 'private'), { outcome: 'allow', rule, scopes: ['b', 'c'] })
})

const strange: readonly (readonly [name: string, scopesFor: () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('no')
    },
  ],
  ['returns nothing', () => undefined],
  ['returns a string', () => 'b'],
  ['names an unknown scope', () => ['b', 'other']],
  ['names a scope like a method of objects', () => ['toString']],
  ['returns a promise', () => Promise.resolve([])],
]
for (const [name, scopesFor] of strange) {
  test(`a function for scopes that ${name} denies, whatever the caller holds`, () => {
    // What plain JavaScript could pass.
    const rule: Rule = {
      tools: ['x'],
      require: { scopesFor: scopesFor as Requirements['scopesFor'] & object },
    }
    const everything = callerWith({ ...nobody, scopes: new Set(Object.keys(scopes)) })
    const verdict = policyOf([rule]).decide(everything, messageFor({ kind: 'tool', name: 'x' }))
    assert.equal(verdict.outcome, 'refuse')
  })
}
