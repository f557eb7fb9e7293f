import assert from 'node:assert/strict'
import { test } from 'node:test'
import { legacyVersions, modernVersion, readHeaders, supportedVersions } from '@mcp-doorman/resource-server'
import { readHttpAction } from '#internal/action'
import {
  call,
  capabilitiesKey,
  encoded,
  envelope,
  modern,
  modernHeaders,
  testActions,
  version,
  versionKey,
  type ActionRow,
} from './action-rows.ts'

const eraRows: readonly ActionRow[] = [
  { id: 'G31', name: 'no version header', body: call('a'), expected: 'legacy request tool:a' },
  ...legacyVersions.map((text): ActionRow => ({
    id: 'G31',
    name: `version ${text}`,
    body: call('a'),
    headers: version(text),
    expected: 'legacy request tool:a',
  })),
  {
    id: 'G31',
    name: 'an unknown version',
    body: call('a'),
    headers: version('2024-11-05'),
    expected: 'version_unsupported',
  },
  {
    id: 'G31',
    name: 'an empty version',
    body: call('a'),
    headers: version(''),
    expected: 'version_unsupported',
  },
  {
    id: 'CR6',
    name: 'initialize with an unknown version',
    body: { ...call('a'), method: 'initialize' },
    headers: version('1999-01-01'),
    expected: 'legacy request',
  },
  {
    id: 'CR6',
    name: 'Mcp-Method alone',
    body: call('a'),
    headers: ['Mcp-Method', 'tools/list'],
    expected: 'legacy request tool:a',
  },
  {
    id: 'G7',
    name: 'the modern version in the header only',
    body: call('a'),
    headers: version(modernVersion),
    expected: 'params_invalid',
  },

  {
    id: 'G2',
    name: 'a list with all headers',
    body: modern('tools/list'),
    headers: modernHeaders('tools/list'),
    expected: 'modern request',
  },
  {
    id: 'G2',
    name: 'a call with all headers',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call', 'a'),
    expected: 'modern request tool:a',
  },
  {
    id: 'G2',
    name: 'no version header',
    body: modern('tools/list'),
    headers: ['Mcp-Method', 'tools/list'],
    expected: 'headers_disagree',
  },
  {
    id: 'G2',
    name: 'no Mcp-Method',
    body: modern('tools/list'),
    headers: version(modernVersion),
    expected: 'headers_disagree',
  },
  {
    id: 'G2',
    name: 'no Mcp-Name for a call',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call'),
    expected: 'headers_disagree',
  },
  {
    id: 'G2',
    name: 'no Mcp-Name for a prompt',
    body: modern('prompts/get', { name: 'a' }),
    headers: modernHeaders('prompts/get'),
    expected: 'headers_disagree',
  },
  {
    id: 'G2',
    name: 'no Mcp-Name for a resource',
    body: modern('resources/read', { uri: 'a:b' }),
    headers: modernHeaders('resources/read'),
    expected: 'headers_disagree',
  },
  {
    id: 'G2',
    name: 'the URI as Mcp-Name',
    body: modern('resources/read', { uri: 'a:b' }),
    headers: modernHeaders('resources/read', 'a:b'),
    expected: 'modern request resource:a:b',
  },
  {
    id: 'G2',
    name: 'no Mcp-Name for a method without names',
    body: modern('prompts/list'),
    headers: modernHeaders('prompts/list'),
    expected: 'modern request',
  },
  ...(
    [
      ['nothing named', { notifications: { toolsListChanged: true } }, 'modern request'],
      ['a resource', { notifications: { resourceSubscriptions: ['a:b'] } }, 'modern request'],
      ['no filter', {}, 'params_invalid'],
      ['a filter that is a list', { notifications: [] }, 'params_invalid'],
      ['URIs that are no list', { notifications: { resourceSubscriptions: 'a:b' } }, 'params_invalid'],
      ['a URI that is no string', { notifications: { resourceSubscriptions: [7] } }, 'params_invalid'],
      ['a URI with a way up', { notifications: { resourceSubscriptions: ['a:/b/../c'] } }, 'params_invalid'],
      [
        'one URI too many',
        { notifications: { resourceSubscriptions: Array.from({ length: 257 }, () => 'a:b') } },
        'params_invalid',
      ],
    ] as const
  ).map(([name, params, expected]): ActionRow => ({
    id: 'E12',
    name: `a subscription with ${name}`,
    body: modern('subscriptions/listen', params),
    headers: modernHeaders('subscriptions/listen'),
    expected,
  })),
  {
    id: 'G24',
    name: 'an older client that takes no streams',
    body: call('a'),
    headers: ['Accept', 'application/json'],
    expected: 'not_acceptable',
  },
  {
    id: 'G24',
    name: 'a newer client that takes no streams',
    body: modern('tools/list'),
    headers: [...modernHeaders('tools/list'), 'Accept', 'application/json'],
    expected: 'modern request',
  },
  {
    id: 'G24',
    name: 'an older client that says what it takes in two fields',
    body: call('a'),
    headers: ['Accept', 'application/json', 'Accept', 'text/event-stream'],
    expected: 'legacy request tool:a',
  },
  {
    id: 'G3',
    name: 'the method in capitals',
    body: modern('tools/list'),
    headers: modernHeaders('TOOLS/LIST'),
    expected: 'headers_disagree',
  },
  {
    id: 'G3',
    name: 'another method',
    body: modern('tools/list'),
    headers: modernHeaders('tools/call'),
    expected: 'headers_disagree',
  },
  {
    id: 'G3',
    name: 'the name in capitals',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call', 'A'),
    expected: 'headers_disagree',
  },
  {
    id: 'G3',
    name: 'another name',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call', 'b'),
    expected: 'headers_disagree',
  },
  {
    id: 'G3',
    name: 'spaces around the values',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders(' tools/call ', '\ta '),
    expected: 'modern request tool:a',
  },
  {
    id: 'G3',
    name: 'a space that belongs to the name',
    body: modern('tools/call', { name: 'a ' }),
    headers: modernHeaders('tools/call', 'a '),
    expected: 'headers_disagree',
  },
  {
    id: 'G3',
    name: 'header names in capitals',
    body: modern('tools/list'),
    headers: ['MCP-PROTOCOL-VERSION', modernVersion, 'MCP-METHOD', 'tools/list'],
    expected: 'modern request',
  },
  {
    id: 'G4',
    name: 'an encoded name',
    body: modern('tools/call', { name: 'ä' }),
    headers: modernHeaders('tools/call', encoded('ä')),
    expected: 'modern request tool:ä',
  },
  {
    id: 'G4',
    name: 'an encoded name that needs no encoding',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call', encoded('a')),
    expected: 'modern request tool:a',
  },
  {
    id: 'G4',
    name: 'an encoded name with its spaces',
    body: modern('tools/call', { name: ' a ' }),
    headers: modernHeaders('tools/call', encoded(' a ')),
    expected: 'modern request tool: a ',
  },
  {
    id: 'G4',
    name: 'an encoded other name',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call', encoded('b')),
    expected: 'headers_disagree',
  },
  {
    id: 'G4',
    name: 'encoding without its padding',
    body: modern('tools/call', { name: 'ä' }),
    headers: modernHeaders('tools/call', '=?base64?w6Q?='),
    expected: 'headers_disagree',
  },
  {
    id: 'G4',
    name: 'encoding in the other alphabet',
    body: modern('tools/call', { name: 'ÿ?ÿ' }),
    headers: modernHeaders('tools/call', encoded('ÿ?ÿ').replaceAll('/', '_')),
    expected: 'headers_disagree',
  },
  {
    id: 'G4',
    name: 'encoding of what is no UTF-8',
    body: modern('tools/call', { name: '\ufffd' }),
    headers: modernHeaders('tools/call', '=?base64?/w==?='),
    expected: 'headers_disagree',
  },
  {
    id: 'G4',
    name: 'encoding with stray bits',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call', '=?base64?YR==?='),
    expected: 'headers_disagree',
  },
  {
    id: 'G4',
    name: 'the wrapping in capitals',
    body: modern('tools/call', { name: 'a' }),
    headers: modernHeaders('tools/call', '=?BASE64?YQ==?='),
    expected: 'headers_disagree',
  },
  {
    id: 'G4',
    name: 'half a wrapping, which is literal',
    body: modern('tools/call', { name: '=?base64?YQ==' }),
    headers: modernHeaders('tools/call', '=?base64?YQ=='),
    expected: 'modern request tool:=?base64?YQ==',
  },
  {
    id: 'G4',
    name: 'a name that looks wrapped',
    body: modern('tools/call', { name: '=?base64?YQ==?=' }),
    headers: modernHeaders('tools/call', '=?base64?YQ==?='),
    expected: 'headers_disagree',
  },
  {
    id: 'G4',
    name: 'a name that looks wrapped, wrapped',
    body: modern('tools/call', { name: '=?base64?YQ==?=' }),
    headers: modernHeaders('tools/call', encoded('=?base64?YQ==?=')),
    expected: 'modern request tool:=?base64?YQ==?=',
  },
  {
    id: 'G5',
    name: 'Mcp-Method twice',
    body: modern('tools/list'),
    headers: [...modernHeaders('tools/list'), 'mcp-method', 'tools/list'],
    expected: 'headers_disagree',
  },
  {
    id: 'G5',
    name: 'Mcp-Name twice',
    body: modern('tools/call', { name: 'a' }),
    headers: [...modernHeaders('tools/call', 'a'), 'Mcp-Name', 'b'],
    expected: 'headers_disagree',
  },
  {
    id: 'G5',
    name: 'the version twice',
    body: modern('tools/list'),
    headers: [...modernHeaders('tools/list'), ...version(modernVersion)],
    expected: 'headers_disagree',
  },
  {
    id: 'G6',
    name: 'another version in the header',
    body: modern('tools/list'),
    headers: ['Mcp-Method', 'tools/list', ...version('2025-11-25')],
    expected: 'headers_disagree',
  },
  {
    id: 'G6',
    name: 'an unknown version in both',
    body: modern('tools/list', {}, { ...envelope, [versionKey]: '2027-01-01' }),
    headers: ['Mcp-Method', 'tools/list', ...version('2027-01-01')],
    expected: 'version_unsupported',
  },
  {
    id: 'G6',
    name: 'an older version in both',
    body: modern('tools/list', {}, { ...envelope, [versionKey]: '2025-11-25' }),
    headers: ['Mcp-Method', 'tools/list', ...version('2025-11-25')],
    expected: 'version_unsupported',
  },
  {
    id: 'G7',
    name: 'no _meta',
    body: call('a'),
    headers: modernHeaders('tools/call', 'a'),
    expected: 'params_invalid',
  },
  {
    id: 'G7',
    name: '_meta that is a list',
    body: modern('tools/list', {}, [envelope]),
    headers: modernHeaders('tools/list'),
    expected: 'params_invalid',
  },
  {
    id: 'G7',
    name: 'no version in _meta',
    body: modern('tools/list', {}, { [capabilitiesKey]: {} }),
    headers: modernHeaders('tools/list'),
    expected: 'params_invalid',
  },
  {
    id: 'G7',
    name: 'a version in _meta that is a number',
    body: modern('tools/list', {}, { ...envelope, [versionKey]: 2026 }),
    headers: modernHeaders('tools/list'),
    expected: 'params_invalid',
  },
  {
    id: 'G7',
    name: 'a version in _meta that is null',
    body: modern('tools/list', {}, { ...envelope, [versionKey]: null }),
    headers: [],
    expected: 'params_invalid',
  },
  {
    id: 'G7',
    name: 'no capabilities in _meta',
    body: modern('tools/list', {}, { [versionKey]: modernVersion }),
    headers: modernHeaders('tools/list'),
    expected: 'params_invalid',
  },
  {
    id: 'G7',
    name: 'capabilities that are a list',
    body: modern('tools/list', {}, { ...envelope, [capabilitiesKey]: [] }),
    headers: modernHeaders('tools/list'),
    expected: 'params_invalid',
  },
  {
    id: 'G7',
    name: '_meta below __proto__',
    body: `{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"__proto__":{"_meta":${JSON.stringify(envelope)}}}}`,
    headers: modernHeaders('tools/list'),
    expected: 'params_invalid',
  },
  {
    id: 'G19',
    name: 'a notification',
    body: { ...Object(modern('notifications/cancelled')), id: undefined },
    headers: modernHeaders('notifications/cancelled'),
    expected: 'modern notification',
  },
  {
    id: 'G17',
    name: 'a response',
    body: { jsonrpc: '2.0', id: 7, result: {} },
    headers: version(modernVersion),
    expected: 'message_invalid',
  },
]

testActions(eraRows)

test('G6: an unsupported version is answered with those that are, and with what was asked, cut short', () => {
  const asked = `2027${'-'.repeat(200)}`
  const result = readHttpAction(Buffer.from(JSON.stringify(call('a'))), readHeaders(version(asked)))
  assert.ok(!result.ok)
  assert.deepEqual(result.data, { supported: supportedVersions, requested: asked.slice(0, 64) })
})

test('K2: a header that disagrees is named, and its value is nowhere in what is recorded', () => {
  const canary = 'canary-token-in-the-wrong-header'
  for (const headers of [
    modernHeaders('tools/call', canary),
    modernHeaders(canary, 'a'),
    ['Mcp-Method', 'tools/call', 'Mcp-Name', 'a', ...version(canary)],
  ]) {
    const result = readHttpAction(
      Buffer.from(JSON.stringify(modern('tools/call', { name: 'a' }))),
      readHeaders(headers),
    )
    assert.ok(!result.ok && result.code === 'headers_disagree')
    assert.ok(!JSON.stringify(result).includes(canary))
  }
})
