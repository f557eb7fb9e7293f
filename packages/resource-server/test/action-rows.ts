import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modernVersion, readHeaders, type DenialCode } from '@mcp-doorman/resource-server'
import { readHttpAction } from '#internal/action'

export const versionKey = 'io.modelcontextprotocol/protocolVersion'
export const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'
export const envelope: Readonly<Record<string, unknown>> = {
  [versionKey]: modernVersion,
  [capabilitiesKey]: {},
}

export function call(name: unknown, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, ...more } }
}

export function modern(
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  meta: unknown = envelope,
): unknown {
  return { jsonrpc: '2.0', id: 7, method, params: { ...params, _meta: meta } }
}

export const modernHeaders = (method: string, name?: string): readonly string[] => [
  'MCP-Protocol-Version',
  modernVersion,
  'Mcp-Method',
  method,
  ...(name === undefined ? [] : ['Mcp-Name', name]),
]

export interface ActionRow {
  readonly id: string
  readonly name: string
  readonly body: unknown
  readonly headers?: readonly string[]
  /** The code of the refusal; or era, kind and item. */
  readonly expected: DenialCode | `${'modern' | 'legacy'} ${string}`
  /** The id that a refusal answers. Default: 7. */
  readonly answers?: number | string | null
}

export const version = (text: string): readonly string[] => ['MCP-Protocol-Version', text]
export const encoded = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

/** Makes a test of each row. */
export function testActions(rows: readonly ActionRow[]): void {
  for (const { id, name, body, headers = [], expected, answers = 7 } of rows) {
    const shown = expected.length > 60 ? `${expected.slice(0, 60)}…` : expected
    test(`${id}: ${name} → ${shown}`, () => {
      const bytes = Buffer.isBuffer(body)
        ? body
        : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
      const result = readHttpAction(bytes, readHeaders(headers))
      if (!result.ok) {
        assert.deepEqual([result.code, result.id], [expected, answers])
        return
      }
      const { era, messages, batch } = result.action
      const said = messages.map(({ kind, item }) =>
        item === undefined ? kind : `${kind} ${item.kind}:${item.name}`,
      )
      assert.equal(`${era} ${said.join(', ')}`, expected)
      assert.equal(batch, Array.isArray(body))
    })
  }
}
