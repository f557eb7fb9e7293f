import type { CallContext, Tool, ToolResult } from '@mcp-doorman/mcp-endpoint'

/** What these tools want to know of a call. */
export type FilesCallContext = Pick<CallContext, 'caller' | 'signal'>

/** A tool of this package: it needs little of the call, and always gives a whole result. */
export interface FilesTool extends Omit<Tool, 'call'> {
  readonly call: (args: never, context: FilesCallContext) => ToolResult | Promise<ToolResult>
}
