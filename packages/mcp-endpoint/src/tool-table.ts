import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Cancellation } from './cancellation.ts'
import type { Caller, JsonSchema, Tool, ToolContext, ToolResult } from './tools.ts'

/** How a call ended. */
export type CallEnd =
  | { readonly kind: 'result'; readonly result: ToolResult; readonly json: string }
  /** No tool has that name. */
  | { readonly kind: 'unknown' }
  /** The tool threw, or took too long. What it threw is not for the caller. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' }

/** The tools of an endpoint: schemas compiled once, calls checked and timed. */
export interface ToolTable {
  readonly tools: readonly Tool[]
  /** Ends at once where the tool does. Never throws, and its promise never rejects. */
  readonly call: (
    name: string,
    args: unknown,
    caller: Caller | undefined,
    cancellation: Cancellation,
  ) => CallEnd | Promise<CallEnd>
}

export interface ToolTableOptions {
  readonly tools: readonly Tool[]
  readonly callTimeoutSeconds: number
  /** Told what a tool threw. */
  readonly onToolFailure: (tool: string, error: unknown) => void
}

interface Entry {
  readonly tool: Tool
  readonly valid: ValidateFunction
}

const toolName = /^[A-Za-z0-9_.-]{1,128}$/

/** @param problems - receives every tool that cannot be offered, and why; the result must then not be used */
export function createToolTable(options: ToolTableOptions, problems: string[]): ToolTable {
  const { callTimeoutSeconds, onToolFailure } = options
  const entries = compileTools(options.tools, problems)

  function call(
    name: string,
    args: unknown,
    caller: Caller | undefined,
    cancellation: Cancellation,
  ): CallEnd | Promise<CallEnd> {
    const entry = entries.get(name)
    if (entry === undefined) return { kind: 'unknown' }
    const { tool, valid } = entry
    if (cancellation.cancelled) return { kind: 'cancelled' }
    if (!valid(args)) return finish(tool, invalidArguments(valid.errors ?? []))
    const context: ToolContext = {
      caller,
      get signal() {
        return cancellation.signal
      },
    }
    try {
      // The schema has accepted the arguments, which is all that `never` stands for.
      const result = tool.call(args as never, context)
      return result instanceof Promise ? waitFor(tool, result, cancellation) : finish(tool, result)
    } catch (error) {
      return fail(tool, error)
    }
  }

  async function waitFor(
    tool: Tool,
    pending: Promise<ToolResult>,
    cancellation: Cancellation,
  ): Promise<CallEnd> {
    let timer: NodeJS.Timeout | undefined
    const cancelled = new Promise<CallEnd>((resolve) => {
      cancellation.signal.addEventListener('abort', () => resolve({ kind: 'cancelled' }), { once: true })
    })
    const late = new Promise<CallEnd>((resolve) => {
      timer = setTimeout(() => {
        resolve({ kind: 'failed', message: `The tool took longer than ${callTimeoutSeconds} seconds.` })
        cancellation.cancel('the time limit of the call is over')
      }, callTimeoutSeconds * 1000)
    })
    const ended = pending.then(
      (result): CallEnd => finish(tool, result),
      (error: unknown): CallEnd => (cancellation.cancelled ? { kind: 'cancelled' } : fail(tool, error)),
    )
    try {
      return await Promise.race([ended, late, cancelled])
    } finally {
      clearTimeout(timer)
    }
  }

  /** The result is written out here, so that one that cannot be written is a failure of its tool and no more. */
  function finish(tool: Tool, result: ToolResult): CallEnd {
    try {
      // A tool in plain JavaScript may return anything.
      const content: unknown = (result as ToolResult | null | undefined)?.content
      if (!Array.isArray(content))
        throw new TypeError('The result has no "content" that is a list of blocks.')
      return { kind: 'result', result, json: JSON.stringify(result) }
    } catch (error) {
      return fail(tool, error)
    }
  }

  function fail(tool: Tool, error: unknown): CallEnd {
    try {
      onToolFailure(tool.name, error)
    } catch {
      // A report that fails is not the caller's matter, and there is nobody left to report to.
    }
    return {
      kind: 'failed',
      message: "The tool failed. The operator can find the reason in the server's log.",
    }
  }

  return { tools: [...entries.values()].map(({ tool }) => tool), call }
}

function compileTools(tools: readonly Tool[], problems: string[]): ReadonlyMap<string, Entry> {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
  const entries = new Map<string, Entry>()
  for (const tool of tools) {
    if (!toolName.test(tool.name)) {
      problems.push(`"${tool.name}": a tool's name has 1 to 128 letters, digits, "_", "-" or "."`)
    }
    if (entries.has(tool.name)) problems.push(`"${tool.name}": there are two tools of that name`)
    if (typeof tool.call !== 'function') problems.push(`"${tool.name}".call: must be a function`)
    const valid = compileSchema(ajv, tool.inputSchema, `"${tool.name}".inputSchema`, problems)
    if (tool.outputSchema !== undefined) {
      compileSchema(ajv, tool.outputSchema, `"${tool.name}".outputSchema`, problems)
    }
    if (valid !== undefined) entries.set(tool.name, { tool: Object.freeze({ ...tool }), valid })
  }
  return entries
}

function compileSchema(
  ajv: Ajv2020,
  schema: JsonSchema,
  name: string,
  problems: string[],
): ValidateFunction | undefined {
  // From plain JavaScript it may be missing.
  if ((schema as JsonSchema | undefined)?.['type'] !== 'object') {
    problems.push(`${name}: must be a JSON Schema with "type": "object"`)
    return undefined
  }
  try {
    return ajv.compile(schema)
  } catch (error) {
    problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** Wrong arguments are the model's mistake, so it gets them as a result that it can read and mend (G63). */
function invalidArguments(errors: readonly ErrorObject[]): ToolResult {
  const sentences = errors.map(({ instancePath, message, params }) => {
    const place = `arguments${shorten(instancePath)}`
    const unknown =
      'additionalProperty' in params ? ` (${shorten(JSON.stringify(params['additionalProperty']))})` : ''
    return `${place} ${message ?? 'is not valid'}${unknown}`
  })
  return { content: [{ type: 'text', text: `invalid_arguments: ${sentences.join('; ')}` }], isError: true }
}

/** The caller chose the names in its arguments, and may have chosen them as long as a whole message. */
function shorten(text: string): string {
  return text.length > 128 ? `${text.slice(0, 128)}…` : text
}
