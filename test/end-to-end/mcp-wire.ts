/** Single requests as they stand on the wire, for what a well-behaved client never sends or never shows. */
import assert from 'node:assert/strict'

export type Json = Readonly<Record<string, unknown>>

export interface WireAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body, where it is a JSON object; empty otherwise. */
  readonly body: Json
}

export interface ToolCall {
  readonly name: string
  readonly arguments?: Json
  readonly id?: number | string
}

/** The ways to call a tool over HTTP. */
export const forms = ['2025-11-25', '2026-07-28', 'plain'] as const
export type Form = (typeof forms)[number]

export function callTool(
  url: string,
  token: string | undefined,
  call: ToolCall,
  form: Form = '2025-11-25',
): Promise<WireAnswer> {
  const { name, arguments: args = {}, id = 1 } = call
  const params = { name, arguments: args }
  switch (form) {
    case 'plain':
      return post(url.replace(/\/mcp$/, '/tools/call'), token, params)
    case '2025-11-25':
      return post(url, token, { jsonrpc: '2.0', id, method: 'tools/call', params }, legacyHeaders)
    case '2026-07-28': {
      const { body, headers } = modernCall(call)
      return post(url, token, body, headers)
    }
  }
}

/** A `tools/call` of the era without sessions, which says everything twice. */
export function modernCall({ name, arguments: args = {}, id = 1 }: ToolCall): {
  readonly body: Json
  readonly headers: Readonly<Record<string, string>>
} {
  return {
    body: {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: args, _meta: modernEnvelope },
    },
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
  }
}

export function listTools(url: string, token: string): Promise<WireAnswer> {
  return post(url, token, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, legacyHeaders)
}

export const legacyHeaders = { 'mcp-protocol-version': '2025-11-25' }
const modernEnvelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'wire', version: '1' },
}

export async function post(
  url: string,
  token: string | undefined,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<WireAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  })
  return readAnswer(response)
}

export async function getJson(url: string): Promise<WireAnswer> {
  return readAnswer(await fetch(url, { signal: AbortSignal.timeout(20_000) }))
}

async function readAnswer(response: Response): Promise<WireAnswer> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parseObject(text) }
}

export function parseObject(text: string): Json {
  try {
    return recordOf(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Goes into nested objects; what is not there is `undefined`. */
export function memberOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => recordOf(inner)[name], value)
}

function recordOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** The result of a call that went well, in whatever form it was made. */
export function resultOf(answer: WireAnswer): Json {
  assert.equal(answer.status, 200, answer.text)
  const result = 'result' in answer.body ? recordOf(answer.body['result']) : answer.body
  assert.ok(!('error' in answer.body) && result['isError'] !== true, answer.text)
  return result
}
