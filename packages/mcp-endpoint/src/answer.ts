import { formatErrorResponse, type JsonRpcError, type Message } from '@mcp-doorman/resource-server'
import type { Failed, Outcome } from './outcome.ts'

/** The answer to a request: the JSON-RPC response as text, and what it means for status and records. */
export interface Answer {
  readonly text: string
  /** The HTTP status, where there is one. */
  readonly status: number
  readonly result: 'ok' | 'tool_error' | 'error' | 'cancelled'
}

/** @param result - the text of an object */
export function ok({ id }: Pick<Message, 'id'>, result: string): Answer {
  return {
    text: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`,
    status: 200,
    result: 'ok',
  }
}

export function fail({ id }: Message, error: JsonRpcError, status = 200): Answer {
  return { text: formatErrorResponse(id, error), status, result: 'error' }
}

export function methodNotFound(message: Message, status = 200): Answer {
  return fail(message, noSuchMethod(message).error, status)
}

/** The method does not exist here. Over HTTP the modern era says so with 404 (requirement G9). */
export function noSuchMethod({ method }: Message): Failed {
  return {
    kind: 'error',
    error: { code: -32601, message: `Method not found: ${method.slice(0, 64)}` },
    status: 404,
  }
}

/**
 * @param end - what the text of a result ends with in this revision, after its last member; nothing else has an end
 * @param withStatus - whether this revision has HTTP statuses for errors of the client's
 */
export function answerOutcome(
  message: Message,
  outcome: Exclude<Outcome, { kind: 'input' }>,
  end: string,
  withStatus: boolean,
): Answer {
  switch (outcome.kind) {
    case 'result': {
      const answer = ok(message, outcome.json.slice(0, -1) + end)
      return outcome.toolError === true ? { ...answer, result: 'tool_error' } : answer
    }
    case 'error':
      return fail(
        message,
        outcome.error,
        withStatus || (outcome.status ?? 0) >= 500 ? outcome.status : undefined,
      )
    case 'cancelled':
      return { ...fail(message, { code: -32603, message: 'The call was cancelled.' }), result: 'cancelled' }
  }
}
