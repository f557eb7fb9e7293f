import type { CallContext, JsonSchema, Tool, ToolResult } from '@mcp-doorman/mcp-endpoint'

/** What this package wants to know of a call, and whom to tell how far it has come. */
export type FilesCallContext = Pick<CallContext, 'caller' | 'signal'> & Partial<Pick<CallContext, 'progress'>>

/** A tool of this package: its schemas are data, it needs little of the call, and always gives a whole result. */
export interface FilesTool extends Omit<Tool, 'call' | 'inputSchema' | 'outputSchema'> {
  readonly inputSchema: JsonSchema
  readonly outputSchema?: JsonSchema
  readonly call: (args: never, context: FilesCallContext) => ToolResult | Promise<ToolResult>
}
