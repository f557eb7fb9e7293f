import {
  formatErrorResponse,
  type Granted,
  type Item,
  type Message,
  type Outcome,
} from '@mcp-doorman/resource-server'
import type { Cancellation } from '../cancellation.ts'
import { formatPlainResult, type Answer, type Endpoint } from '../endpoint.ts'
import type { HttpResponse } from './respond.ts'

export type Finished = HttpResponse & { readonly result: Outcome['result'] }

const jsonHeaders = { 'content-type': 'application/json', 'cache-control': 'no-store' }
const accepted: Finished = { status: 202, headers: { 'cache-control': 'no-store' }, body: '', result: 'ok' }

type Run = (
  message: Message,
  index: number,
  cancellation: Cancellation,
) => Answer | undefined | Promise<Answer | undefined>

/** Runs what was granted: these message objects and no others. Never throws or rejects. */
export function runGranted(
  endpoint: Endpoint,
  granted: Granted,
  shows: (item: Item) => boolean,
  cancellation: Cancellation,
): Finished | Promise<Finished> {
  const { action, form, identity } = granted
  const { era } = action
  if (form === 'plain-list') return json(200, `{"tools":${endpoint.listTools(shows)}}`, 'ok')
  if (form === 'plain-call') return runPlainCall(endpoint, granted, cancellation)

  const run: Run = (message, index, cancellation) => {
    const error = granted.inPlace[index]
    if (error === undefined) return endpoint.run(message, { era, caller: identity, shows, cancellation })
    return message.kind === 'request'
      ? { text: formatErrorResponse(message.id, error), status: 200, result: 'error' }
      : undefined
  }
  if (action.batch) return runBatch(action.messages, run, cancellation)
  const [message] = action.messages
  if (message === undefined) return accepted
  const answer = run(message, 0, cancellation)
  return answer instanceof Promise ? answer.then(single) : single(answer)
}

function single(answer: Answer | undefined): Finished {
  return answer === undefined ? accepted : json(answer.status, answer.text, answer.result)
}

/** One after the other, in the order in which the client wrote them; each has a call's time for itself. */
async function runBatch(
  messages: readonly Message[],
  run: Run,
  cancellation: Cancellation,
): Promise<Finished> {
  const answers: Answer[] = []
  for (const [index, message] of messages.entries()) {
    const answer = await run(message, index, cancellation.branch())
    if (answer !== undefined) answers.push(answer)
  }
  if (answers.length === 0) return accepted
  const worst = answers.find(({ result }) => result !== 'ok')?.result ?? 'ok'
  return json(200, `[${answers.map(({ text }) => text).join(',')}]`, worst)
}

async function runPlainCall(
  endpoint: Endpoint,
  granted: Granted,
  cancellation: Cancellation,
): Promise<Finished> {
  const [message] = granted.action.messages
  const name = message?.item?.name ?? ''
  const end = await endpoint.toolTable.call(
    name,
    message?.params['arguments'],
    granted.identity,
    cancellation,
  )
  switch (end.kind) {
    case 'result':
      return json(200, formatPlainResult(end.result), end.result.isError === true ? 'tool_error' : 'ok')
    case 'unknown':
      return plainError(404, 'unknown_tool', `Unknown tool: ${name.slice(0, 128)}`, 'error')
    case 'failed':
      return plainError(500, 'tool_failed', end.message, 'error')
    case 'cancelled':
      return plainError(503, 'cancelled', 'The call was cancelled.', 'cancelled')
  }
}

function plainError(status: number, error: string, description: string, result: Outcome['result']): Finished {
  return json(status, JSON.stringify({ error, error_description: description }), result)
}

function json(status: number, body: string, result: Outcome['result']): Finished {
  return { status, headers: jsonHeaders, body, result }
}
