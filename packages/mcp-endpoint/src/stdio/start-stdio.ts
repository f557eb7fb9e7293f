import { addAbortSignal, type Readable, type Writable } from 'node:stream'
import {
  denials,
  formatErrorResponse,
  readPlainAction,
  type Action,
  type Era,
  type JsonRpcId,
  type Message,
} from '@mcp-doorman/resource-server'
import { fail, type Answer } from '../answer.ts'
import { Cancellation } from '../cancellation.ts'
import { LegacyClient } from '../eras/legacy-client.ts'
import { RequestsUnderWay } from '../eras/requests-under-way.ts'
import { notification } from '../notifications.ts'
import { checkOptions } from '../option-check.ts'
import type { ServerEnd } from '../server-end.ts'
import { OutputLines } from './output-lines.ts'
import { readLines } from './read-lines.ts'
import { StdioRun } from './stdio-run.ts'

export interface StdioOptions {
  readonly endpoint: ServerEnd
  /** Default: standard input. */
  readonly input?: Readable
  /** Default: standard output. Nothing else may write to it. */
  readonly output?: Writable
  /** Longest message, in bytes; 1,024 to 256 MiB. Default: 8 MiB. */
  readonly maxMessageBytes?: number
  /** How long calls under way may go on after the input has ended, in seconds; 0 to 3,600. Default: 1. */
  readonly drainSeconds?: number
  /**
   * Ends the service as the end of the input does: a program aborts it when it is told to stop (SIGTERM). The input is
   * destroyed then, since it would keep the process. Default: only the input ends the service.
   */
  readonly signal?: AbortSignal
}

const numbers = { maxMessageBytes: [1024, 256 * 1024 * 1024], drainSeconds: [0, 3600] } as const

/**
 * Serves an endpoint over standard input and output: one JSON-RPC message a line.
 *
 * There are no callers and no tokens here (MCP 2026-07-28, authorization: stdio takes credentials from its
 * environment): whoever starts the process is served. Resolves when the input or `signal` has ended, and the calls
 * with it; rejects when the input cannot be read.
 *
 * @throws {TypeError} listing every option that cannot be used
 */
