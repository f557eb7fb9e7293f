import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closestName } from '@mcp-doorman/resource-server'

const known = ['scopes', 'anyScope', 'limit', 'a']
for (const [name, meant] of [
  ['scope', 'scopes'],
  ['Scopes', 'scopes'],
  ['anyscopes', 'anyScope'],
  ['limti', 'limit'],
  ['something', undefined],
  // As many changes as it has characters say nothing.
  ['xy', undefined],
  ['', undefined],
] as const) {
  test(`"${name}" most likely stands for ${meant ?? 'nothing'}`, () => {
    assert.equal(closestName(name, known), meant)
  })
}
