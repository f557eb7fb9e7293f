import assert from 'node:assert/strict'
import { ask, type RawAnswer, type RawRequest } from './raw-http.ts'

export type Json = Readonly<Record<string, unknown>>

const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'
const versionKey = 'io.modelcontextprotocol/protocolVersion'
export const serverInfoKey = 'io.modelcontextprotocol/serverInfo'
export const modernVersion = '2026-07-28'

/** A POST with a token. */
export function post(token: string, body: string, headers: RawRequest['headers'] = {}): RawRequest {
  return {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
    body,
  }
}

/** A request of the revisions that begin with `initialize`. */
export function legacy(
  token: string,
  method: string,
  params?: Json,
  headers: RawRequest['headers'] = {},
): RawRequest {
  return post(token, JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }), headers)
}

/** The parameters of a modern message: with the envelope of 2026-07-28. */
export function enveloped(params: Json = {}): Json {
  return { ...params, _meta: { [versionKey]: modernVersion, [capabilitiesKey]: {} } }
}

/** A request of 2026-07-28 with the headers that repeat it. */
export function modern(
  token: string,
  method: string,
  params: Json = {},
  headers: RawRequest['headers'] = {},
): RawRequest {
  const name = params['name']
  return post(token, JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: enveloped(params) }), {
    'MCP-Protocol-Version': modernVersion,
    'Mcp-Method': method,
    ...(typeof name === 'string' && { 'Mcp-Name': name }),
    ...headers,
  })
}

/** The body as a JSON object. */
export function jsonOf({ headers, body }: RawAnswer): Json {
  assert.equal(headers['content-type'], 'application/json')
  const value: unknown = JSON.parse(body)
  assert.ok(typeof value === 'object' && value !== null, body)
  return value as Json // It is an object, so its members are unknown values by name.
}

/** The member of an answer that must be an object. */
export function member(value: Json, name: string): Json {
  const inner = value[name]
  assert.ok(typeof inner === 'object' && inner !== null, `${name} in ${JSON.stringify(value)}`)
  return inner as Json // As above.
}

/** The `error.code` of a JSON-RPC answer to request 7. */
export function errorCode(answer: RawAnswer): unknown {
  const value = jsonOf(answer)
  assert.equal(value['id'], 7)
  assert.equal('result' in value, false)
  return member(value, 'error')['code']
}

/** The `result` of a JSON-RPC answer to request 7. */
export function resultOf(answer: RawAnswer): Json {
  assert.equal(answer.status, 200, answer.body)
  const value = jsonOf(answer)
  assert.equal(value['id'], 7)
  assert.equal('error' in value, false, answer.body)
  return member(value, 'result')
}

/** Asks, and returns status and error code, for tables. */
export async function statusAndCode(port: number, request: RawRequest): Promise<string> {
  const answer = await ask(port, request)
  const error = answer.body === '' ? undefined : jsonOf(answer)['error']
  const code = typeof error === 'object' && error !== null ? (error as Json)['code'] : undefined // See member().
  return `${answer.status} ${typeof code === 'number' ? code : 'none'}`
}
