import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modernVersion, readPlainAction } from '@mcp-doorman/resource-server'
import { readPlainCall } from '#internal/action'
import {
  call,
  envelope,
  modern,
  modernHeaders,
  testActions,
  version,
  versionKey,
  type ActionRow,
} from './action-rows.ts'

const messageRows: readonly ActionRow[] = [
  {
    id: 'E12',
    name: 'a prompt',
    body: { ...call('a'), method: 'prompts/get' },
    expected: 'legacy request prompt:a',
  },
  {
    id: 'E12',
    name: 'a resource',
    body: { ...call('a', { uri: 'u:1' }), method: 'resources/read' },
    expected: 'legacy request resource:u:1',
  },
  {
    id: 'E12',
    name: 'a subscription',
    body: { ...call('a', { uri: 'u:1' }), method: 'resources/subscribe' },
    expected: 'legacy request resource:u:1',
  },
  {
    id: 'E12',
    name: 'the end of a subscription',
    body: { ...call('a', { uri: 'u:1' }), method: 'resources/unsubscribe' },
    expected: 'legacy request resource:u:1',
  },
  {
    id: 'E12',
    name: 'a completion for a prompt',
    body: { ...call('a', { ref: { type: 'ref/prompt', name: 'p' } }), method: 'completion/complete' },
    expected: 'legacy request prompt:p',
  },
  {
    id: 'E12',
    name: 'a completion for a resource',
    body: { ...call('a', { ref: { type: 'ref/resource', uri: 'u:{x}' } }), method: 'completion/complete' },
    expected: 'legacy request resource:u:{x}',
  },
  {
    id: 'E12',
    name: 'a completion for nothing',
    body: { ...call('a'), method: 'completion/complete' },
    expected: 'params_invalid',
  },
  { id: 'E12', name: 'a call without a name', body: call(undefined), expected: 'params_invalid' },
  { id: 'E12', name: 'a call whose name is a list', body: call(['purge']), expected: 'params_invalid' },
  { id: 'E12', name: 'a call whose name is a number', body: call(7), expected: 'params_invalid' },
  {
    id: 'E12',
    name: 'a call without params',
    body: { jsonrpc: '2.0', id: 7, method: 'tools/call' },
    expected: 'params_invalid',
  },
  {
    id: 'E12',
    name: 'a resource without a URI',
    body: { ...call('a'), method: 'resources/read' },
    expected: 'params_invalid',
  },
  {
    id: 'E12',
    name: 'a call that wants no answer',
    body: { ...call('purge'), id: undefined },
    expected: 'legacy notification tool:purge',
  },
  {
    id: 'E12',
    name: 'a method in capitals, which is another method',
    body: { ...call('a'), method: 'Tools/Call' },
    expected: 'legacy request',
  },
  {
    id: 'E12',
    name: 'a name given twice, of which the last counts',
    body: '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read","name":"purge"}}',
    expected: 'legacy request tool:purge',
  },
  { id: 'G12', name: 'an id of text', body: { ...call('a'), id: 'x' }, expected: 'legacy request tool:a' },
  {
    id: 'G12',
    name: 'an id of null',
    body: { ...call('a'), id: null },
    expected: 'message_invalid',
    answers: null,
  },
  {
    id: 'G12',
    name: 'an id with a fraction',
    body: { ...call('a'), id: 1.5 },
    expected: 'message_invalid',
    answers: null,
  },
  {
    id: 'G12',
    name: 'an id that is an object',
    body: { ...call('a'), id: {} },
    expected: 'message_invalid',
    answers: null,
  },
  {
    id: 'G12',
    name: 'an id beyond whole numbers',
    body: { ...call('a'), id: 2 ** 53 },
    expected: 'message_invalid',
    answers: null,
  },
  {
    id: 'G39',
    name: 'a result from the client',
    body: { jsonrpc: '2.0', id: 7, result: {} },
    expected: 'legacy response',
  },
  {
    id: 'G39',
    name: 'an error from the client',
    body: { jsonrpc: '2.0', id: 7, error: {} },
    expected: 'legacy response',
  },
  {
    id: 'G39',
    name: 'a result without an id',
    body: { jsonrpc: '2.0', result: {} },
    expected: 'message_invalid',
    answers: null,
  },
  { id: 'J9', name: 'another protocol', body: { ...call('a'), jsonrpc: '1.0' }, expected: 'message_invalid' },
  { id: 'J9', name: 'no protocol', body: { ...call('a'), jsonrpc: undefined }, expected: 'message_invalid' },
  {
    id: 'J9',
    name: 'a method that is a number',
    body: { ...call('a'), method: 7 },
    expected: 'message_invalid',
  },
  { id: 'J9', name: 'an empty method', body: { ...call('a'), method: '' }, expected: 'message_invalid' },
  {
    id: 'J9',
    name: 'a method of 128 characters',
    body: { ...call('a'), method: 'm'.repeat(128) },
    expected: 'legacy request',
  },
  {
    id: 'J9',
    name: 'a method of 129 characters',
    body: { ...call('a'), method: 'm'.repeat(129) },
    expected: 'message_invalid',
  },
  {
    id: 'J9',
    name: 'params that are a list',
    body: { ...call('a'), params: ['a'] },
    expected: 'params_invalid',
  },
  {
    id: 'J9',
    name: 'params that are null',
    body: { ...call('a'), params: null },
    expected: 'params_invalid',
  },
  { id: 'J9', name: 'a number', body: 7, expected: 'message_invalid', answers: null },
  { id: 'J9', name: 'null', body: null, expected: 'message_invalid', answers: null },
  { id: 'J9', name: 'text', body: '"tools/call"', expected: 'message_invalid', answers: null },
  { id: 'J9', name: 'nothing', body: '', expected: 'body_unparsable', answers: null },
  { id: 'J9', name: 'half an object', body: '{"jsonrpc":"2.0"', expected: 'body_unparsable', answers: null },
  { id: 'J9', name: 'two objects', body: '{}{}', expected: 'body_unparsable', answers: null },
  {
    id: 'J9',
    name: 'bytes that are no UTF-8',
    body: Buffer.from('{"jsonrpc":"2.0","id":7,"method":"\xff"}', 'latin1'),
    expected: 'body_unparsable',
    answers: null,
  },
  {
    id: 'J9',
    name: 'UTF-16',
    body: Buffer.from(JSON.stringify(call('a')), 'utf16le'),
    expected: 'body_unparsable',
    answers: null,
  },
  {
    id: 'J9',
    name: 'arguments at the deepest',
    body: call('a', { arguments: nested(62) }),
    expected: 'legacy request tool:a',
  },
  {
    id: 'J9',
    name: 'arguments one deeper',
    body: call('a', { arguments: nested(63) }),
    expected: 'body_unparsable',
    answers: null,
  },
  {
    id: 'J9',
    name: 'arguments 100,000 deep',
    body: '['.repeat(1e5) + ']'.repeat(1e5),
    expected: 'body_unparsable',
    answers: null,
  },
]

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { in: nested(depth - 1) }
}

