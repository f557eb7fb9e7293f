import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { inSandbox, Sandbox } from './sandbox.ts'

const sandbox = new Sandbox()
const ajv = new Ajv2020({ strict: true, allErrors: false })
const inputs = new Map<string, ValidateFunction>()
const outputs = new Map<string, ValidateFunction>()
for (const { name, inputSchema, outputSchema } of sandbox.server.tools) {
  inputs.set(name, ajv.compile(inputSchema))
  assert.ok(outputSchema, `${name} has an output schema`)
  outputs.set(name, ajv.compile(outputSchema))
}
test.after(() => sandbox.end())

function accepts(tool: string, args: unknown): boolean {
  const validate = inputs.get(tool)
  assert.ok(validate)
  return validate(args)
}

const long = 'x'.repeat(1_000_000)
const refused: ReadonlyArray<readonly [row: number, tool: string, args: unknown]> = [
  ...[5, null, [], {}, true].map((path) => [14, 'read_file', { path }] as const),
  [14, 'read_file', {}],
  [14, 'write_file', { path: 'a' }],
  [14, 'write_file', { content: 'a' }],
  [14, 'read_file', { path: 'a', paths: ['b'] }],
  [14, 'list_files', { path: 'a', recursive: true }],
  [14, 'write_file', { path: 'a', content: 'b', mode: 0o777 }],
  [14, 'read_file', 'a'],
  ...[0, -0, 1.5, 1e308, -1e308, '1', null].map((line) => [36, 'read_file', { path: 'a', line }] as const),
  ...[0, -5, 1e9, 1.5, 5001].map((limit) => [36, 'read_file', { path: 'a', limit }] as const),
  ...[0, -5, 1e9, 1001].map((limit) => [36, 'list_files', { limit }] as const),
  ...[99, 0, 17, 1.5].map((depth) => [36, 'list_files', { depth }] as const),
  [37, 'read_file', { path: 'a', cursor: long }],
  [37, 'list_files', { path: 'a', cursor: long }],
  [37, 'read_file', { path: 'a', cursor: '' }],
  [40, 'list_files', { glob: long }],
  [40, 'list_files', { glob: '' }],
  [55, 'write_file', { path: 'a', content: 'x'.repeat(8_388_609) }],
  [55, 'write_file', { path: 'a', content: 'x', encoding: 'hex' }],
  [55, 'write_file', { path: 'a', content: 'x', if_exists: 'overwrite' }],
  [55, 'write_file', { path: 'a', content: 'x', if_match: long }],
  [41, 'search_files', { query: '' }],
  [41, 'search_files', { query: 'x'.repeat(1001) }],
  ...[0, -5, 1e9, 201].map((limit) => [36, 'search_files', { query: 'a', limit }] as const),
  [37, 'search_files', { query: 'a', cursor: long }],
  [40, 'search_files', { query: 'a', glob: long }],
  [14, 'search_files', { query: ['a'] }],
  [43, 'edit_file', { path: 'a', edits: [] }],
  [43, 'edit_file', { path: 'a', edits: [{ old: '', new: 'b' }] }],
  [43, 'edit_file', { path: 'a', edits: [{ old: 'a' }] }],
  [43, 'edit_file', { path: 'a', edits: [{ old: 'a', new: 'b', regex: true }] }],
  [43, 'edit_file', { path: 'a', edits: Array.from({ length: 51 }, () => ({ old: 'a', new: 'b' })) }],
  [14, 'move_file', { from: 'a' }],
  [14, 'move_file', { from: 'a', to: 'b', overwrite: true }],
  [14, 'delete_file', { path: 'a', recursive: true }],
  [14, 'delete_file', {}],
]
for (const [row, tool, args] of refused) {
  const shown = JSON.stringify(args, (_, value: unknown) => (Object.is(value, -0) ? '-0' : value)).slice(
    0,
    60,
  )
  test(`G60, row ${row}: the schema of ${tool} refuses ${shown}`, () =>
    assert.equal(accepts(tool, args), false))
}

