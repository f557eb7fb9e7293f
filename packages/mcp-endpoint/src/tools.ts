import type { Guarded } from './access.ts'
import type { CallContext } from './call-context.ts'
import type { ValueOf } from './json-schema.ts'
import type { Schema, StandardSchema } from './standard-schema.ts'

/** One block of a result, as MCP writes it (`text`, `image`, `audio`, `resource_link`, `resource`). */
export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | {
      readonly type: 'resource_link'
      readonly uri: string
      readonly name: string
      readonly mimeType?: string
    }
  | { readonly type: 'resource'; readonly resource: Readonly<Record<string, unknown>> }

/** What a call produced. A failure of the tool itself is a result with `isError`, not an exception. */
export interface ToolResult {
  readonly content: readonly ContentBlock[]
  /** Checked against the tool's `outputSchema` where there is one and `isError` is not set. */
  readonly structuredContent?: Readonly<Record<string, unknown>>
  readonly isError?: boolean
}

/** What a tool may return: a result; its structured content, which is then repeated as text; or its text. */
export type ToolOutput = ToolResult | Pick<Required<ToolResult>, 'structuredContent'> | string

/** Hints for clients. They bind nobody; absent means the cautious value that MCP defines. */
export interface ToolAnnotations {
  readonly readOnlyHint?: boolean
  readonly destructiveHint?: boolean
  readonly idempotentHint?: boolean
  readonly openWorldHint?: boolean
}

/** A tool: what a client is shown, and the function behind it. */
export interface Tool extends Guarded {
  /** 1 to 128 characters of `A-Z a-z 0-9 _ - .` */
  readonly name: string
  readonly title?: string
  readonly description: string
  /**
   * Checked before every call; an object schema. References stay inside it: nothing is ever fetched.
   * A schema of a library is checked by that library, which may also fill in and convert; clients get its JSON Schema.
   *
   * A property with `x-mcp-header` has clients of 2026-07-28 repeat its value in that header, for proxies that look no
   * further; both must then agree. Not for secrets.
   */
  readonly inputSchema: Schema
  readonly outputSchema?: Schema
  readonly annotations?: ToolAnnotations
  /** Longest time of one call, in seconds; 1 to 3,600. Default: the endpoint's. */
  readonly timeoutSeconds?: number
  /**
   * Runs the call.
   *
   * `args` has passed {@link Tool.inputSchema} and was authorized for exactly this tool.
   * May return its result at once; a promise costs a turn of the event loop.
   * An exception is answered as an internal error that shows nothing of it.
   */
  readonly call: (args: never, context: CallContext) => ToolOutput | Promise<ToolOutput>
}

/** What a tool's arguments are, after its schema has seen them. */
export type ArgumentsOf<Input extends Schema> =
  Input extends StandardSchema<infer Output> ? Output : ValueOf<Input>

/** A tool whose arguments have the type that its schema says. */
export interface TypedTool<Input extends Schema> extends Omit<Tool, 'inputSchema' | 'call'> {
  readonly inputSchema: Input
  readonly call: (args: ArgumentsOf<Input>, context: CallContext) => ToolOutput | Promise<ToolOutput>
}

/** Gives a tool back as it is, after the compiler has seen its schema: `args` of `call` get their type from it. */
export function defineTool<const Input extends Schema>(tool: TypedTool<Input>): Tool {
  return tool
}
