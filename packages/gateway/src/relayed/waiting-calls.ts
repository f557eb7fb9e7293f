import { randomBytes } from 'node:crypto'
import type { Connection } from '../connection/connection.ts'
import type { Ask, Exchange } from '../connection/exchange.ts'
import { UpstreamFailure } from '../failure.ts'
import type { CommonSettings } from '../options.ts'
import type { Lease } from './connections.ts'

/** A call of a server of 2025 that waits for answers of its client. */
export interface WaitingCall {
  readonly id: string
  readonly callerKey: string
  readonly exchange: Exchange
  readonly lease: Lease
  readonly timer: NodeJS.Timeout
}

const mostPerCaller = 16

/**
 * Calls that are held open while their clients answer: a bounded number, for a bounded time, each for the caller that
 * began it. The id travels with the client, sealed; it opens nothing for anybody else.
 */
export class WaitingCalls {
  readonly #settings: CommonSettings
  readonly #calls = new Map<string, WaitingCall>()

  constructor(settings: CommonSettings) {
    this.#settings = settings
  }

  get count(): number {
    return this.#calls.size
  }

  /** @returns `undefined` when too many wait already */
  add(callerKey: string, exchange: Exchange, lease: Lease): WaitingCall | undefined {
    const own = [...this.#calls.values()].filter((call) => call.callerKey === callerKey)
    if (this.#calls.size >= this.#settings.maxWaitingCalls || own.length >= mostPerCaller) return undefined
    const id = randomBytes(16).toString('base64url')
    const timer = setTimeout(() => this.#expire(id), this.#settings.inputTimeoutSeconds * 1000).unref()
    const call = { id, callerKey, exchange, lease, timer }
    this.#calls.set(id, call)
    return call
  }

  /** Takes one out, for its caller to go on with it; `undefined` when it is not there, or somebody else's. */
  take(id: string, callerKey: string): WaitingCall | undefined {
    const call = this.#calls.get(id)
    if (call === undefined || call.callerKey !== callerKey) return undefined
    clearTimeout(call.timer)
    this.#calls.delete(id)
    return call
  }

  close(): void {
    for (const id of this.#calls.keys()) this.#expire(id)
  }

  #expire(id: string): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    clearTimeout(call.timer)
    this.#calls.delete(id)
    refuseAsks(call.lease.connection, call.exchange, call.exchange.asks, 'the client did not answer in time')
    call.exchange.cancel(new UpstreamFailure('timeout', 'The client did not answer in time.'))
    call.lease.release()
  }
}

/** Tells the server that it gets no answers, so that it can go on without. */
export function refuseAsks(
  connection: Connection,
  exchange: Exchange,
  asks: ReadonlyMap<string, Ask>,
  reason: string,
): void {
  for (const [name, { id }] of asks) {
    connection.respond(id, { error: { code: -32601, message: `The client cannot be asked: ${reason}` } })
    exchange.removeAsk(name)
  }
}
