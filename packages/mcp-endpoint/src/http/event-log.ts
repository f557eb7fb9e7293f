import type { ServerResponse } from 'node:http'
import type { EventStream } from './event-stream.ts'

const mostEvents = 256
const mostBytes = 1024 * 1024

/**
 * The events of one stream of a session, kept for a while, so that a client whose connection broke can come back for
 * the rest. At most one connection gets them at a time.
 *
 * @see MCP 2025-11-25 Streamable HTTP, resumability; requirements G35, G36
 */
export class EventLog {
  readonly id: string
  #events: { readonly number: number; readonly data: string }[] = []
  #bytes = 0
  #count = 0
  #ended = false
  #stream: EventStream | undefined

  /** @param id - unique within the session, of digits */
  constructor(id: string) {
    this.id = id
  }

  get isEnded(): boolean {
    return this.#ended
  }

  get isConnected(): boolean {
    return this.#stream !== undefined
  }

  /** Where a client stands that has got everything so far. */
  get place(): string {
    return `${this.id}-${this.#count}`
  }

  append(data: string): void {
    this.#count += 1
    this.#events.push({ number: this.#count, data })
    this.#bytes += data.length
    while (this.#events.length > 1 && (this.#events.length > mostEvents || this.#bytes > mostBytes)) {
      this.#bytes -= this.#events.shift()?.data.length ?? 0
    }
    if (this.#stream?.isFull === true) {
      // Nothing is lost: the client can come back for the rest.
      this.#stream.abort()
      this.#stream = undefined
    }
    this.#stream?.send(data, this.place)
  }

  /** Nothing comes any more. */
  end(): void {
    this.#ended = true
    this.#stream?.end()
    this.#stream = undefined
  }

  /** Writes to this connection from now on, until it closes; one that had the events before is ended. */
  connect(stream: EventStream, response: ServerResponse): void {
    this.#stream?.end()
    this.#stream = stream
    response.once('close', () => {
      if (this.#stream === stream) this.#stream = undefined
    })
  }

  /** Ends the connection, and has the client come back after a time. */
  release(retryMilliseconds: number): void {
    this.#stream?.retry(retryMilliseconds)
    this.#stream?.end()
    this.#stream = undefined
  }

  /** Whether everything after this event is still here. */
  covers(number: number): boolean {
    const oldest = this.#events[0]?.number ?? this.#count + 1
    return number <= this.#count && number >= oldest - 1
  }

  /** Sends what came after this event once more, to the connection of now. */
  replay(after: number): void {
    for (const { number, data } of this.#events) {
      if (number > after) this.#stream?.send(data, `${this.id}-${number}`)
    }
    if (this.#ended) this.end()
  }
}

/** The log and the event that a `Last-Event-ID` names. */
export function parseEventId(text: string): { readonly log: string; readonly number: number } | undefined {
  const [, log, number] = /^(\d{1,9})-(\d{1,15})$/.exec(text) ?? []
  return log === undefined || number === undefined ? undefined : { log, number: Number(number) }
}
