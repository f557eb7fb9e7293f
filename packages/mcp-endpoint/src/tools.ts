/** A JSON Schema (2020-12) as data. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Who a call is made for, as far as a tool may know. Comes from a verified token only. */
export interface Caller {
  /** The token's `iss`. */
  readonly issuer: string
  /** The token's `sub`. Unique only together with {@link Caller.issuer}. */
  readonly subject: string
  /** The OAuth client that presented the token. */
  readonly clientId: string | undefined
}

/** What a tool is told about the call besides its arguments. */
export interface ToolContext {
  /** The verified caller; `undefined` only on a transport that has no callers (stdio). */
  readonly caller: Caller | undefined
  /** Fires when the caller cancels or the time limit of the call is over. */
  readonly signal: AbortSignal
}

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
  /** Must conform to the tool's `outputSchema` where there is one and `isError` is not set. */
  readonly structuredContent?: Readonly<Record<string, unknown>>
  readonly isError?: boolean
}

/** Hints for clients. They bind nobody; absent means the cautious value that MCP defines. */
export interface ToolAnnotations {
  readonly readOnlyHint?: boolean
  readonly destructiveHint?: boolean
  readonly idempotentHint?: boolean
  readonly openWorldHint?: boolean
}

/** A tool: what a client is shown, and the function behind it. */
export interface Tool {
  /** 1 to 128 characters of `A-Z a-z 0-9 _ - .` */
  readonly name: string
  readonly title?: string
  readonly description: string
  /** Checked before every call; an object schema. */
  readonly inputSchema: JsonSchema
  readonly outputSchema?: JsonSchema
  readonly annotations?: ToolAnnotations
  /**
   * Runs the call.
   *
   * `args` has passed {@link Tool.inputSchema} and was authorized for exactly this tool.
   * May return its result at once; a promise costs a turn of the event loop.
   * An exception is answered as an internal error that shows nothing of it.
   */
  readonly call: (args: never, context: ToolContext) => ToolResult | Promise<ToolResult>
}
