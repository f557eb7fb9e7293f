import { exchange, type Received } from './http-exchange.ts'

export type Era = 'modern' | 'legacy'

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

export interface McpRequest {
  readonly era: Era
  readonly token: string
  readonly method: string
  readonly params?: object
  /** What `Mcp-Name` says. */
  readonly name?: string
}

/** Sends one MCP request in the manner of an era's clients. */
export function askMcp(
  port: number,
  { era, token, method, params = {}, name }: McpRequest,
): Promise<Received> {
  const own = era === 'modern' ? { ...params, _meta: meta } : params
  return exchange(port, {
    headers: [
      'Authorization',
      `Bearer ${token}`,
      'Content-Type',
      'application/json',
      'Accept',
      'application/json, text/event-stream',
      'MCP-Protocol-Version',
      era === 'modern' ? '2026-07-28' : '2025-11-25',
      'Mcp-Method',
      method,
      ...(name === undefined ? [] : ['Mcp-Name', name]),
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: own }),
  })
}

/** The result of an answer, which may be JSON or one event. */
export function resultIn({ text, headers }: Received): Readonly<Record<string, unknown>> {
  const events = String(headers['content-type']).startsWith('text/event-stream')
  const json = events ? (/^data: (.*)$/m.exec(text)?.[1] ?? '') : text
  return (JSON.parse(json) as { result?: Record<string, unknown> }).result ?? {}
}
