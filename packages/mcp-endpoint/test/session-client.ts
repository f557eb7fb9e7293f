import assert from 'node:assert/strict'
import { openEvents, type EventReader } from './event-reader.ts'
import { post, type Json } from './messages.ts'
import { ask, type RawAnswer, type RawRequest } from './raw-http.ts'

/** A client of 2025 that speaks in a session. */
export interface SessionClient {
  readonly id: string
  readonly version: string
  /** The headers of every request of this session. */
  readonly headers: Readonly<Record<string, string>>
  readonly request: (id: number | string, method: string, params?: Json) => RawRequest
  readonly ask: (method: string, params?: Json) => Promise<RawAnswer>
  /** Sends a request whose answer may be a stream. */
  readonly open: (id: number, method: string, params?: Json) => Promise<EventReader>
  /** Opens the stream of the session. */
  readonly listen: (lastEventId?: string) => Promise<EventReader>
  /** Answers a request of the server. */
  readonly reply: (
    id: unknown,
    outcome: { readonly result: unknown } | { readonly error: unknown },
  ) => Promise<RawAnswer>
  readonly end: () => Promise<RawAnswer>
}

/** Begins a session. */
export async function beginSession(
  port: number,
  token: string,
  capabilities: Json = {},
  version = '2025-11-25',
): Promise<SessionClient> {
  const params = { protocolVersion: version, capabilities, clientInfo: { name: 'c', version: '1' } }
  const begun = await ask(
    port,
    post(token, JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })),
  )
  assert.equal(begun.status, 200, begun.body)
  const id = begun.headers['mcp-session-id']
  assert.ok(id !== undefined)
  return joinSession(port, token, id, version)
}

/** Speaks in a session that was begun elsewhere. */
export function joinSession(port: number, token: string, id: string, version = '2025-11-25'): SessionClient {
  const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': version }
  const message = (body: Json): RawRequest =>
    post(token, JSON.stringify({ jsonrpc: '2.0', ...body }), headers)
  const bearer = { Authorization: `Bearer ${token}`, ...headers }
  return {
    id,
    version,
    headers,
    request: (requestId, method, params) => message({ id: requestId, method, params }),
    ask: (method, params) => ask(port, message({ id: 7, method, params })),
    open: (requestId, method, params) => openEvents(port, message({ id: requestId, method, params })),
    listen: (lastEventId) =>
      openEvents(port, {
        headers: { ...bearer, ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) },
      }),
    reply: (requestId, outcome) => ask(port, message({ id: requestId, ...outcome })),
    end: () => ask(port, { method: 'DELETE', headers: bearer }),
  }
}
