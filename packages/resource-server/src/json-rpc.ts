/** A JSON-RPC id as MCP has it: a string or a whole number, never null. */
export type JsonRpcId = string | number

/** The `error` of a JSON-RPC response. */
export interface JsonRpcError {
  readonly code: number
  readonly message: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** An error response as text. `id` is null only where the request's own could not be read. */
export function formatErrorResponse(id: JsonRpcId | null, error: JsonRpcError): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error })
}
