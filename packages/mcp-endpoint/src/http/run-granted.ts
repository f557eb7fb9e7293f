import {
  formatErrorResponse,
  type Granted,
  type Message,
  type Outcome as RecordedOutcome,
} from '@mcp-doorman/resource-server'
import type { Answer } from '../answer.ts'
import { noRounds } from '../calls/call.ts'
import type { EndpointTransport } from '../endpoint.ts'
import type { Outcome } from '../outcome.ts'
import type { RunContext } from '../run-context.ts'
import type { HttpResponse } from './respond.ts'

export type Finished = HttpResponse & { readonly result: RecordedOutcome['result'] }

const jsonHeaders = { 'content-type': 'application/json', 'cache-control': 'no-store' }
// What there are too many of ends when the caller ends one, so a moment is enough to wait.
const tooManyHeaders = { ...jsonHeaders, 'retry-after': '5' }
const accepted: Finished = { status: 202, headers: { 'cache-control': 'no-store' }, body: '', result: 'ok' }

/** Runs what was granted: these message objects and no others. Never throws or rejects. */
export function runGranted(
  endpoint: EndpointTransport,
  granted: Granted,
  context: RunContext,
): Finished | Promise<Finished> {
  const { action, form } = granted
  if (form === 'plain-list') {
    return json(200, `{"tools":${endpoint.listTools((item) => context.shows(item))}}`, 'ok')
  }
  if (form === 'plain-call') return runPlainCall(endpoint, granted, context)
  if (action.batch) return runBatch(endpoint, granted, context)
  const [message] = action.messages
  if (message === undefined) return accepted
  const answer = runMessage(endpoint, granted, message, 0, context)
  return answer instanceof Promise ? answer.then(single) : single(answer)
}

function runMessage(
  endpoint: EndpointTransport,
  granted: Granted,
  message: Message,
  index: number,
  context: RunContext,
): Answer | undefined | Promise<Answer | undefined> {
  const error = granted.inPlace[index]
  if (error !== undefined) {
    return message.kind === 'request'
      ? { text: formatErrorResponse(message.id, error), status: 200, result: 'error' }
      : undefined
  }
  const { client, cancellation } = context
  const { id } = message
  if (client === undefined || id === null || message.kind !== 'request') return endpoint.run(message, context)
  client.begin(id, cancellation)
  const answer = endpoint.run(message, context)
  if (answer instanceof Promise) return answer.finally(() => client.end(id, cancellation))
  client.end(id, cancellation)
  return answer
}

function single(answer: Answer | undefined): Finished {
  return answer === undefined ? accepted : json(answer.status, answer.text, answer.result)
}

/** One after the other, in the order in which the client wrote them; each has a call's time for itself. */
async function runBatch(
  endpoint: EndpointTransport,
  granted: Granted,
  context: RunContext,
): Promise<Finished> {
  const answers: Answer[] = []
  for (const [index, message] of granted.action.messages.entries()) {
    const answer = await runMessage(endpoint, granted, message, index, context.branch())
    if (answer !== undefined) answers.push(answer)
  }
  if (answers.length === 0) return accepted
  const worst = answers.find(({ result }) => result !== 'ok')?.result ?? 'ok'
  return json(200, `[${answers.map(({ text }) => text).join(',')}]`, worst)
}

async function runPlainCall(
  endpoint: EndpointTransport,
  { action }: Granted,
  context: RunContext,
): Promise<Finished> {
  const [message] = action.messages
  const outcome = message && (await endpoint.methods().run(message, context, noRounds))
  return outcome === undefined
    ? plainError(404, 'unknown_tool', 'There are no tools here.', 'error')
    : answerPlainly(outcome, message?.item?.name ?? '')
}

function answerPlainly(outcome: Outcome, name: string): Finished {
  switch (outcome.kind) {
    case 'result':
      return json(200, outcome.json, outcome.toolError === true ? 'tool_error' : 'ok')
    case 'error':
      return outcome.error.code === -32602
        ? plainError(404, 'unknown_tool', `Unknown tool: ${name.slice(0, 128)}`, 'error')
        : plainError(500, 'tool_failed', outcome.error.message, 'error')
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

function plainError(
  status: number,
  error: string,
  description: string,
  result: Finished['result'],
): Finished {
  return json(status, JSON.stringify({ error, error_description: description }), result)
}

function json(status: number, body: string, result: Finished['result']): Finished {
  return { status, headers: status === 429 ? tooManyHeaders : jsonHeaders, body, result }
}

/** An error of MCP that is no answer of the endpoint's: to a request for a session that is not there, and the like. */
export function refused(message: Message | undefined, status: number, code: number, text: string): Finished {
  return json(status, formatErrorResponse(message?.id ?? null, { code, message: text }), 'error')
}
