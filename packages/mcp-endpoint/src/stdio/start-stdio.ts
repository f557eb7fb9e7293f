import type { Readable, Writable } from 'node:stream'
import {
  denials,
  formatErrorResponse,
  readPlainAction,
  type Action,
  type JsonRpcId,
  type Message,
} from '@mcp-doorman/resource-server'
import { Cancellation } from '../cancellation.ts'
import type { Answer, Endpoint } from '../endpoint.ts'
import { checkOptions } from '../option-check.ts'
import { readLines } from './read-lines.ts'

export interface StdioOptions {
  readonly endpoint: Endpoint
  /** Default: standard input. */
  readonly input?: Readable
  /** Default: standard output. Nothing else may write to it. */
  readonly output?: Writable
  /** Longest message, in bytes; 1,024 to 256 MiB. Default: 8 MiB. */
  readonly maxMessageBytes?: number
  /** How long calls under way may go on after the input has ended, in seconds; 0 to 3,600. Default: 1. */
  readonly drainSeconds?: number
}

const numbers = { maxMessageBytes: [1024, 256 * 1024 * 1024], drainSeconds: [0, 3600] } as const

/**
 * Serves an endpoint over standard input and output: one JSON-RPC message a line.
 *
 * There are no callers and no tokens here (MCP 2026-07-28, authorization: stdio takes credentials from its
 * environment): whoever starts the process is served. Resolves when the input has ended and the calls with it.
 *
 * @throws {TypeError} listing every option that cannot be used
 */
export async function serveStdio(options: StdioOptions): Promise<void> {
  const problems = checkOptions(options, numbers, ['endpoint', 'input', 'output'])
  if (problems.length > 0) throw new TypeError(`stdio cannot be served:\n- ${problems.join('\n- ')}`)
  const { endpoint, input = process.stdin, output = process.stdout } = options
  const { maxMessageBytes = 8 * 1024 * 1024, drainSeconds = 1 } = options
  const underWay = new Map<JsonRpcId, Cancellation>()
  const calls = new Set<Promise<void>>()
  const write = (text: string): void => void output.write(`${text}\n`)
  // A reader that has gone away ends the input too; until then there is nobody to tell.
  output.on('error', () => undefined)

  for await (const line of readLines(input, maxMessageBytes)) {
    if (line.kind === 'too_long') {
      write(
        formatErrorResponse(null, {
          code: -32600,
          message: `The message is longer than ${maxMessageBytes} bytes.`,
        }),
      )
      continue
    }
    const read = readPlainAction(line.text)
    if (!read.ok) {
      const { jsonRpcCode = -32600, sentence } = denials[read.code]
      const data = read.data === undefined ? {} : { data: read.data }
      write(
        formatErrorResponse(read.id, { code: jsonRpcCode, message: `${sentence} (${read.detail})`, ...data }),
      )
      continue
    }
    const call = runAction(read.action).finally(() => calls.delete(call))
    calls.add(call)
  }

  const timer = setTimeout(() => {
    for (const cancellation of underWay.values()) cancellation.cancel('the input has ended')
  }, drainSeconds * 1000)
  await Promise.allSettled(calls)
  clearTimeout(timer)

  async function runAction(action: Action): Promise<void> {
    const answers = await Promise.all(action.messages.map((message) => runMessage(message, action)))
    const texts = answers.flatMap((answer) => (answer === undefined ? [] : [answer.text]))
    if (texts.length > 0) write(action.batch ? `[${texts.join(',')}]` : texts.join(''))
  }

  async function runMessage(message: Message, { era }: Action): Promise<Answer | undefined> {
    if (message.method === 'notifications/cancelled') {
      const { requestId } = message.params
      if (typeof requestId === 'string' || typeof requestId === 'number') {
        underWay.get(requestId)?.cancel('the client cancelled')
      }
      return undefined
    }
    const cancellation = new Cancellation()
    if (message.id !== null) underWay.set(message.id, cancellation)
    const answer = await endpoint.run(message, { era, caller: undefined, shows: () => true, cancellation })
    if (message.id !== null && underWay.get(message.id) === cancellation) underWay.delete(message.id)
    // A cancelled request gets no answer (MCP, cancellation); one that took too long does.
    return answer?.result === 'cancelled' ? undefined : answer
  }
}
