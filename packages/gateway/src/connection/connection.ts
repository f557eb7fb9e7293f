import { randomBytes } from 'node:crypto'
import { logLevels, type ListKind, type RelayedRequest } from '@mcp-doorman/mcp-endpoint'
import type { JsonRpcId } from '@mcp-doorman/resource-server'
import { UpstreamFailure } from '../failure.ts'
import type { Link } from '../link/link.ts'
import type { CommonSettings } from '../options.ts'
import type { Fields, RpcNotification, RpcRequest, RpcResponse } from '../rpc-message.ts'
import { Changes } from './changes.ts'
import { Exchange } from './exchange.ts'
import { Incoming } from './incoming.ts'
import { encodeHeader, metaFor, type Speech } from './speech.ts'
import { ToolHeaders } from './tool-headers.ts'

/** What a connection tells of by itself. */
export interface ConnectionEvents {
  readonly listChanged: (kind: ListKind) => void
  readonly resourceUpdated: (uri: string) => void
  /** It has ended without having been closed. */
  readonly ended: () => void
}

/** What is asked of a server. */
export interface Asked {
  readonly method: string
  readonly params: Fields
  /** The value of `Mcp-Name`, where the method has one. */
  readonly name?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** One connection to a server, for one principal or for all: an MCP client of the era that the server speaks. */
export class Connection {
  readonly speech: Speech
  readonly changes: Changes
  readonly toolHeaders: ToolHeaders
  readonly #link: Link
  readonly #settings: CommonSettings
  readonly #events: ConnectionEvents
  readonly #incoming: Incoming
  readonly #exchanges = new Map<string, Exchange>()
  readonly #prefix = randomBytes(4).toString('hex')
  #count = 0
  #level: number | undefined
  #ended = false

  constructor(link: Link, speech: Speech, settings: CommonSettings, events: ConnectionEvents) {
    this.#link = link
    this.speech = speech
    this.#settings = settings
    this.#events = events
    this.changes = new Changes(this, link, settings.clientInfo)
    this.toolHeaders = new ToolHeaders(this)
    this.#incoming = new Incoming(this, this.#exchanges, settings.shared, events)
  }

  /** Whether the server wants arguments repeated in headers, where its tools say so. */
  get wantsParamHeaders(): boolean {
    return this.speech.era === 'modern' && this.#link.hasHeaders
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  /**
   * Begins a request.
   *
   * @throws {UpstreamFailure} when too many are under way
   */
  begin(asked: Asked, request: RelayedRequest | undefined): Exchange {
    if (this.#ended) throw new UpstreamFailure('ended', 'The connection has ended.')
    if (this.#exchanges.size >= this.#settings.maxRequestsPerConnection) {
      throw new UpstreamFailure('too_many', 'Too many requests of one connection are under way.')
    }
    this.#wantLevel(request)
    const exchange = new Exchange(this.nextId())
    exchange.request = request
    this.#exchanges.set(exchange.id, exchange)
    void this.#run(exchange, asked, request)
    return exchange
  }

  /** An id that no other request of any connection has. */
  nextId(): string {
    this.#count += 1
    return `${this.#prefix}-${this.#count}`
  }

  /** Asks something of the gateway's own, for nobody's request. */
  async ask(asked: Asked, timeoutSeconds: number): Promise<RpcResponse> {
    const late = new UpstreamFailure('timeout', `It took longer than ${timeoutSeconds} seconds.`)
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(late), timeoutSeconds * 1000)
    try {
      return await this.#request(this.nextId(), asked, undefined, controller.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  async #run(exchange: Exchange, asked: Asked, request: RelayedRequest | undefined): Promise<void> {
    const { id, signal } = exchange
    const cancel = (): void => this.sayCancelled(id)
    signal.addEventListener('abort', cancel, { once: true })
    try {
      exchange.answer(await this.#request(id, asked, request, signal, exchange))
    } catch (error) {
      exchange.fail(
        error instanceof UpstreamFailure ? error : new UpstreamFailure('malformed', String(error)),
      )
    } finally {
      signal.removeEventListener('abort', cancel)
      this.#exchanges.delete(id)
    }
  }

  /** Has the server stop what it does for a request that is left. */
  sayCancelled(id: string): void {
    const { era } = this.speech
    if (era === 'modern' && this.#link.hasHeaders) return // To leave it says the same.
    const meta = metaFor(era, id, this.#settings.clientInfo, undefined)
    const params = { requestId: id, ...(era === 'modern' && { _meta: meta }) }
    void this.#link.send({ method: 'notifications/cancelled', params })
  }

  #request(
    id: string,
    { method, params, name, headers }: Asked,
    request: RelayedRequest | undefined,
    signal: AbortSignal,
    exchange?: Exchange,
  ): Promise<RpcResponse> {
    const { era } = this.speech
    const meta = metaFor(era, id, this.#settings.clientInfo, request)
    return this.#link.request({
      id,
      method,
      params: Object.keys(meta).length > 0 ? { ...params, _meta: meta } : params,
      headers: {
        ...(era === 'modern' && { 'mcp-method': method }),
        ...(era === 'modern' && name !== undefined && { 'mcp-name': encodeHeader(name) }),
        ...headers,
      },
      signal,
      receive: (message) => this.receive(message, exchange),
      onDetach: (milliseconds) => exchange?.request?.detach(milliseconds),
    })
  }

  /** Answers what a server of 2025 asks. */
  respond(id: JsonRpcId, answer: { readonly result: unknown } | { readonly error: Fields }): void {
    void this.#link.send({ id, ...answer })
  }

  /**
   * Takes a message that the server sent by itself.
   *
   * @param exchange - the request that it belongs to; `undefined` where the link does not know
   */
  receive(message: RpcRequest | RpcNotification, exchange: Exchange | undefined): void {
    if (message.kind === 'request') this.#incoming.request(message, exchange)
    else this.#incoming.notification(message, exchange)
  }

  /** A server of 2025 has one level for all requests, so it is made as talkative as the most curious client wants. */
  #wantLevel(request: RelayedRequest | undefined): void {
    const { era, description } = this.speech
    if (era !== 'legacy' || !description.logs || request?.logLevel === undefined) return
    const level = logLevels.indexOf(request.logLevel)
    if (this.#level !== undefined && this.#level <= level) return
    this.#level = level
    const asked = { method: 'logging/setLevel', params: { level: request.logLevel } }
    this.ask(asked, this.#settings.callTimeoutSeconds).catch(() => undefined) // Then it says less.
  }

  /** The link has ended by itself. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.changes.stop()
    this.#events.ended()
  }

  /** Ends it with everything that is under way. Never rejects. */
  async close(): Promise<void> {
    this.#ended = true
    this.changes.stop()
    const failure = new UpstreamFailure('ended', 'The connection was closed.')
    for (const exchange of this.#exchanges.values()) exchange.cancel(failure)
    await this.#link.close()
  }
}
