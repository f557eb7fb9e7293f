import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEndpoint, defineTool, type StandardSchema, type Tool } from '@mcp-doorman/mcp-endpoint'
import { z } from 'zod'
import { listedTools } from './listed-tools.ts'
import { errorCode, legacy, member, resultOf, type Json } from './messages.ts'
import { ask } from './raw-http.ts'
import { startTestServer } from './test-server.ts'

const sum = defineTool({
  name: 'sum',
  description: 'Adds up.',
  inputSchema: z.object({
    numbers: z.array(z.number()).min(1),
    unit: z.string().default('m'),
    even: z.boolean().optional(),
  }),
  outputSchema: z.object({ sum: z.number(), unit: z.string() }),
  call: ({ numbers, unit, even }) => {
    const exact: [readonly number[], string, boolean | undefined] = [numbers, unit, even]
    // @ts-expect-error -- a list of numbers is no text
    const wrong: string = numbers
    assert.ok(exact.length === 3 && wrong !== undefined)
    return { structuredContent: { sum: numbers.reduce((total, number) => total + number, 0), unit } }
  },
})

test('a schema of a library is listed as JSON Schema, for what comes in and what goes out', async () => {
  const endpoint = createEndpoint({ name: 'sums', version: '1', tools: [sum] })
  const [listed] = JSON.parse(await listedTools(endpoint)) as Json[] // It lists one tool.
  const [input, output] = [member(listed ?? {}, 'inputSchema'), member(listed ?? {}, 'outputSchema')]
  assert.deepEqual([input['type'], input['required']], ['object', ['numbers']])
  assert.deepEqual(output['required'], ['sum', 'unit'])
})

test('its library checks the arguments and fills them in; what it finds is told to the model', async (t) => {
  const { port, token } = await startTestServer(t, { tools: [sum] })
  const call = (args: Json) => ask(port, legacy(token(), 'tools/call', { name: 'sum', arguments: args }))
  assert.deepEqual(resultOf(await call({ numbers: [1, 2] }))['structuredContent'], { sum: 3, unit: 'm' })
  const refused = resultOf(await call({ numbers: [1, 'two'] }))
  assert.equal(refused['isError'], true)
  assert.match(JSON.stringify(refused), /invalid_arguments: arguments\/numbers\/1 Invalid input/)
  assert.match(JSON.stringify(resultOf(await call({}))), /arguments\/numbers Invalid input/)
})

/** A schema that a library could have made. */
function schemaOf(validate: StandardSchema['~standard']['validate']): StandardSchema {
  const json = () => ({ type: 'object' })
  return { '~standard': { version: 1, validate, jsonSchema: { input: json, output: json } } }
}

test('a library may take its time, and may fail; then the call fails and shows nothing of it', async (t) => {
  const tool = (name: string, validate: StandardSchema['~standard']['validate']): Tool =>
    defineTool({
      name,
      description: name,
      inputSchema: schemaOf(validate),
      call: (args) => JSON.stringify(args),
    })
  const { port, token, failures } = await startTestServer(t, {
    tools: [
      tool('slow', (value) => Promise.resolve({ value: { was: value } })),
      tool('slow_refusal', () =>
        Promise.resolve({ issues: [{ message: 'No.', path: ['a', { key: 'b' }] }] }),
      ),
      tool('throws', () => assert.fail('canary')),
    ],
  })
  const call = (name: string) => ask(port, legacy(token(), 'tools/call', { name, arguments: { a: 1 } }))
  assert.match(JSON.stringify(resultOf(await call('slow'))), /was.*a.*1/)
  assert.match(JSON.stringify(resultOf(await call('slow_refusal'))), /arguments\/a\/b No\./)
  const failed = await call('throws')
  assert.equal(errorCode(failed), -32603)
  assert.doesNotMatch(failed.body, /canary/)
  assert.equal(failures.length, 1)
})

test('a schema that cannot be written as JSON Schema is a mistake at the start', () => {
  const build = (inputSchema: StandardSchema) => () =>
    createEndpoint({
      name: 'sums',
      version: '1',
      tools: [defineTool({ name: 'odd', description: 'Odd.', inputSchema, call: () => '' })],
    })
  const old = schemaOf((value) => ({ value }))
  delete (old['~standard'] as { jsonSchema?: unknown }).jsonSchema
  assert.throws(build(old), /"odd"\.inputSchema: this version of its library cannot write it/)
  assert.throws(build(z.object({ when: z.date() })), /"odd"\.inputSchema: .*[Dd]ate/)
  assert.throws(build(z.string()), /must be a JSON Schema with "type": "object"/)
})
