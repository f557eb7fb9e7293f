import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseUriTemplate, type UriTemplate } from '@mcp-doorman/resource-server'
import { rounds } from '../../../test/rounds.ts'

function templateOf(text: string): UriTemplate {
  const parsed = parseUriTemplate(text)
  assert.ok(typeof parsed !== 'string', text)
  return parsed
}

const matches: readonly (readonly [
  template: string,
  uri: string,
  expected: Record<string, string> | undefined,
])[] = [
  ['note://{id}', 'note://7', { id: '7' }],
  ['note://{id}', 'note://', undefined],
  ['note://{id}', 'note://a/b', undefined],
  ['note://{id}', 'note://a?b', undefined],
  ['note://{id}', 'note://a#b', undefined],
  ['note://{id}', 'NOTE://a', undefined],
  // One value has one spelling.
  ['note://{id}', 'note://%61', undefined],
  ['note://{id}', 'note://a%2fb', undefined],
  ['note://{id}', 'note://a%2Fb', undefined],
  ['note://{id}', 'note://a%5Cb', undefined],
  ['note://{id}', 'note://a%3Fb', undefined],
  ['note://{id}', 'note://a%20b', { id: 'a b' }],
  ['note://{id}', 'note://caf%C3%A9', { id: 'café' }],
  ['note://{id}', 'note://café', undefined],
  ['file:///{+path}', 'file:///a%2Fb', undefined],
  ['file:///{+path}', 'file:///a?/../b', undefined],
  ['file:///{+path}', 'file:///a%3F/b', { path: 'a?/b' }],
  ['file:///{+path}', 'file:///a#/../b', undefined],
  ['note://{id}', 'note://a%00b', undefined],
  ['note://{id}', 'note://%', undefined],
  ['note://{id}', 'note://%ff', undefined],
  ['file:///{+path}', 'file:///a/b.md', { path: 'a/b.md' }],
  ['file:///{+path}', 'file:///', { path: '' }],
  ['file:///{+path}.md', 'file:///a.md.md', { path: 'a.md' }],
  ['file:///{+path}.md', 'file:///.md', { path: '' }],
  ['file:///{+path}.md', 'file:///md', undefined],
  ['x://{a}/y/{b}', 'x://1/y/2', { a: '1', b: '2' }],
  ['x://{a}/y/{b}', 'x://1/y/2/3', undefined],
  ['x://{a}/y/{b}', 'x://1/z/2', undefined],
  ['x://{a}-{b}', 'x://1-2-3', { a: '1', b: '2-3' }],
  ['x://{__proto__}', 'x://1', { ['__proto__']: '1' }],
]
for (const [template, uri, expected] of matches) {
  test(`the template ${template} ${expected === undefined ? 'does not fit' : 'fits'} ${uri}`, () => {
    const found = templateOf(template).match(uri)
    assert.deepEqual(found && Object.entries(found), expected && Object.entries(expected))
  })
}

for (const [template, problem] of [
  ['{id}', /scheme/],
  ['note', /scheme/],
  ['note://a', /no variable/],
  ['note://{}', /is not/],
  ['note://{id*}', /is not/],
  ['note://{?id}', /is not/],
  ['note://{a}{b}', /needs a literal/],
  ['note://{a}/{a}', /twice/],
  ['note://{a', /brace|scheme|no variable/],
  ['note://*/{a}', /\*/],
  ['note://{a}/*', /\*/],
] as const) {
  test(`the template ${template} is refused: ${problem}`, () => {
    const parsed = parseUriTemplate(template)
    assert.ok(typeof parsed === 'string')
    assert.match(parsed, problem)
  })
}

test('what a template makes of values, it reads back as the same values, and its pattern names it', () => {
  const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  const template = templateOf('x://{a}/to/{+b}?end')
  let made = 0
  fc.assert(
    fc.property(value, value, (a, b) => {
      const uri = template.expand({ a, b })
      if (uri === undefined) return
      made += 1
      const read = template.match(uri)
      assert.deepEqual({ ...read }, { a, b })
      assert.match(uri, /^x:\/\/.*\/to\/.*\?end$/s)
    }),
    rounds(1000),
  )
  assert.ok(made > 300, String(made))
  assert.equal(template.expand({ a: '1' }), undefined)
  assert.equal(template.expand({ a: '\ud800', b: '1' }), undefined)
})

test('a URI resembles a template whose values it writes in another way', () => {
  const template = templateOf('x://{a}/to/{+b}')
  for (const uri of ['x://1/to/2', 'x://a@b/to/2', 'x://%61/to/2', 'x://1/to/a?b', 'x://%2F/to/']) {
    assert.equal(template.resembles(uri), true, uri)
  }
  for (const uri of ['x:///to/2', 'x://1/2/to/3', 'x://1/too', 'y://1/to/2']) {
    assert.equal(template.resembles(uri), false, uri)
  }
})

test('a long URI is matched in a moment, whatever is in it', () => {
  const template = templateOf('x://{a}-{b}-{c}-{+d}!')
  const began = performance.now()
  for (const uri of [`x://${'-'.repeat(8000)}`, `x://${'a-'.repeat(4000)}!`, `x://${'%41'.repeat(2600)}`]) {
    for (let round = 0; round < 100; round += 1) template.match(uri)
  }
  assert.ok(performance.now() - began < 1000)
})

test('matching never throws, whatever the URI', () => {
  const template = templateOf('x://{a}/{+b}')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (rest) => void template.match(`x://${rest}`)),
    rounds(500),
  )
})
