import type { ServerResponse } from 'node:http'
import type { Item } from '@mcp-doorman/resource-server'
import type { EventStream } from './event-stream.ts'

/** The revision whose clients come back for the rest of a stream when they are asked to. */
export const resumableVersion = '2025-11-25'

const mostEvents = 256

/** How many bytes of events a session may still keep. */
export interface LogBudget {
  leftBytes: number
}

/**
 * The events of one stream of a session, kept for a while, so that a client whose connection broke can come back for
 * the rest. At most one connection gets them at a time. What the budget has no room for is sent and not kept; nobody
 * can come back to before it.
 *
 * @see MCP 2025-11-25 Streamable HTTP, resumability; requirements G35, G36
 */
export class EventLog {
  readonly id: string
  /** What the stream is about: whoever comes back for it must still be allowed to read it. */
  readonly item: Item | undefined
  readonly #budget: LogBudget
  #events: { readonly number: number; readonly data: string; readonly bytes: number }[] = []
  #count = 0
  #ended = false
  #wasRead = false
  #stream: EventStream | undefined

  /** @param id - unique within the session, of digits */
  constructor(id: string, item: Item | undefined, budget: LogBudget) {
    this.id = id
    this.item = item
    this.#budget = budget
  }

  /** Whether it has come to its end, and nobody reads it. */
  get isOver(): boolean {
    return this.#ended && this.#stream === undefined
  }

  get isConnected(): boolean {
    return this.#stream !== undefined
  }

  /** Where a client stands that has got everything so far. */
  get place(): string {
    return `${this.id}-${this.#count}`
  }

  /** Where it begins. */
  get start(): string {
    return `${this.id}-0`
  }

  append(data: string): void {
    this.#count += 1
    this.#keep(data)
    if (this.#stream?.isFull === true) {
      // What was kept is not lost: the client can come back for it.
      this.#stream.abort()
      this.#stream = undefined
    }
    this.#stream?.send(data, this.place)
  }

  #keep(data: string): void {
    const bytes = Buffer.byteLength(data)
    if (this.#events.length >= mostEvents) this.#dropOldest()
    while (bytes > this.#budget.leftBytes && this.#events.length > 0) this.#dropOldest()
    if (bytes > this.#budget.leftBytes) return
    this.#budget.leftBytes -= bytes
    this.#events.push({ number: this.#count, data, bytes })
  }

  #dropOldest(): void {
    this.#budget.leftBytes += this.#events.shift()?.bytes ?? 0
  }

  /** Gives back what it holds of the budget. */
  forget(): void {
    while (this.#events.length > 0) this.#dropOldest()
  }

  /** Nothing comes any more. */
  end(): void {
    this.#ended = true
    this.#stream?.end()
    this.#stream = undefined
  }

  /** Whether anybody has ever read it. */
  get wasRead(): boolean {
    return this.#wasRead
  }

  /** Writes to this connection from now on, until it closes; one that had the events before is ended. */
  connect(stream: EventStream, response: ServerResponse): void {
    this.#stream?.end()
    this.#stream = stream
    this.#wasRead = true
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
    const kept = this.#events.filter((event) => event.number > number).length
    return number <= this.#count && kept === this.#count - number
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
