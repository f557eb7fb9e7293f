import type { Granted } from '@mcp-doorman/resource-server'
import type { Failed, Outcome } from '../outcome.ts'
import type { RunContext } from '../run-context.ts'
import type { EndpointTransport } from '../server-end.ts'
import { finishedJson, type Finished } from './refusal.ts'

/** The list of the plain HTTP form. */
export async function runPlainList(
  endpoint: EndpointTransport,
  { action }: Granted,
  context: RunContext,
): Promise<Finished> {
  const [message] = action.messages
  const outcome = message && (await endpoint.listTools(message, context))
  if (outcome?.kind === 'result') return finishedJson(200, `{"tools":${outcome.json}}`, 'ok')
  return outcome === undefined ? noTools : answer(outcome, '')
}

/** The call of the plain HTTP form: the same call, and its result without anything of the protocol. */
export async function runPlainCall(
  endpoint: EndpointTransport,
  { action }: Granted,
  context: RunContext,
): Promise<Finished> {
  const [message] = action.messages
  let outcome = message && (await endpoint.runBare(message, context))
  // Whatever waits for answers is told that none come.
  while (outcome?.kind === 'input' && outcome.refuse !== undefined) {
    outcome = await outcome.refuse('only MCP can do that')
  }
  return outcome === undefined ? noTools : answer(outcome, message?.item?.name ?? '')
}

function answer(outcome: Outcome, name: string): Finished {
  switch (outcome.kind) {
    case 'result':
      return finishedJson(200, outcome.json, outcome.toolError === true ? 'tool_error' : 'ok')
    case 'error':
      return outcome.error.code === -32602
        ? plainError(404, 'unknown_tool', `Unknown tool: ${name.slice(0, 128)}`, 'error')
        : plainError(statusOf(outcome), 'tool_failed', outcome.error.message, 'error')
    case 'input':
      return plainError(
        422,
        'input_unavailable',
        'This tool has to ask for something first, which only MCP can do.',
        'error',
      )
    case 'cancelled':
      return plainError(503, 'cancelled', 'The call was cancelled.', 'cancelled')
  }
}

/** There are no methods here, so whatever failed has failed behind the server. */
function statusOf({ status = 500 }: Failed): number {
  return Math.max(status, 500)
}

function plainError(
  status: number,
  error: string,
  description: string,
  result: Finished['result'],
): Finished {
  return finishedJson(status, JSON.stringify({ error, error_description: description }), result)
}

const noTools = plainError(404, 'unknown_tool', 'There are no tools here.', 'error')
