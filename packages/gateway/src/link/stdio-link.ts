import { readLines } from '@mcp-doorman/mcp-endpoint'
import { UpstreamFailure } from '../failure.ts'
import type { StdioSettings } from '../options.ts'
import { parseMessage, type Fields, type RpcResponse } from '../rpc-message.ts'
import { startChild, type StartedChild } from './child-process.ts'
import type { Link, LinkEvents, OutgoingRequest } from './link.ts'

interface Waiting {
  readonly resolve: (response: RpcResponse) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Starts the process of an upstream and speaks with it, one message a line.
 *
 * @throws {UpstreamFailure} (as a rejection) when it cannot be started
 */
export async function openStdioLink(settings: StdioSettings, events: LinkEvents): Promise<Link> {
  return new StdioLink(settings, events, await startChild(settings))
}

class StdioLink implements Link {
  readonly hasHeaders = false
  readonly #settings: StdioSettings
  readonly #events: LinkEvents
  readonly #started: StartedChild
  readonly #waiting = new Map<string, Waiting>()
  #garbage = 0
  #ended = false
  #closing: Promise<void> | undefined

  constructor(settings: StdioSettings, events: LinkEvents, started: StartedChild) {
    this.#settings = settings
    this.#events = events
    this.#started = started
    void this.#read()
  }

  request({ id, method, params, signal }: OutgoingRequest): Promise<RpcResponse> {
    return new Promise((resolve, reject) => {
      const stop = (): void => waiting.reject(signal.reason)
      const settle = (): void => {
        this.#waiting.delete(id)
        signal.removeEventListener('abort', stop)
      }
      const waiting: Waiting = {
        resolve: (response) => {
          settle()
          resolve(response)
        },
        reject: (reason) => {
          settle()
          reject(reason)
        },
      }
      this.#waiting.set(id, waiting)
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      else if (this.#ended || this.#started.child.stdin.destroyed) waiting.reject(endedFailure())
      else if (!this.#write({ id, method, params })) {
        waiting.reject(new UpstreamFailure('timeout', 'The process does not read its input.'))
      }
    })
  }

  send(message: Fields): Promise<void> {
    this.#write(message)
    return Promise.resolve()
  }

  openStream(): Promise<void> {
    return Promise.resolve()
  }

  agree(): void {
    // Nothing of it stands in a line.
  }

  close(): Promise<void> {
    this.#ended = true
    return (this.#closing ??= this.#started.stop())
  }

  /** @returns whether there was room: a process that reads nothing must not fill our memory */
  #write(message: Fields): boolean {
    const { stdin } = this.#started.child
    if (stdin.destroyed || stdin.writableEnded || stdin.writableLength > this.#settings.maxMessageBytes)
      return false
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    return true
  }

  async #read(): Promise<void> {
    const { maxMessageBytes } = this.#settings
    try {
      for await (const line of readLines(this.#started.child.stdout, maxMessageBytes)) {
        if (line.kind === 'line') this.#take(line.text)
        // Whose answer it was can no longer be told.
        else this.#fail(new UpstreamFailure('too_large', `A line has more than ${maxMessageBytes} bytes.`))
      }
    } catch {
      // It was destroyed with its process.
    }
    const closed = this.#ended
    this.#ended = true
    this.#fail(endedFailure())
    if (!closed) {
      this.#events.ended()
      await this.close()
    }
  }

  #take(text: string): void {
    const message = parseMessage(text)
    if (message === undefined) {
      this.#reportGarbage()
      return
    }
    if (message.kind === 'request' || message.kind === 'notification') {
      this.#events.receive(message)
      return
    }
    // An answer to nothing that was asked is nobody's.
    if (typeof message.id === 'string') this.#waiting.get(message.id)?.resolve(message)
  }

  /** Tells the operator of the first line, the second, the fourth and so on: a flood of them is none of the log. */
  #reportGarbage(): void {
    this.#garbage += 1
    if (!Number.isInteger(Math.log2(this.#garbage))) return
    const detail = `${this.#garbage} lines on standard output were no messages. Logs belong on standard error.`
    this.#settings.onEvent({ kind: 'failed', reason: 'malformed', detail })
  }

  #fail(failure: UpstreamFailure): void {
    for (const { reject } of this.#waiting.values()) reject(failure)
  }
}

function endedFailure(): UpstreamFailure {
  return new UpstreamFailure('ended', 'The process has ended.')
}
