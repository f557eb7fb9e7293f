import { formatErrorResponse, type Message } from '@mcp-doorman/resource-server'
import type { HttpResponse } from './respond.ts'

/** What a granted request came to. */
export type Finished = HttpResponse & { readonly result: 'ok' | 'tool_error' | 'error' | 'cancelled' }

const jsonHeaders = { 'content-type': 'application/json', 'cache-control': 'no-store' }
// What there are too many of ends when the caller ends one, and a server that closes makes room for the next.
const laterHeaders = { ...jsonHeaders, 'retry-after': '5' }

/** An answer in JSON, never kept by caches. */
export function finishedJson(status: number, body: string, result: Finished['result']): Finished {
  return { status, headers: status === 429 || status === 503 ? laterHeaders : jsonHeaders, body, result }
}

/** An error of MCP that is no answer of the endpoint's: to a request for a session that is not there, and the like. */
export function refused(
  message: Pick<Message, 'id'> | undefined,
  status: number,
  code: number,
  text: string,
): Finished {
  return finishedJson(status, formatErrorResponse(message?.id ?? null, { code, message: text }), 'error')
}

export const tooManyStreams = 'Too many streams of yours are open. Close one first.'
