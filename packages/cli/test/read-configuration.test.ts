import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { readConfiguration } from '#internal/config/read-configuration'
import { configurationSchema, describeField, type SchemaPart } from '#internal/config/json-schema'
import { rounds } from '../../../test/rounds.ts'

const folder = new URL('configurations/', import.meta.url)
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.case'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8').split('\n----------\n')[0] ?? '')

const read = (text: string): ReturnType<typeof readConfiguration> =>
  readConfiguration(text, '/etc/doorman/doorman.yaml', 'doorman.yaml')

/** Each line names a place in the file. */
function checkProblems(reading: ReturnType<typeof readConfiguration>, text: string): void {
  if (reading.ok) return
  const lines = text.split('\n').length
  assert.ok(reading.count > 0)
  for (const problem of reading.problems.trimEnd().split('\n')) {
    const [, line] = /^doorman\.yaml:([1-9]\d*):[1-9]\d*  .+[.?]$/.exec(problem) ?? []
    if (line === undefined) assert.match(problem, /^And \d+ more\.$/)
    else assert.ok(Number(line) <= lines, problem)
  }
}

test('whatever is changed in a file, reading it gives a configuration or mistakes with their places', () => {
  const change = fc.record({
    text: fc.constantFrom(...examples),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat(12),
    added: fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom('\n', '  ', ': ', '- ', '{', ']', '"', '&a ', '*a', '!!', '\t', '\u0000', '#'),
    ),
  })
  fc.assert(
    fc.property(change, ({ text, at, removed, added }) => {
      const place = Math.floor(at * text.length)
      const changed = text.slice(0, place) + added + text.slice(place + removed)
      checkProblems(read(changed), changed)
    }),
    rounds(400),
  )
})

test('whatever value a file has, reading it gives a configuration or mistakes with their places', () => {
  const known = [
    'version',
    'issuers',
    'servers',
    'listen',
    'dpop',
    'limit',
    'notes',
    'path',
    'command',
    'url',
    'rules',
    'scopes',
    'expect',
    'tools',
    'require',
    'when',
  ]
  const value = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(1, 'text', true, null, '/a', 'env:A', '30s', ''),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...known), tie('tree'), { maxKeys: 5 }),
    ),
  })).tree
  fc.assert(
    fc.property(value, value, value, (issuers, servers, other) => {
      const text = stringify({ version: 1, issuers, servers, other })
      checkProblems(read(text), text)
    }),
    rounds(300),
  )
})

test('a file that is too large, or nested too deeply, is refused soon', () => {
  const hostile: readonly (readonly [text: string, message: RegExp])[] = [
    [`a: ${'x'.repeat(1_048_577)}`, /more than 1048576 characters/],
    [`a: ${'['.repeat(200_000)}`, /nested too deeply|missing before this|not YAML/],
    [`${'- '.repeat(100_000)}a`, /nested too deeply/],
    [`a: ${'{b: '.repeat(20_000)}c${'}'.repeat(20_000)}`, /nested too deeply/],
    ['a: b\n'.repeat(50_000), /stands here twice/],
  ]
  for (const [text, message] of hostile) {
    const start = performance.now()
    const reading = read(text)
    assert.ok(!reading.ok)
    assert.match(reading.problems, message)
    assert.ok(reading.problems.length < 100_000)
    const milliseconds = performance.now() - start
    assert.ok(milliseconds < 10_000, `${text.slice(0, 10)}… took ${milliseconds} ms`)
  }
})

test('no message repeats what stands where a secret is meant', () => {
  const canary = 'c4n4ry-in-the-wrong-place'
  const places = [
    `dpop: { nonce: ${canary} }`,
    `issuers: [{ issuer: https://a.example, introspection: { clientId: a, clientSecret: ${canary} } }]`,
    `issuers: [{ issuer: https://a.example, introspection: { clientId: a, privateKey: [${canary}] } }]`,
    `servers: { a: { path: /a, url: https://a.example, bearer: ${canary} } }`,
    `servers: { a: { path: /a, url: https://a.example, bearer: { token: ${canary} } } }`,
    `servers: { a: { path: /a, url: https://a.example, headers: { Authorization: Bearer ${canary} } } }`,
    `servers: { a: { path: /a, url: "https://user:${canary}@a.example" } }`,
    `servers: { a: { path: /a, command: [x], environment: { API_KEY: ${canary} } } }`,
    `servers: { a: { path: /a, command: [x], environment: "API_KEY=${canary}" } }`,
    `bearer: ${canary}`,
    // And where the file is no YAML around it.
    `servers: { a: { bearer: ${canary}`,
    `bearer: "${canary}`,
    `bearer: ${canary}: ${canary}`,
    `bearer: @${canary}`,
    `bearer: !${canary} x`,
    `bearer: "\\${canary}"`,
  ]
  for (const place of places) {
    const reading = read(`version: 1\n${place}\n`)
    assert.ok(!reading.ok, place)
    assert.doesNotMatch(reading.problems, new RegExp(canary), place)
  }
})

test('every field has a description, and those that may be left out say what then holds', () => {
  const bare: string[] = []
  const visit = (part: SchemaPart, path: string): void => {
    for (const [name, field] of Object.entries(part.properties ?? {})) {
      const place = `${path}.${name}`
      const required = part.required?.includes(name) === true
      const isChoice = /\.(?:tools|resources?|prompts?|tool|limits|listen)$/.test(place)
      if (field.description?.endsWith('.') !== true) bare.push(place)
      if (!required && !isChoice && !/Default: |Either this or|in PEM/.test(field.description ?? ''))
        bare.push(place)
      visit(field, place)
    }
    for (const inner of [part.items, part.additionalProperties, ...(part.anyOf ?? [])]) {
      if (typeof inner === 'object') visit(inner, path)
    }
  }
  visit(configurationSchema(), '')
  assert.deepEqual([...new Set(bare)], [])
  assert.throws(() => describeField(configurationSchema(), 'servers.*.nothing'), /There is no field/)
})
