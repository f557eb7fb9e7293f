/** The protocol revision of a run: 2026-07-28, or 2025-11-25. */
export type Era = '2026' | '2025'

/** The tool of a run. */
export type ToolName = 'echo' | 'read_file'

/** What tokens are issued for. No server stands there; targets listen on loopback. */
export const resource = 'https://mcp.bench.example/mcp'

/** The scope that both tools ask for. */
export const scope = 'files:read'

export const echoText = 'The quick brown fox jumps over the lazy dog, and back.'
export const fileName = 'note.txt'
/** 1 KiB in 16 lines. */
export const fileText = 'The lazy dog, which the quick brown fox jumps over, sleeps yet.\n'.repeat(16)

/** What the first content block of a right answer says. */
export const expectedText: Readonly<Record<ToolName, string>> = { echo: echoText, read_file: fileText }

const toolArguments: Readonly<Record<ToolName, object>> = {
  echo: { text: echoText },
  read_file: { path: fileName },
}

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'doorman-bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** One `tools/call` as the bytes that go over the connection. All calls have the same id, and so the same answer. */
export function formatCall(era: Era, tool: ToolName, port: number, token: string | undefined): Buffer {
  const modern = era === '2026'
  const params = { name: tool, arguments: toolArguments[tool], ...(modern && { _meta: modernMeta }) }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const lines = [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    `MCP-Protocol-Version: ${modern ? '2026-07-28' : '2025-11-25'}`,
    ...(modern ? ['Mcp-Method: tools/call', `Mcp-Name: ${tool}`] : []),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
