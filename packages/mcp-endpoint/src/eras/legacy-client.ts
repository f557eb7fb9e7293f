import { legacyVersions, type JsonRpcId, type Message } from '@mcp-doorman/resource-server'
import type { LogLevel } from '../call-context.ts'
import type { Cancellation } from '../cancellation.ts'
import type { Channel } from '../run-context.ts'

/** What a client answered to a request of ours. */
export type Reply =
  | { readonly kind: 'result'; readonly result: unknown }
  /** It answered with an error, took too long, or is gone. */
  | { readonly kind: 'none'; readonly reason: string }

const mostSubscriptions = 256

/** The client's revision if it is one of those that negotiate, else the newest of them (requirement G30). */
export function negotiate({ params }: Message): string {
  return legacyVersions.find((version) => version === params['protocolVersion']) ?? legacyVersions[0]
}

/** The client that introduces itself by this `initialize`. */
export function readClient(message: Message): LegacyClient {
  const { capabilities } = message.params
  const declared = typeof capabilities === 'object' && capabilities !== null ? capabilities : {}
  return new LegacyClient(negotiate(message), { ...declared })
}

/**
 * What a server remembers of one client of 2025 from its `initialize` to its end: what it can do and wants, and the
 * requests that are under way in both directions. Knows no transport.
 */
export class LegacyClient {
  /** The revision that was agreed on. */
  readonly version: string
  /** What it has declared; nothing else may be asked of it. */
  readonly capabilities: Readonly<Record<string, unknown>>
  logLevel: LogLevel = 'info'
  readonly #subscribed = new Set<string>()
  readonly #waiting = new Map<JsonRpcId, (reply: Reply) => void>()
  readonly #underWay = new Map<JsonRpcId, Cancellation>()
  #asked = 0

  constructor(version: string, capabilities: Readonly<Record<string, unknown>>) {
    this.version = version
    this.capabilities = capabilities
  }

  /** @returns whether it is subscribed now: 256 resources are the most */
  subscribe(uri: string): boolean {
    if (this.#subscribed.size >= mostSubscriptions && !this.#subscribed.has(uri)) return false
    this.#subscribed.add(uri)
    return true
  }

  unsubscribe(uri: string): void {
    this.#subscribed.delete(uri)
  }

  isSubscribed(uri: string): boolean {
    return this.#subscribed.has(uri)
  }

  /** Remembers a request of the client until its answer, so that the client can cancel it. */
  begin(id: JsonRpcId, cancellation: Cancellation): void {
    this.#underWay.set(id, cancellation)
  }

  end(id: JsonRpcId, cancellation: Cancellation): void {
    // A client that gave the id away twice has cancelled neither.
    if (this.#underWay.get(id) === cancellation) this.#underWay.delete(id)
  }

  /** Handles `notifications/cancelled`. */
  cancel({ params }: Message): void {
    const { requestId } = params
    if (typeof requestId === 'string' || typeof requestId === 'number') {
      this.#underWay.get(requestId)?.cancel('the client cancelled')
    }
  }

  /** Sends a request to the client on the way that belongs to one of its own, and waits. Never rejects. */
  ask(
    channel: Channel,
    method: string,
    params: Readonly<Record<string, unknown>>,
    cancellation: Cancellation,
    timeoutSeconds: number,
  ): Promise<Reply> {
    this.#asked += 1
    const id = `server-${this.#asked}`
    return new Promise((resolve) => {
      const { signal } = cancellation
      const give = (reply: Reply): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.#waiting.delete(id)
        resolve(reply)
      }
      const stop = (): void => give({ kind: 'none', reason: 'the call was cancelled' })
      const timer = setTimeout(
        () => give({ kind: 'none', reason: `no answer came within ${timeoutSeconds} seconds` }),
        timeoutSeconds * 1000,
      )
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting.set(id, give)
      channel.emit(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      if (signal.aborted) stop()
    })
  }

  /** Takes a response of the client. One that nobody waits for is dropped. */
  settle({ id, params }: Message): void {
    const give = id === null ? undefined : this.#waiting.get(id)
    if (give === undefined) return
    const { result, error } = params
    give(
      error === undefined
        ? { kind: 'result', result }
        : { kind: 'none', reason: 'the client answered with an error' },
    )
  }

  /** Ends everything that waits for this client. */
  close(reason: string): void {
    for (const give of this.#waiting.values()) give({ kind: 'none', reason })
    for (const cancellation of this.#underWay.values()) cancellation.cancel(reason)
  }
}
