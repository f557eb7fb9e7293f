import type { Identity, Item } from '@mcp-doorman/resource-server'
import type { LegacyClient } from '../eras/legacy-client.ts'
import { EventLog, parseEventId, type LogBudget } from './event-log.ts'

// Of calls that are over; a client that has not come back by then will not.
const mostEndedLogs = 16
const mostLogs = 128
const mostLogBytes = 256 * 1024

/** One client's session over HTTP: what is remembered of it, and the streams that it can come back to. */
export class HttpSession {
  readonly id: string
  readonly client: LegacyClient
  readonly #budget: LogBudget = { leftBytes: mostLogBytes }
  /** What belongs to no request: changes that the client wants to be told. */
  readonly ownLog = new EventLog('0', undefined, this.#budget)
  readonly #logs = new Map<string, EventLog>([['0', this.ownLog]])
  #logCount = 0
  #identity: Identity
  #callsUnderWay = 0
  #usedAt: number
  #leave = (): void => undefined

  constructor(id: string, client: LegacyClient, identity: Identity, now: number) {
    this.id = id
    this.client = client
    this.#identity = identity
    this.#usedAt = now
  }

  /** Of the newest request: a token that was refreshed stands for the same caller, perhaps with other scopes. */
  get identity(): Identity {
    return this.#identity
  }

  /** Milliseconds of a clock that does not run backwards. */
  get usedAt(): number {
    return this.#usedAt
  }

  get isBusy(): boolean {
    return this.#callsUnderWay > 0 || [...this.#logs.values()].some((log) => log.isConnected)
  }

  use(identity: Identity, now: number): void {
    this.#identity = identity
    this.#usedAt = now
  }

  beginCall(): void {
    this.#callsUnderWay += 1
  }

  endCall(now: number): void {
    this.#callsUnderWay -= 1
    this.#usedAt = now
  }

  /** A log for the stream of a request about this item; `undefined` when too many requests have one. */
  addLog(item: Item | undefined): EventLog | undefined {
    const over = [...this.#logs.values()].filter((log) => log.isOver)
    for (const log of over.slice(0, Math.max(0, over.length - mostEndedLogs + 1))) {
      log.forget()
      this.#logs.delete(log.id)
    }
    if (this.#logs.size >= mostLogs) return undefined
    this.#logCount += 1
    const log = new EventLog(String(this.#logCount), item, this.#budget)
    this.#logs.set(log.id, log)
    return log
  }

  /** What a client missed that names the last event it got; `undefined` when that cannot be told any more. */
  findMissed(lastEventId: string): { readonly log: EventLog; readonly number: number } | undefined {
    const place = parseEventId(lastEventId)
    const log = place && this.#logs.get(place.log)
    return place !== undefined && log?.covers(place.number) === true
      ? { log, number: place.number }
      : undefined
  }

  /** What is done when the session ends. */
  onEnd(leave: () => void): void {
    this.#leave = leave
  }

  end(reason: string): void {
    this.#leave()
    // Every call under way is cancelled, and its stream ends with the answer that says so.
    this.client.close(reason)
    this.ownLog.end()
  }
}
