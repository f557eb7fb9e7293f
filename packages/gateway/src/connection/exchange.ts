import type { InputRequest, RelayedRequest } from '@mcp-doorman/mcp-endpoint'
import type { JsonRpcId } from '@mcp-doorman/resource-server'
import { UpstreamFailure } from '../failure.ts'
import { fieldsOf, type Fields, type RpcResponse } from '../rpc-message.ts'

/** Something that a server of 2025 asks in the middle of a call. */
export interface Ask {
  /** Of the server's request. */
  readonly id: JsonRpcId
  readonly request: InputRequest
}

const gatherMilliseconds = 20
const mostAsksAtOnce = 16
const mostAsks = 64

/** What one stretch of an exchange came to. */
export type Progressed =
  | { readonly kind: 'answered'; readonly response: RpcResponse }
  /** The server waits for answers of the client. */
  | { readonly kind: 'asks'; readonly asks: ReadonlyMap<string, Ask> }

/**
 * One request to a server, from its beginning to its answer. In between its client may be asked something, and come
 * back with another request: until then nobody waits for it.
 */
export class Exchange {
  readonly id: string
  /** The request of the client that waits for it; `undefined` while none does. */
  request: RelayedRequest | undefined
  readonly #controller = new AbortController()
  readonly #asks = new Map<string, Ask>()
  #askCount = 0
  #answer: RpcResponse | undefined
  #failure: UpstreamFailure | undefined
  #wake: () => void = () => undefined

  constructor(id: string) {
    this.id = id
  }

  /** Fires when nobody wants the answer any more. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isSettled(): boolean {
    return this.#answer !== undefined || this.#failure !== undefined
  }

  get asks(): ReadonlyMap<string, Ask> {
    return this.#asks
  }

  /** Whether the server may ask one thing more: a call that only asks would never come to its end. */
  get mayAsk(): boolean {
    return this.#asks.size < mostAsksAtOnce && this.#askCount < mostAsks
  }

  answer(response: RpcResponse): void {
    this.#answer = response
    this.#wake()
  }

  fail(failure: UpstreamFailure): void {
    this.#failure ??= failure
    this.#wake()
  }

  addAsk(ask: Ask): void {
    this.#askCount += 1
    this.#asks.set(`ask-${this.#askCount}`, ask)
    this.#wake()
  }

  removeAsk(name: string): void {
    this.#asks.delete(name)
  }

  /** Ends it before its time; one that has come to its end stays as it is. */
  cancel(failure: UpstreamFailure): void {
    if (this.isSettled) return
    this.fail(failure)
    this.#controller.abort(failure)
  }

  /**
   * Waits for a client until there is an answer, or something to ask it. Rejects with an `UpstreamFailure`; when the
   * client cancels or the time is over, the exchange is cancelled.
   */
  async waitFor(request: RelayedRequest, timeoutSeconds: number): Promise<Progressed> {
    this.request = request
    const { signal } = request
    const leave = (): void => this.cancel(new UpstreamFailure('cancelled', 'The client cancelled.'))
    const late = (): void =>
      this.cancel(new UpstreamFailure('timeout', `It took longer than ${timeoutSeconds} seconds.`))
    const timer = setTimeout(late, timeoutSeconds * 1000)
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    try {
      while (!this.isSettled && this.#asks.size === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        // What the server asks together is asked together, though it may come in pieces.
        if (!this.isSettled) await new Promise((resolve) => setTimeout(resolve, gatherMilliseconds))
      }
      if (this.#failure !== undefined) throw this.#failure
      if (this.#answer !== undefined) return { kind: 'answered', response: this.#answer }
      return { kind: 'asks', asks: new Map(this.#asks) }
    } finally {
      this.request = undefined
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    }
  }
}

/**
 * What may be asked of a client; `undefined` for any other method. Without what would be between the two ends of one
 * connection: `_meta` of the protocol, marks of progress, and tasks, which are not offered.
 */
export function readAsk(method: string, given: Fields): InputRequest | undefined {
  const { _meta: meta, task: _, ...params } = given
  const own = Object.entries(fieldsOf(meta)).filter(
    ([name]) => !name.startsWith('io.modelcontextprotocol/') && name !== 'progressToken',
  )
  switch (method) {
    case 'elicitation/create':
    case 'sampling/createMessage':
    case 'roots/list':
      return { method, params: own.length === 0 ? params : { ...params, _meta: Object.fromEntries(own) } }
    default:
      return undefined
  }
}
