import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGuarded } from './guarded.ts'

test('an identity cannot be changed by whoever gets it, however deep: it serves every request of its token', async () => {
  const world = await startGuarded()
  const token = world.issuer.sign({
    claims: { roles: ['guest'], groups: ['a'], profile: { tags: [{ name: 'x' }] } },
  })
  const decision = await world.ask({ token })
  assert.ok(decision.granted)
  // What a tool in plain JavaScript could do.
  // oxlint-disable-next-line no-explicit-any, no-unsafe-type-assertion -- the types forbid it; the tool has none
  const identity = decision.identity as any
  for (const change of [
    () => identity.roles.add('staff'),
    () => identity.scopes.add('files:write'),
    () => identity.groups.clear(),
    () => identity.scopes.delete('files:read'),
    () => (identity.subject = 'bob'),
    () => (identity.claims.sub = 'bob'),
    () => identity.claims.profile.tags.push('y'),
    () => (identity.claims.profile.tags[0].name = 'y'),
    () => (identity.claims.more = 1),
  ]) {
    assert.throws(change, TypeError, String(change))
  }
  const again = await world.ask({ token })
  assert.ok(again.granted)
  assert.equal(again.identity, decision.identity)
  assert.deepEqual([...again.identity.roles], ['guest'])
})

test('claims that are nested as deep as a token is long are frozen too', async () => {
  const world = await startGuarded()
  const deep = `${'['.repeat(4000)}${']'.repeat(4000)}`
  const payload = JSON.stringify(world.issuer.claims({ deep: '#' })).replace('"#"', deep)
  const claims = JSON.parse(payload) as Record<string, unknown> // An object, as it was written.
  assert.equal(await world.outcome({ token: world.issuer.sign({ claims }) }), 'allow')
})