const batchRows: readonly ActionRow[] = [
  {
    id: 'E14',
    name: 'two calls without a version',
    body: [call('a'), call('b')],
    expected: 'legacy request tool:a, request tool:b',
  },
  {
    id: 'E14',
    name: 'two calls with 2025-03-26',
    body: [call('a'), call('b')],
    headers: version('2025-03-26'),
    expected: 'legacy request tool:a, request tool:b',
  },
  { id: 'E14', name: 'a batch of one', body: [call('a')], expected: 'legacy request tool:a' },
  {
    id: 'E14',
    name: 'requests, notifications and responses',
    body: [call('a'), { jsonrpc: '2.0', method: 'n' }, { jsonrpc: '2.0', id: 1, result: {} }],
    expected: 'legacy request tool:a, notification, response',
  },
  {
    id: 'E14',
    name: 'initialize in a batch',
    body: [call('a'), { ...call('a'), method: 'initialize' }],
    expected: 'batch_refused',
  },
  {
    id: 'E14',
    name: 'a subscription in a batch',
    body: [call('a'), { ...call('a'), method: 'subscriptions/listen', params: { notifications: {} } }],
    expected: 'batch_refused',
  },
  {
    id: 'E16',
    name: 'a batch with 2025-06-18',
    body: [call('a')],
    headers: version('2025-06-18'),
    expected: 'batch_refused',
    answers: null,
  },
  {
    id: 'E16',
    name: 'a batch with 2025-11-25',
    body: [call('a')],
    headers: version('2025-11-25'),
    expected: 'batch_refused',
    answers: null,
  },
  {
    id: 'E16',
    name: 'a batch with 2026-07-28',
    body: [modern('tools/list')],
    headers: modernHeaders('tools/list'),
    expected: 'batch_refused',
    answers: null,
  },
  {
    id: 'E16',
    name: 'a modern envelope in a batch',
    body: [call('a'), modern('tools/list')],
    expected: 'batch_refused',
  },
  {
    id: 'E17',
    name: '100 messages',
    body: Array.from({ length: 100 }, () => ({ jsonrpc: '2.0', method: 'n' })),
    expected: `legacy ${Array.from({ length: 100 }, () => 'notification').join(', ')}`,
  },
  {
    id: 'E17',
    name: '101 messages',
    body: Array.from({ length: 101 }, () => call('a')),
    expected: 'batch_refused',
    answers: null,
  },
  { id: 'E17', name: 'an empty batch', body: [], expected: 'batch_refused', answers: null },
  { id: 'E14', name: 'one bad message', body: [call('a'), 7], expected: 'message_invalid', answers: null },
  { id: 'E14', name: 'a batch in a batch', body: [[call('a')]], expected: 'message_invalid', answers: null },
]

