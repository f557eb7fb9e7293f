/** H27: what a client of either era gets of a server of either era is what it would get of that server itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerEnd } from '@mcp-doorman/mcp-endpoint'
import { createFixtureEndpoint } from '../../../test/conformance/fixture/fixture-endpoint.ts'
import { converse, type ClientEra, type Json, type Told } from './conversation.ts'
import { ways } from './fixtures.ts'

const call = (name: string, args: Json = {}): readonly [string, Json] => [
  'tools/call',
  { name, arguments: args },
]

/** Requests whose answers, questions and notifications are compared with those of the server itself. */
const requests: readonly (readonly [method: string, params?: Json, meta?: Json])[] = [
  ['tools/list'],
  ['resources/list'],
  ['resources/templates/list'],
  ['prompts/list'],
  call('test_simple_text'),
  call('test_image_content'),
  call('test_embedded_resource'),
  call('test_multiple_content_types'),
  call('test_error_handling'),
  call('no_such_tool'),
  call('test_elicitation', { message: 5 }),
  call('test_sampling', { prompt: 'Hello?' }),
  call('test_elicitation', { message: 'Who?' }),
  call('test_input_required_result_list_roots'),
  call('test_input_required_result_multiple_inputs'),
  call('test_input_required_result_multi_round'),
  call('test_input_required_result_request_state'),
  [...call('test_tool_with_progress'), { progressToken: 'mine' }],
  [...call('test_logging_tool'), { 'io.modelcontextprotocol/logLevel': 'error' }],
  ['resources/read', { uri: 'test://static-text' }],
  ['resources/read', { uri: 'test://static-binary' }],
  ['resources/read', { uri: 'test://template/7/data' }],
  ['resources/read', { uri: 'test://nowhere' }],
  ['prompts/get', { name: 'test_simple_prompt' }],
  ['prompts/get', { name: 'test_prompt_with_arguments', arguments: { arg1: 'a', arg2: 'b' } }],
  ['prompts/get', { name: 'test_prompt_with_arguments', arguments: {} }],
  ['prompts/get', { name: 'test_input_required_result_prompt' }],
  ['prompts/get', { name: 'no_such_prompt' }],
  [
    'completion/complete',
    {
      ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
      argument: { name: 'arg1', value: 'par' },
    },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'test://template/{id}/data' }, argument: { name: 'id', value: '1' } },
  ],
  ['made/up'],
]

/** Without what each server decides for itself: how long an answer may be kept. */
function comparable({ answer, asked, told }: Told): unknown {
  const { result, ...rest } = answer
  if (result === undefined) return { ...rest, asked, told }
  const { ttlMs: _, cacheScope: __, ...own } = result as Json // A result is an object.
  return { result: own, asked, told }
}

async function everyAnswer(endpoint: ServerEnd, era: ClientEra): Promise<readonly unknown[]> {
  const conversation = await converse(endpoint, era)
  const answers: unknown[] = []
  for (const request of requests) answers.push(comparable(await conversation.request(...request)))
  await conversation.close()
  return answers
}

for (const era of ['modern', 'legacy'] as const) {
  const direct = everyAnswer(createFixtureEndpoint(), era)
  for (const [way, open] of Object.entries(ways)) {
    test(`H27: a ${era} client of a server over ${way} gets what that server itself would say`, async (t) => {
      const { relay } = await open(t)
      const expected = await direct
      const found = await everyAnswer(relay, era)
      for (const [index, request] of requests.entries()) {
        assert.deepEqual(found[index], expected[index], JSON.stringify(request))
      }
    })
  }
}