export async function serveStdio(options: StdioOptions): Promise<void> {
  const problems = checkOptions(options, numbers, ['endpoint', 'input', 'output', 'signal'])
  if (problems.length > 0) throw new TypeError(`stdio cannot be served:\n- ${problems.join('\n- ')}`)
  const { endpoint, input = process.stdin, output = process.stdout, signal } = options
  const { maxMessageBytes = 8 * 1024 * 1024, drainSeconds = 1 } = options
  const lines = new OutputLines(output)
  const server = new StdioServer(endpoint, lines)

  if (signal !== undefined) {
    addAbortSignal(signal, input)
    signal.addEventListener('abort', () => lines.stopWaiting(), { once: true })
  }
  try {
    for await (const line of readLines(input, maxMessageBytes)) {
      if (line.kind === 'line') server.take(line.text)
      else lines.write(errorText(null, -32600, `The message is longer than ${maxMessageBytes} bytes.`))
      await lines.room()
      // A client that reads nothing any more has ended the service, even if it still writes.
      if (lines.isGone) break
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error
  }
  await server.end(drainSeconds)
}

// Each may wait for its client, so that holding back the input could hold back what it waits for.
const mostUnderWay = 1000

class StdioServer {
  readonly #endpoint: ServerEnd
  readonly #lines: OutputLines
  readonly #underWay = new RequestsUnderWay()
  readonly #endless = new Set<Cancellation>()
  readonly #calls = new Set<Promise<void>>()
  /** The one client, once it has introduced itself in the manner of 2025. */
  #client: LegacyClient | undefined

  constructor(endpoint: ServerEnd, lines: OutputLines) {
    this.#endpoint = endpoint
    this.#lines = lines
  }

  take(text: string): void {
    const read = readPlainAction(text)
    if (!read.ok) {
      const { jsonRpcCode = -32600, sentence } = denials[read.code]
      this.#lines.write(errorText(read.id, jsonRpcCode, `${sentence} (${read.detail})`, read.data))
      return
    }
    const { version = '2025-03-26' } = this.#client ?? {}
    if (read.action.batch && version !== '2025-03-26') {
      this.#lines.write(errorText(null, -32600, `There are no batches in ${version}.`))
      return
    }
    const call = this.#runAction(read.action).finally(() => this.#calls.delete(call))
    this.#calls.add(call)
  }

  /** Ends what would not end by itself at once, and the rest when its time is over. */
  async end(drainSeconds: number): Promise<void> {
    for (const cancellation of this.#endless) cancellation.cancel('the input has ended')
    const timer = setTimeout(() => {
      this.#client?.close('the input has ended')
      this.#underWay.cancelAll('the input has ended')
    }, drainSeconds * 1000)
    await Promise.allSettled(this.#calls)
    this.#client?.close('the input has ended')
    clearTimeout(timer)
  }

  async #runAction({ messages, era, batch }: Action): Promise<void> {
    const answers = await Promise.all(messages.map((message) => this.#runMessage(message, era)))
    const texts = answers.flatMap((answer) => (answer === undefined ? [] : [answer.text]))
    if (texts.length > 0) this.#lines.write(batch ? `[${texts.join(',')}]` : texts.join(''))
  }

  async #runMessage(message: Message, era: Era): Promise<Answer | undefined> {
    const { id, method, kind } = message
    if (method === 'notifications/cancelled') {
      this.#underWay.cancel(message)
      return undefined
    }
    const cancellation = new Cancellation()
    if (kind !== 'request' || id === null) return this.#run(message, era, cancellation)
    if (method === 'initialize' && era === 'legacy' && !this.#greet(message)) {
      return refuse(message, 'This process is initialized already; it serves one client.')
    }
    if (this.#underWay.count >= mostUnderWay)
      return refuse(message, 'Too many requests are under way. Wait for some.')
    if (!this.#underWay.begin(id, cancellation)) {
      return refuse(message, 'A request with this id is under way. Give each its own.')
    }
    const answer = await this.#run(message, era, cancellation)
    this.#underWay.end(id)
    // A cancelled request gets no answer, whatever it came to (MCP, cancellation); one that took too long does.
    const unwanted = answer?.result === 'cancelled' || this.#underWay.isUnwanted(cancellation)
    return unwanted ? undefined : answer
  }

  async #run(message: Message, era: Era, cancellation: Cancellation): Promise<Answer | undefined> {
    const isSubscription = message.method === 'subscriptions/listen'
    const channel = this.#lines.channel(isSubscription)
    if (isSubscription) this.#endless.add(cancellation)
    const context = new StdioRun(era, cancellation, channel, this.#client)
    const answer = await this.#endpoint.transport.run(message, context)
    channel.close()
    this.#endless.delete(cancellation)
    return answer
  }

  /** Takes the client that introduces itself, if there is none yet. This is its stream of changes too. */
  #greet(message: Message): boolean {
    if (this.#client !== undefined) return false
    const channel = this.#lines.channel(false)
    this.#client = new LegacyClient(message)
    this.#client.follow(
      this.#endpoint.transport.follow({
        caller: undefined,
        callerKey: '',
        wantsList: () => true,
        mayKnow: () => true,
        tell: (method, params) => channel.emit(notification(method, params)),
      }),
    )
    return true
  }
}

function refuse(message: Message, text: string): Answer {
  return fail(message, { code: -32600, message: text })
}

function errorText(
  id: JsonRpcId | null,
  code: number,
  message: string,
  data?: Readonly<Record<string, unknown>>,
): string {
  return formatErrorResponse(id, { code, message, ...(data !== undefined && { data }) })
}
