import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonSchema } from '@mcp-doorman/mcp-endpoint'
import { findDisagreement, findParamHeaders, type ParamHeader } from '#internal/tables/param-headers'

const header = (name: unknown, type: unknown = 'string'): JsonSchema => ({ type, 'x-mcp-header': name })
const object = (properties: JsonSchema): JsonSchema => ({ type: 'object', properties })

function lint(schema: JsonSchema): {
  readonly found: readonly ParamHeader[]
  readonly problems: readonly string[]
} {
  const problems: string[] = []
  return { found: findParamHeaders(schema, 'tool', problems), problems }
}

test('G23: headers of arguments are found wherever properties lead', () => {
  const schema = object({
    region: header('Region'),
    where: object({ zone: header('Zone', 'integer') }),
    x: {},
  })
  assert.deepEqual(lint(schema), {
    found: [
      { name: 'Region', path: ['region'], type: 'string' },
      { name: 'Zone', path: ['where', 'zone'], type: 'integer' },
    ],
    problems: [],
  })
})

const refused: readonly (readonly [name: string, schema: JsonSchema, problem: RegExp])[] = [
  ['no name', object({ a: header('') }), /a\.x-mcp-header: must be the name/],
  ['a name with a space', object({ a: header('a b') }), /must be the name/],
  ['a name with a line end', object({ a: header('a\r\nb') }), /must be the name/],
  ['a name that is no string', object({ a: header(7) }), /must be the name/],
  ['a number', object({ a: header('A', 'number') }), /only a string, an integer or a boolean/],
  ['an object', object({ a: { ...object({}), 'x-mcp-header': 'A' } }), /only a string/],
  ['several types', object({ a: header('A', ['string', 'null']) }), /only a string/],
  ['the same name in another case', object({ a: header('A'), b: header('a') }), /of another property too/],
  [
    'an item of a list',
    object({ a: { type: 'array', items: header('A') } }),
    /only a property that is reached/,
  ],
  ['a choice', { ...object({}), anyOf: [object({ a: header('A') })] }, /only a property that is reached/],
  ['a definition', { ...object({}), $defs: { a: header('A') } }, /only a property that is reached/],
  [
    'other properties',
    { type: 'object', additionalProperties: header('A') },
    /only a property that is reached/,
  ],
  ['the arguments as a whole', { ...object({}), 'x-mcp-header': 'A' }, /only a property that is reached/],
]
for (const [name, schema, problem] of refused) {
  test(`G23: a header for ${name} is a mistake at the start`, () => {
    const { problems } = lint(schema)
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.match(problems[0] ?? '', problem)
  })
}

test('G23: what only looks like a header, in an example or a default, is none', () => {
  const example = { 'x-mcp-header': 'A b' }
  const schema = object({ a: { type: 'object', default: example, examples: [example], const: example } })
  assert.deepEqual(lint(schema), { found: [], problems: [] })
})

const declared: readonly ParamHeader[] = [
  { name: 'Region', path: ['region'], type: 'string' },
  { name: 'Count', path: ['deep', 'count'], type: 'integer' },
  { name: 'Dry', path: ['dry'], type: 'boolean' },
]
const rows: readonly (readonly [
  name: string,
  args: unknown,
  headers: Readonly<Record<string, string>> | undefined,
  wrong: string | undefined,
])[] = [
  ['neither', {}, undefined, undefined],
  ['both, equal', { region: 'eu' }, { region: 'eu' }, undefined],
  ['both, wrapped', { region: 'Zürich' }, { region: '=?base64?WsO8cmljaA==?=' }, undefined],
  ['both, half a wrapping', { region: '=?base64?eA==' }, { region: '=?base64?eA==' }, undefined],
  ['other case', { region: 'eu' }, { region: 'EU' }, 'Mcp-Param-Region'],
  ['a broken wrapping', { region: 'x' }, { region: '=?base64?eA=?=' }, 'Mcp-Param-Region'],
  ['only the argument', { region: 'eu' }, {}, 'Mcp-Param-Region'],
  ['only the header', {}, { region: 'eu' }, 'Mcp-Param-Region'],
  ['null and no header', { region: null }, {}, undefined],
  ['null and a header', { region: null }, { region: 'null' }, 'Mcp-Param-Region'],
  [
    'an object where a text should be',
    { region: { a: 1 } },
    { region: '[object Object]' },
    'Mcp-Param-Region',
  ],
  ['a number', { deep: { count: 42 } }, { count: '42' }, undefined],
  ['a number with a fraction of zero', { deep: { count: 42 } }, { count: '42.0' }, undefined],
  ['a number in another base', { deep: { count: 42 } }, { count: '0x2a' }, 'Mcp-Param-Count'],
  ['a number with spaces', { deep: { count: 42 } }, { count: ' 42' }, 'Mcp-Param-Count'],
  ['another number', { deep: { count: 42 } }, { count: '43' }, 'Mcp-Param-Count'],
  ['a truth', { dry: true }, { dry: 'true' }, undefined],
  ['the other truth', { dry: false }, { dry: 'true' }, 'Mcp-Param-Dry'],
  ['arguments that are a list', ['eu'], {}, undefined],
  ['a header that nobody declared', {}, { other: 'x' }, undefined],
]
for (const [name, args, headers, wrong] of rows) {
  test(`G3, G4: header and argument: ${name} → ${wrong === undefined ? 'agree' : 'disagree'}`, () => {
    assert.equal(findDisagreement(declared, args, headers && new Map(Object.entries(headers))), wrong)
  })
}
