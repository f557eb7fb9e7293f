import { formatErrorResponse, type Granted, type Message } from '@mcp-doorman/resource-server'
import { fail, type Answer } from '../answer.ts'
import type { RunContext } from '../run-context.ts'
import type { EndpointTransport } from '../server-end.ts'
import { finishedJson, type Finished } from './refusal.ts'
import { runPlainCall, runPlainList } from './run-plain.ts'

const accepted: Finished = { status: 202, headers: { 'cache-control': 'no-store' }, body: '', result: 'ok' }

/** Runs what was granted: these message objects and no others. Never throws or rejects. */
export function runGranted(
  endpoint: EndpointTransport,
  granted: Granted,
  context: RunContext,
): Finished | Promise<Finished> {
  const { action, form } = granted
  if (form === 'plain-list') return runPlainList(endpoint, granted, context)
  if (form === 'plain-call') return runPlainCall(endpoint, granted, context)
  if (action.batch) return runBatch(endpoint, granted, context)
  const [message] = action.messages
  if (message === undefined) return accepted
  const answer = start(granted, message, 0, context) ?? run(endpoint, message, context)
  return answer instanceof Promise ? answer.then(finishSingle) : finishSingle(answer)
}

/** Takes the message's id until its answer; the answer at once where it does not run. */
function start(
  granted: Granted,
  message: Message,
  index: number,
  { client, cancellation }: RunContext,
): Answer | undefined {
  const { id, kind } = message
  if (kind !== 'request' || id === null) return undefined
  const error = granted.inPlace[index]
  if (error !== undefined) return { text: formatErrorResponse(id, error), status: 200, result: 'error' }
  if (client?.underWay.begin(id, cancellation) !== false) return undefined
  return fail(
    message,
    { code: -32600, message: 'A request with this id is under way. Give each its own.' },
    400,
  )
}

function run(
  endpoint: EndpointTransport,
  message: Message,
  context: RunContext,
): Answer | undefined | Promise<Answer | undefined> {
  const { client } = context
  const { id } = message
  const answer = endpoint.run(message, context)
  if (client === undefined || id === null) return answer
  if (answer instanceof Promise) return answer.finally(() => client.underWay.end(id))
  client.underWay.end(id)
  return answer
}

function finishSingle(answer: Answer | undefined): Finished {
  return answer === undefined ? accepted : finishedJson(answer.status, answer.text, answer.result)
}

/**
 * One after the other, in the order in which the client wrote them; each has a call's time for itself. All can be
 * cancelled from the beginning.
 */
async function runBatch(
  endpoint: EndpointTransport,
  granted: Granted,
  context: RunContext,
): Promise<Finished> {
  const started = granted.action.messages.map((message, index) => {
    const own = context.branch()
    return { message, own, answer: start(granted, message, index, own), denied: granted.inPlace[index] }
  })
  const answers: Answer[] = []
  for (const { message, own, answer: early, denied } of started) {
    // A notification that may not run has no answer to say so.
    const runs = early === undefined && denied === undefined
    const answer = runs ? await run(endpoint, message, own) : early
    if (answer !== undefined) answers.push(answer)
  }
  if (answers.length === 0) return accepted
  const worst = answers.find(({ result }) => result !== 'ok')?.result ?? 'ok'
  return finishedJson(200, `[${answers.map(({ text }) => text).join(',')}]`, worst)
}
