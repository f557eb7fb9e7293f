import {
  formatErrorResponse,
  legacyVersions,
  supportedVersions,
  unknownItemError,
  type Era,
  type Item,
  type JsonRpcError,
  type Message,
} from '@mcp-doorman/resource-server'
import type { Cancellation } from './cancellation.ts'
import { checkOptions } from './option-check.ts'
import { createToolList } from './tool-list.ts'
import { createToolTable, type CallEnd, type ToolTable } from './tool-table.ts'
import type { Caller, Tool, ToolResult } from './tools.ts'

export interface EndpointOptions {
  /** Names the server to clients. */
  readonly name: string
  readonly version: string
  readonly title?: string
  /** What a model should know about the server as a whole. */
  readonly instructions?: string
  readonly tools: readonly Tool[]
  /** Longest time of one call, in seconds; 1 to 3,600. Default: 60. */
  readonly callTimeoutSeconds?: number
  /** How long clients may keep the list of tools, in seconds; 0 to 86,400. Default: 300. */
  readonly listTtlSeconds?: number
  /** Whether every caller sees the same list. Default: false, which forbids shared caches to keep it. */
  readonly sameListForAll?: boolean
  /** Told what a tool threw; nothing of it reaches a client. Default: nobody. */
  readonly onToolFailure?: (tool: string, error: unknown) => void
}

/** For whom, and how, a message is run. */
export interface RunContext {
  readonly era: Era
  readonly caller: Caller | undefined
  readonly shows: (item: Item) => boolean
  readonly cancellation: Cancellation
}

/** The answer to a request: the JSON-RPC response as text, and what it means for status and records. */
export interface Answer {
  readonly text: string
  /** The HTTP status, where there is one. */
  readonly status: number
  readonly result: 'ok' | 'tool_error' | 'error' | 'cancelled'
}

/** An MCP server end without a transport. Runs messages that were judged before; judges nothing itself. */
export interface Endpoint {
  /** `undefined` for what has no answer: notifications and responses. Never throws or rejects. */
  readonly run: (message: Message, context: RunContext) => Answer | undefined | Promise<Answer | undefined>
  readonly toolTable: ToolTable
  /** The tools that a caller is shown, as the text of a JSON array. */
  readonly listTools: (shows: (item: Item) => boolean) => string
}

const serverInfoKey = 'io.modelcontextprotocol/serverInfo'

const numbers = { callTimeoutSeconds: [1, 3600], listTtlSeconds: [0, 86_400] } as const
const others = ['name', 'version', 'title', 'instructions', 'tools', 'sameListForAll', 'onToolFailure']

