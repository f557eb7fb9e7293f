import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { denials, modernVersion, readHeaders, readPlainAction } from '@mcp-doorman/resource-server'
import { decodeHeader, readHttpAction, readPlainCall } from '#internal/action'
import { rounds } from '../../../test/rounds.ts'

const meta = {
  'io.modelcontextprotocol/protocolVersion': modernVersion,
  'io.modelcontextprotocol/clientCapabilities': {},
}
const methods = [
  'tools/call',
  'tools/list',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'completion/complete',
  'subscriptions/listen',
  'initialize',
  'x',
]
const name = fc.constantFrom(
  'read',
  'a:b',
  'a:b/..',
  'purge',
  '',
  '*',
  '=?base64?YQ==?=',
  'a\nb',
  '__proto__',
)
const odd = fc.oneof(
  fc.json().map((text) => JSON.parse(text) as unknown),
  fc.constantFrom(null, 7, '', [], {}),
)

const ref = fc.record({ type: fc.constantFrom('ref/prompt', 'ref/resource', 'x'), name, uri: name })
const params = fc.record(
  {
    name: fc.oneof({ weight: 4, arbitrary: name }, odd),
    uri: name,
    ref,
    arguments: odd,
    notifications: fc.record({ resourceSubscriptions: fc.array(name, { maxLength: 3 }) }),
    _meta: fc.constantFrom(meta, {}, null),
  },
  { requiredKeys: [] },
)
const message = fc.record(
  {
    jsonrpc: fc.constantFrom('2.0', '2.0', '2.0', '1.0'),
    id: fc.oneof(fc.integer(), fc.string(), odd),
    method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...methods) }, odd),
    params: fc.oneof({ weight: 9, arbitrary: params }, odd),
    result: fc.constant({}),
  },
  { requiredKeys: ['jsonrpc'] },
)
const body = fc.oneof({ weight: 5, arbitrary: message }, fc.array(message, { maxLength: 4 }), odd)
const headers = fc
  .array(
    fc.tuple(
      fc.constantFrom('MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name', 'mcp-method'),
      fc.oneof(name, fc.constantFrom(...methods, modernVersion, '2025-03-26', '2025-11-25')),
    ),
    { maxLength: 4 },
  )
  .map((fields) => fields.flat())

test('reading never throws, whatever the bytes and headers', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.string({ unit: 'binary' }), { maxLength: 8 }),
      (bytes, fields) => {
        const buffer = Buffer.from(bytes)
        for (const result of [
          readHttpAction(buffer, readHeaders(fields)),
          readPlainAction(buffer.toString('latin1')),
          readPlainCall(buffer),
        ]) {
          assert.ok(result.ok || Object.hasOwn(denials, result.code))
        }
      },
    ),
    rounds(1000),
  )
})

/** What a second reader makes of one message: written apart from the first, and by the words of the specification. */
function namedBy(method: unknown, given: Readonly<Record<string, unknown>>): unknown {
  if (method === 'tools/call') return ['tool', given['name']]
  if (method === 'prompts/get') return ['prompt', given['name']]
  if (typeof method === 'string' && /^resources\/(read|subscribe|unsubscribe)$/.test(method))
    return ['resource', given['uri']]
  if (method !== 'completion/complete') return undefined
  const target = Object(given['ref']) as Record<string, unknown> // Whatever it is, it has members by name.
  return target['type'] === 'ref/prompt' ? ['prompt', target['name']] : ['resource', target['uri']]
}

function subscribedBy(method: unknown, given: Readonly<Record<string, unknown>>): unknown {
  if (method !== 'subscriptions/listen') return undefined
  const { resourceSubscriptions = [] } = Object(given['notifications']) as {
    resourceSubscriptions?: string[]
  }
  return resourceSubscriptions.map((uri) => ({ kind: 'resource', name: uri }))
}

test('what is judged is what runs: a second reading of the same bytes finds the same messages, and their items', () => {
  let granted = 0
  fc.assert(
    fc.property(body, headers, (value, fields) => {
      const text = JSON.stringify(value)
      const result = readHttpAction(Buffer.from(text), readHeaders(fields))
      if (!result.ok) return
      granted += 1
      const again: unknown = JSON.parse(text)
      const entries = (Array.isArray(again) ? again : [again]) as Record<string, unknown>[] // Read as messages.
      assert.equal(result.action.messages.length, entries.length)
      for (const [
        place,
        { kind, id, method, params: given, item, subscribes },
      ] of result.action.messages.entries()) {
        const entry = entries[place] ?? {}
        if (kind === 'response') {
          assert.deepEqual([method, item, Object.hasOwn(entry, 'method')], ['', undefined, false])
          continue
        }
        assert.deepEqual([method, given, id], [entry['method'], entry['params'] ?? {}, entry['id'] ?? null])
        assert.equal(kind, entry['id'] === undefined ? 'notification' : 'request')
        assert.deepEqual(item && [item.kind, item.name], namedBy(method, given))
        assert.deepEqual(subscribes, subscribedBy(method, given))
      }
    }),
    rounds(3000),
  )
  assert.ok(granted > 200, `only ${granted} were read`)
})

test('in the modern era the headers and the message always say the same', () => {
  let modern = 0
  const pairs = fc.tuple(name, fc.constantFrom(...methods), name, fc.constantFrom(...methods), fc.boolean())
  fc.assert(
    fc.property(pairs, ([bodyName, bodyMethod, headerName, headerMethod, wrap]) => {
      const sent = wrap ? `=?base64?${Buffer.from(headerName).toString('base64')}?=` : headerName
      const result = readHttpAction(
        Buffer.from(
          JSON.stringify({
            jsonrpc: '2.0',
            id: 1,
            method: bodyMethod,
            params: { name: bodyName, uri: bodyName, ref: {}, _meta: meta },
          }),
        ),
        readHeaders(['MCP-Protocol-Version', modernVersion, 'Mcp-Method', headerMethod, 'Mcp-Name', sent]),
      )
      if (!result.ok) return
      modern += 1
      assert.equal(headerMethod, bodyMethod)
      const [read] = result.action.messages
      if (/^(tools\/call|prompts\/get|resources\/read)$/.test(bodyMethod))
        assert.equal(decodeHeader(sent), read?.item?.name)
    }),
    rounds(2000),
  )
  assert.ok(modern > 50, `only ${modern} were read`)
})

test('G4: every text survives the wrapping, and nothing else decodes to it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (text, other) => {
      const wrapped = `=?base64?${Buffer.from(text).toString('base64')}?=`
      assert.equal(decodeHeader(wrapped), text)
      const decoded = decodeHeader(`=?base64?${other}?=`)
      // A line end cannot stand in a header; with one, the text is no wrapping.
      if (decoded === undefined || /[\r\n\u2028\u2029]/.test(other)) return
      assert.equal(Buffer.from(decoded).toString('base64'), other)
    }),
    rounds(1000),
  )
})