testActions([...messageRows, ...batchRows])

test('J9: a prototype in a message is data like any other', () => {
  const text =
    '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","__proto__":{"name":"purge"},"arguments":{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}}}'
  const result = readPlainAction(text)
  assert.ok(result.ok)
  assert.equal(result.action.messages[0]?.item?.name, 'a')
  assert.equal(Reflect.get({}, 'admin'), undefined)
})

test('a transport without headers reads both eras and batches from the message alone', () => {
  const era = (body: unknown): string => {
    const result = readPlainAction(JSON.stringify(body))
    return result.ok ? result.action.era : result.code
  }
  assert.equal(era(call('a')), 'legacy')
  assert.equal(era(modern('tools/list')), 'modern')
  assert.equal(era([call('a')]), 'legacy')
  assert.equal(
    era(modern('tools/list', {}, { ...envelope, [versionKey]: '2025-11-25' })),
    'version_unsupported',
  )
  assert.equal(era(modern('tools/list', {}, { [versionKey]: modernVersion })), 'params_invalid')
  assert.equal(era([modern('tools/list')]), 'batch_refused')
})

const plainRows: readonly (readonly [body: unknown, expected: string])[] = [
  [{ name: 'a' }, 'tool:a {}'],
  [{ name: 'a', arguments: { b: 1 } }, 'tool:a {"b":1}'],
  [{ name: 'a', method: 'initialize', id: 5, more: true }, 'tool:a {}'],
  [{ name: 'a', arguments: [] }, 'params_invalid'],
  [{ name: 'a', arguments: null }, 'params_invalid'],
  [{ name: ['a'] }, 'params_invalid'],
  [{}, 'params_invalid'],
  [[{ name: 'a' }], 'message_invalid'],
  ['{', 'body_unparsable'],
]
for (const [body, expected] of plainRows) {
  test(`the plain call ${JSON.stringify(body)} → ${expected}`, () => {
    const result = readPlainCall(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
    if (!result.ok) {
      assert.equal(result.code, expected)
      return
    }
    const [message] = result.action.messages
    assert.equal(`tool:${message?.item?.name} ${JSON.stringify(message?.params['arguments'])}`, expected)
    assert.deepEqual(
      [message?.method, result.action.era, result.action.batch],
      ['tools/call', 'legacy', false],
    )
  })
}