/** @throws {TypeError} listing every tool that cannot be offered and every option that cannot be used */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { name, version, title, instructions, callTimeoutSeconds = 60, listTtlSeconds = 300 } = options
  const problems = checkOptions(options, numbers, others)
  const toolTable = createToolTable(
    { tools: options.tools, callTimeoutSeconds, onToolFailure: options.onToolFailure ?? (() => undefined) },
    problems,
  )
  if (problems.length > 0) throw new TypeError(`The endpoint cannot be built:\n- ${problems.join('\n- ')}`)
  const toolList = createToolList(toolTable.tools, options.sameListForAll === true ? 'public' : 'private')
  const listTools = (shows: (item: Item) => boolean): string =>
    toolList.json((tool) => shows({ kind: 'tool', name: tool.name }))

  const serverInfo = { name, ...(title !== undefined && { title }), version }
  const described = {
    capabilities: { tools: { listChanged: false } },
    ...(instructions !== undefined && { instructions }),
  }
  const ttlMs = Math.round(listTtlSeconds * 1000)
  const cacheFields = `"ttlMs":${ttlMs},"cacheScope":"${toolList.cacheScope}"`
  // What every modern result ends with.
  const modernEnd = `"resultType":"complete","_meta":{"${serverInfoKey}":${JSON.stringify(serverInfo)}}}`
  const discovered = `{"supportedVersions":${JSON.stringify(supportedVersions)},${JSON.stringify(described).slice(1, -1)},"ttlMs":${ttlMs},"cacheScope":"public",${modernEnd}`

  function run(message: Message, context: RunContext): Answer | undefined | Promise<Answer | undefined> {
    if (message.kind !== 'request') return undefined
    return context.era === 'modern' ? runModern(message, context) : runLegacy(message, context)
  }

  function runModern(message: Message, context: RunContext): Answer | Promise<Answer> {
    switch (message.method) {
      case 'server/discover':
        return ok(message, discovered)
      case 'tools/list':
        return list(message, context, `,${cacheFields},${modernEnd}`)
      case 'tools/call':
        return callTool(message, context)
      default:
        // Over HTTP this era answers an unknown method with 404 (requirement G9).
        return {
          ...fail(message, { code: -32601, message: `Method not found: ${shown(message)}` }),
          status: 404,
        }
    }
  }

  function runLegacy(message: Message, context: RunContext): Answer | Promise<Answer> {
    switch (message.method) {
      case 'initialize':
        return ok(message, JSON.stringify({ protocolVersion: negotiate(message), ...described, serverInfo }))
      case 'ping':
        return ok(message, '{}')
      case 'tools/list':
        return list(message, context, '}')
      case 'tools/call':
        return callTool(message, context)
      default:
        return fail(message, { code: -32601, message: `Method not found: ${shown(message)}` })
    }
  }

  function list(message: Message, { shows }: RunContext, end: string): Answer {
    // The list has one page, so no cursor was ever given out.
    if (message.params['cursor'] !== undefined)
      return fail(message, { code: -32602, message: 'Unknown cursor' })
    return ok(message, `{"tools":${listTools(shows)}${end}`)
  }

  function callTool(message: Message, context: RunContext): Answer | Promise<Answer> {
    const { item, params } = message
    if (item === undefined)
      return fail(message, { code: -32602, message: '"name" must be the name of a tool' })
    const end = toolTable.call(item.name, params['arguments'] ?? {}, context.caller, context.cancellation)
    return end instanceof Promise
      ? end.then((ended) => answerCall(message, context.era, ended))
      : answerCall(message, context.era, end)
  }

  function answerCall(message: Message, era: Era, end: CallEnd): Answer {
    switch (end.kind) {
      case 'result': {
        const { json } = end
        const answer = ok(message, era === 'modern' ? `${json.slice(0, -1)},${modernEnd}` : json)
        return end.result.isError === true ? { ...answer, result: 'tool_error' } : answer
      }
      case 'unknown':
        return fail(message, unknownItemError(message.item, era))
      case 'failed':
        return fail(message, { code: -32603, message: end.message })
      case 'cancelled':
        return { ...fail(message, { code: -32603, message: 'The call was cancelled.' }), result: 'cancelled' }
    }
  }

  return { run, toolTable, listTools }
}

/** The client's revision if it is one of those that negotiate, else the newest of them (requirement G30). */
function negotiate(message: Message): string {
  const asked = message.params['protocolVersion']
  return legacyVersions.find((version) => version === asked) ?? legacyVersions[0]
}

function ok({ id }: Message, result: string): Answer {
  return {
    text: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`,
    status: 200,
    result: 'ok',
  }
}

function fail({ id }: Message, error: JsonRpcError): Answer {
  return { text: formatErrorResponse(id, error), status: 200, result: 'error' }
}

function shown({ method }: Message): string {
  return method.slice(0, 64)
}

/** A tool's result in the plain HTTP form: what a `tools/call` result has, and nothing of the protocol. */
export function formatPlainResult({ content, structuredContent, isError }: ToolResult): string {
  return JSON.stringify({
    content,
    ...(structuredContent !== undefined && { structuredContent }),
    ...(isError === true && { isError }),
  })
}
