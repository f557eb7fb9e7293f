import { legacyVersions, type JsonRpcId, type Message } from '@mcp-doorman/resource-server'
import type { LogLevel } from '../call-context.ts'
import type { Cancellation } from '../cancellation.ts'
import { fieldsOf, isFields, type Fields } from '../fields.ts'
import type { Channel } from '../run-context.ts'
import type { Subscription } from '../subscriptions.ts'
import { RequestsUnderWay } from './requests-under-way.ts'

/** What a client answered to a request of ours. */
export type Reply =
  | { readonly kind: 'result'; readonly result: unknown }
  /** It answered with an error, took too long, or is gone. */
  | { readonly kind: 'none'; readonly reason: string }

const mostSubscriptions = 256
const mostSubscribedCharacters = 65_536

/** The client's revision if it is one of those that negotiate, else the newest of them (requirement G30). */
export function negotiate({ params }: Message): string {
  return legacyVersions.find((version) => version === params['protocolVersion']) ?? legacyVersions[0]
}

/**
 * What a server remembers of one client of 2025 from its `initialize` to its end: what it can do and wants, and the
 * requests that are under way in both directions. Knows no transport. What it keeps is bounded, whatever was sent.
 */
export class LegacyClient {
  /** The revision that was agreed on. */
  readonly version: string
  /** What it has declared; nothing else may be asked of it. */
  readonly capabilities: Fields
  readonly underWay = new RequestsUnderWay()
  logLevel: LogLevel = 'info'
  readonly #subscribed = new Set<string>()
  #subscribedCharacters = 0
  #changes: Subscription | undefined
  readonly #waiting = new Map<JsonRpcId, (reply: Reply) => void>()
  #asked = 0

  /** @param initialize - the message by which it introduces itself */
  constructor(initialize: Message) {
    this.version = negotiate(initialize)
    this.capabilities = readCapabilities(initialize.params['capabilities'])
  }

  /** Where its subscriptions to resources are kept. */
  follow(changes: Subscription): void {
    this.#changes = changes
  }

  /** 256 resources of 64 KiB of URIs together are the most. */
  async subscribe(uri: string): Promise<'subscribed' | 'too_many' | 'unknown'> {
    if (this.#subscribed.has(uri)) return 'subscribed'
    const characters = this.#subscribedCharacters + uri.length
    if (this.#subscribed.size >= mostSubscriptions || characters > mostSubscribedCharacters) return 'too_many'
    this.#subscribedCharacters = characters
    this.#subscribed.add(uri)
    if ((await this.#changes?.watch(uri)) !== true) {
      this.unsubscribe(uri)
      return 'unknown'
    }
    // It may have thought better of it meanwhile.
    if (!this.#subscribed.has(uri)) this.#changes?.unwatch(uri)
    return 'subscribed'
  }

  unsubscribe(uri: string): void {
    if (!this.#subscribed.delete(uri)) return
    this.#subscribedCharacters -= uri.length
    this.#changes?.unwatch(uri)
  }

  /** Sends a request to the client on the way that belongs to one of its own, and waits. Never rejects. */
  ask(
    channel: Channel,
    method: string,
    params: Fields,
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
      error === undefined || error === null
        ? { kind: 'result', result }
        : { kind: 'none', reason: 'the client answered with an error' },
    )
  }

  /** Ends everything that waits for this client, and what it is told. */
  close(reason: string): void {
    this.#changes?.close()
    for (const give of this.#waiting.values()) give({ kind: 'none', reason })
    this.underWay.cancelAll(reason)
  }
}

const askable = ['elicitation', 'sampling', 'roots'] as const
const mostModes = 16

/** What may be asked of a client, with the modes of it: the rest of what it said is not for us to keep. */
function readCapabilities(given: unknown): Fields {
  const declared = fieldsOf(given)
  const kept = askable.flatMap((name) => {
    const modes = declared[name]
    if (!isFields(modes)) return []
    const names = Object.keys(modes).filter((mode) => mode.length <= 32)
    return [[name, Object.fromEntries(names.slice(0, mostModes).map((mode) => [mode, {}]))] as const]
  })
  return Object.fromEntries(kept)
}
