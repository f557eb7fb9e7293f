import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completeScope, createResources, type ProtectedResource } from '#internal/resources'
import * as fc from 'fast-check'

const files: ProtectedResource = {
  resource: 'https://a.example/mcp',
  name: 'Files',
  scopes: ['files:list', 'files:read'],
  defaultScopes: ['files:list'],
  scopeDescriptions: {},
}
const root: ProtectedResource = {
  ...files,
  resource: 'https://b.example',
  scopes: ['notes'],
  defaultScopes: ['notes'],
}

test('a resource is found byte for byte', () => {
  const resources = createResources([files, root])
  assert.equal(resources.find('https://a.example/mcp'), files)
  for (const other of [
    'https://a.example/mcp/',
    'https://A.example/mcp',
    'https://a.example/mcp?',
    'https://a.example:443/mcp',
    '',
  ]) {
    assert.equal(resources.find(resources.canonical(other)), undefined, other)
  }
})

test('the root of an origin has two spellings, and nothing else has', () => {
  const resources = createResources([files, root])
  assert.equal(resources.canonical('https://b.example/'), 'https://b.example')
  assert.equal(resources.canonical('https://b.example'), 'https://b.example')
  for (const other of [
    'https://b.example//',
    'https://b.example/x',
    'https://b.example:443/',
    'HTTPS://b.example/',
  ]) {
    assert.equal(resources.canonical(other), other)
  }
  assert.equal(
    createResources([{ ...root, resource: 'https://b.example/' }]).canonical('https://b.example'),
    'https://b.example/',
  )
})

test('there is a default resource only when there is one', () => {
  assert.equal(createResources([files]).byDefault, files)
  assert.equal(createResources([files, root]).byDefault, undefined)
})

const cases: readonly { scope: string | undefined; expected: string | readonly string[] }[] = [
  { scope: undefined, expected: 'files:list' },
  { scope: '', expected: 'files:list' },
  { scope: '  ', expected: 'files:list' },
  { scope: 'offline_access', expected: 'offline_access files:list' },
  { scope: 'openid email profile', expected: 'openid files:list' },
  { scope: 'files:read', expected: 'files:read' },
  { scope: 'files:read files:read', expected: 'files:read' },
  { scope: 'files:read other', expected: 'files:read' },
  { scope: 'other', expected: ['other'] },
  { scope: 'other offline_access', expected: ['other'] },
  { scope: 'notes', expected: ['notes'] },
]
for (const { scope, expected } of cases) {
  test(`a request for ${JSON.stringify(scope)} means ${JSON.stringify(expected)}`, () => {
    const completed = completeScope(scope, [files])
    assert.deepEqual(completed.ok ? completed.scope : completed.unknown, expected)
  })
}

test('with two resources the defaults of both are added', () => {
  assert.deepEqual(completeScope('', [files, root]), { ok: true, scope: 'files:list notes' })
})

test('completing never adds a scope that is neither asked for nor a default, whatever is asked', () => {
  const scope: fc.Arbitrary<string> = fc.constantFrom(
    'files:list',
    'files:read',
    'openid',
    'offline_access',
    'email',
    'other',
    '',
  )
  fc.assert(
    fc.property(fc.array(scope), (asked) => {
      const completed = completeScope(asked.join(' '), [files])
      if (!completed.ok) return
      for (const name of completed.scope.split(' ')) {
        assert.ok(asked.includes(name) || files.defaultScopes.includes(name), name)
      }
      const again = completeScope(completed.scope, [files])
      assert.deepEqual(again, completed)
    }),
  )
})
