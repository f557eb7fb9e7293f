import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createGlobMatcher, maxGlobLength } from '#internal/glob'
import { rounds } from '../../../test/rounds.ts'

/** Tries every way. Slow, and plain enough to be believed. */
function slowMatch(pattern: readonly string[], components: readonly string[]): boolean {
  const [segment, ...rest] = pattern
  if (segment === undefined) return components.length === 0
  if (segment === '**') {
    return components.concat('').some((_, taken) => slowMatch(rest, components.slice(taken)))
  }
  const [component, ...below] = components
  return (
    component !== undefined &&
    slowMatchName(Array.from(segment), Array.from(component)) &&
    slowMatch(rest, below)
  )
}

function slowMatchName(pattern: readonly string[], text: readonly string[]): boolean {
  const [symbol, ...rest] = pattern
  if (symbol === undefined) return text.length === 0
  if (symbol === '*') return text.concat('').some((_, taken) => slowMatchName(rest, text.slice(taken)))
  const [character, ...below] = text
  return character !== undefined && (symbol === '?' || symbol === character) && slowMatchName(rest, below)
}

const cases: ReadonlyArray<readonly [pattern: string, path: string, expected: boolean]> = [
  ['*.md', 'a.md', true],
  ['*.md', 'x/y/a.md', true],
  ['*.md', 'a.md/x', false],
  ['x/*.md', 'x/a.md', true],
  ['x/*.md', 'x/y/a.md', false],
  ['x/*.md', 'a.md', false],
  ['**/*.md', 'a.md', true],
  ['**/*.md', 'x/y/a.md', true],
  ['x/**', 'x/y/z', true],
  ['x/**', 'x', true],
  ['x/**/z', 'x/z', true],
  ['**', 'x/y', true],
  ['?', '😀', true],
  ['??', '😀', false],
  ['*?', '😀', true],
  ['', 'a', false],
  // Nothing else is special.
  ['+(a|aa)+(a)b', 'aab', false],
  ['+(a|aa)+(a)b', '+(a|aa)+(a)b', true],
  ['{a,b}', 'a', false],
  ['{a,b}', '{a,b}', true],
  ['[ab]', 'a', false],
  ['[ab]', '[ab]', true],
  ['!a', 'b', false],
  ['A', 'a', false],
  ['a.b', 'axb', false],
]
for (const [pattern, path, expected] of cases) {
  test(`glob ${JSON.stringify(pattern)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(path)}`, () => {
    assert.equal(createGlobMatcher(pattern)(path.split('/')), expected)
  })
}

test('the matcher agrees with one that tries every way, whatever it was asked before', () => {
  const symbol = fc.constantFrom('a', 'b', '*', '?', '😀')
  const segment = fc.oneof(
    { weight: 1, arbitrary: fc.constant('**') },
    { weight: 3, arbitrary: fc.array(symbol, { maxLength: 6 }).map((symbols) => symbols.join('')) },
  )
  const name = fc
    .array(fc.constantFrom('a', 'b', '😀'), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 2, maxLength: 5 }),
      fc.array(fc.array(name, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
      (pattern, paths) => {
        const matches = createGlobMatcher(pattern.join('/'))
        // Each also with another name in its directory, and the directory itself: what a walk asks.
        const asked = paths.flatMap((path) => [path, [...path.slice(0, -1), 'a'], path.slice(0, -1), path])
        for (const components of asked.filter(({ length }) => length > 0)) {
          assert.equal(matches(components), slowMatch(pattern, components))
        }
      },
    ),
    rounds(3000),
  )
})

test('row 40: the worst patterns against the worst names take well under 100 ms', () => {
  const names = ['a'.repeat(60), 'a'.repeat(255)]
  const deep = Array.from({ length: 16 }, () => 'a'.repeat(255))
  const patterns = [
    `${'*a'.repeat(20)}b`,
    `${'**/'.repeat(30)}b`,
    '*a'.repeat(maxGlobLength / 2),
    '+(a|aa)+(a)b',
    '{1..200000}',
  ]
  const started = performance.now()
  for (const pattern of patterns) {
    const matches = createGlobMatcher(pattern)
    for (const name of names) matches([name])
    matches(deep)
  }
  assert.ok(performance.now() - started < 100)
})

test('row 40: names in one directory cost their own length, however long the path to them is', () => {
  const above = Array.from({ length: 60 }, () => 'a'.repeat(250))
  const matches = createGlobMatcher(`**/*${'a'.repeat(120)}b`)
  const started = performance.now()
  for (let at = 0; at < 600; at++) assert.equal(matches([...above, 'a'.repeat(250 - (at % 100))]), false)
  assert.equal(matches([...above, `${'a'.repeat(120)}b`]), true)
  // With each whole path from the top again it takes several seconds.
  assert.ok(performance.now() - started < 1500, `${performance.now() - started} ms`)
})