const accepted: ReadonlyArray<readonly [tool: string, args: unknown]> = [
  ['read_file', { path: 'a' }],
  ['read_file', { path: 'a', line: -20, limit: 5000 }],
  ['read_file', { path: 'a', line: 1_000_000_000, limit: 1 }],
  ['list_files', {}],
  ['list_files', { path: '', depth: 16, glob: '*', hidden: true, cursor: 'a', limit: 1000 }],
  ['write_file', { path: 'a', content: '' }],
  [
    'write_file',
    { path: 'a', content: 'x'.repeat(6_990_508), encoding: 'base64', if_exists: 'append', if_match: 'x' },
  ],
  [
    'edit_file',
    { path: 'a', edits: Array.from({ length: 50 }, () => ({ old: 'a', new: '', all: true })), dry_run: true },
  ],
  ['search_files', { query: 'a', path: '', glob: '*', ignore_case: true, hidden: true, limit: 200 }],
  ['move_file', { from: 'a', to: 'b' }],
  ['delete_file', { path: 'a', if_match: 'x' }],
]
for (const [tool, args] of accepted) {
  test(`the schema of ${tool} accepts ${JSON.stringify(args).slice(0, 60)}`, () =>
    assert.ok(accepts(tool, args)))
}

const hints: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  read_file: { readOnlyHint: true, openWorldHint: false },
  list_files: { readOnlyHint: true, openWorldHint: false },
  write_file: changing(false),
  edit_file: changing(false),
  search_files: { readOnlyHint: true, openWorldHint: false },
  move_file: changing(false),
  delete_file: changing(true),
}

function changing(idempotentHint: boolean): Readonly<Record<string, boolean>> {
  return { readOnlyHint: false, destructiveHint: true, idempotentHint, openWorldHint: false }
}

test('the seven tools come in a fixed order, each with its hints and with words for a model', () => {
  const { tools } = sandbox.server
  assert.deepEqual(
    tools.map(({ name }) => name),
    Object.keys(hints),
  )
  for (const { name, title, description, annotations } of tools) {
    assert.ok(title !== undefined && description.length > 100 && description.length < 400, name)
    assert.deepEqual(annotations, hints[name])
  }
})

test('everything in the input schemas is bounded, described and closed', () => {
  for (const { name, inputSchema } of sandbox.server.tools) checkBounded(name, inputSchema)
})

function checkBounded(place: string, schema: Readonly<Record<string, unknown>>): void {
  if (schema['type'] === 'object') {
    assert.equal(schema['additionalProperties'], false, place)
    // The shape was checked by compiling it.
    const properties = schema['properties'] as Record<string, Record<string, unknown>>
    for (const [key, inner] of Object.entries(properties)) {
      assert.equal(typeof inner['description'], 'string', `${place}.${key}`)
      checkBounded(`${place}.${key}`, inner)
    }
  }
  if (schema['type'] === 'string') assert.equal(typeof schema['maxLength'], 'number', place)
  if (schema['type'] === 'integer') assert.equal(typeof schema['maximum'], 'number', place)
  if (schema['type'] === 'array') {
    assert.equal(typeof schema['maxItems'], 'number', place)
    // The same.
    checkBounded(`${place}[]`, schema['items'] as Record<string, unknown>)
  }
}

test('G28: every kind of answer conforms to the output schema of its tool', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('text', 'line\n'.repeat(50_000))
    sandbox.put('binary', Buffer.from([0, 1]))
    sandbox.put('image', 'GIF89a')
    sandbox.put('empty', '')
    const calls: ReadonlyArray<readonly [tool: string, args: Record<string, unknown>]> = [
      ['read_file', { path: 'text' }],
      ['read_file', { path: 'text', line: -3 }],
      ['read_file', { path: 'empty' }],
      ['read_file', { path: 'binary' }],
      ['read_file', { path: 'image' }],
      ['list_files', {}],
      ['list_files', { limit: 1 }],
      ['list_files', { path: 'text' }],
      ['list_files', { glob: 'none' }],
      ['write_file', { path: 'new/file', content: 'x' }],
      ['write_file', { path: 'new/file', content: 'x', if_exists: 'append' }],
      ['edit_file', { path: 'new/file', edits: [{ old: 'xx', new: 'y' }], dry_run: true }],
      ['edit_file', { path: 'new/file', edits: [{ old: 'xx', new: 'y\n'.repeat(10_000) }] }],
      ['search_files', { query: 'line', limit: 3 }],
      ['search_files', { query: 'nothing of that kind' }],
      ['move_file', { from: 'new/file', to: 'newer/file' }],
      ['move_file', { from: 'newer', to: 'newest' }],
      ['delete_file', { path: 'newest/file' }],
      ['delete_file', { path: 'newest' }],
    ]
    for (const [tool, args] of calls) {
      const { structuredContent } = await sandbox.call(tool, args)
      const validate = outputs.get(tool)
      assert.ok(
        validate?.(structuredContent),
        `${tool} ${JSON.stringify(args)}: ${ajv.errorsText(validate?.errors)}`,
      )
    }
    const { isError, structuredContent } = await sandbox.call('read_file', { path: 'none' })
    assert.deepEqual([isError, structuredContent], [true, undefined])
  }))
