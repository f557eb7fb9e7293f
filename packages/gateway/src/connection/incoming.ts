import { logLevels, type ListKind } from '@mcp-doorman/mcp-endpoint'
import type { Fields, RpcNotification, RpcRequest } from '../rpc-message.ts'
import type { Connection, ConnectionEvents } from './connection.ts'
import { readAsk, type Exchange } from './exchange.ts'

const lists: ReadonlyMap<string, ListKind> = new Map([
  ['notifications/tools/list_changed', 'tools'],
  ['notifications/prompts/list_changed', 'prompts'],
  ['notifications/resources/list_changed', 'resources'],
])

/** What a server sends by itself, and whose matter it is. */
export class Incoming {
  readonly #connection: Connection
  readonly #exchanges: ReadonlyMap<string, Exchange>
  readonly #isShared: boolean
  readonly #events: ConnectionEvents

  /** @param exchanges - the requests that are under way, by their ids */
  constructor(
    connection: Connection,
    exchanges: ReadonlyMap<string, Exchange>,
    isShared: boolean,
    events: ConnectionEvents,
  ) {
    this.#connection = connection
    this.#exchanges = exchanges
    this.#isShared = isShared
    this.#events = events
  }

  /** A question of a server of 2025: kept for the client of the call that it belongs to, or refused. */
  request({ id, method, params }: RpcRequest, exchange: Exchange | undefined): void {
    if (method === 'ping') {
      this.#connection.respond(id, { result: {} })
      return
    }
    const request = readAsk(method, params)
    const asking = exchange ?? this.#latest()
    if (request !== undefined && !this.#isShared && asking?.mayAsk === true) {
      asking.addAsk({ id, request })
      return
    }
    const message =
      request === undefined
        ? 'This gateway has no such method.'
        : 'This gateway can ask a client only for the call that it is about.'
    this.#connection.respond(id, { error: { code: -32601, message } })
  }

  notification({ method, params }: RpcNotification, exchange: Exchange | undefined): void {
    const kind = lists.get(method)
    if (kind !== undefined) {
      if (kind === 'tools') this.#connection.toolHeaders.forget()
      this.#events.listChanged(kind)
      return
    }
    switch (method) {
      case 'notifications/progress':
        this.#report(params)
        break
      case 'notifications/message':
        this.#log(params, exchange)
        break
      case 'notifications/resources/updated':
        if (typeof params['uri'] === 'string') this.#events.resourceUpdated(params['uri'])
        break
      case 'notifications/cancelled':
        this.#forgetAsk(params)
        break
      default:
        this.#connection.changes.receive(method, params)
    }
  }

  #report({ progressToken, progress, total, message }: Fields): void {
    const exchange = typeof progressToken === 'string' ? this.#exchanges.get(progressToken) : undefined
    if (typeof progress !== 'number') return
    exchange?.request?.progress({
      progress,
      ...(typeof total === 'number' && { total }),
      ...(typeof message === 'string' && { message }),
    })
  }

  #log({ level, data, logger }: Fields, exchange: Exchange | undefined): void {
    const known = logLevels.find((name) => name === level)
    const logging = exchange ?? (this.#isShared ? undefined : this.#latest())
    if (known === undefined) return
    logging?.request?.log(known, data, typeof logger === 'string' ? logger : undefined)
  }

  /** The server does not want an answer any more. */
  #forgetAsk({ requestId }: Fields): void {
    for (const exchange of this.#exchanges.values()) {
      for (const [name, { id }] of exchange.asks) if (id === requestId) exchange.removeAsk(name)
    }
  }

  /** The newest request that a client waits for: on one stream nothing says what a message belongs to. */
  #latest(): Exchange | undefined {
    return [...this.#exchanges.values()].findLast(({ request }) => request !== undefined)
  }
}
