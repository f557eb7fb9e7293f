import type { Era, Item } from '@mcp-doorman/resource-server'
import type { Caller } from './call-context.ts'
import type { Cancellation } from './cancellation.ts'
import type { LegacyClient } from './eras/legacy-client.ts'

/** How to reach the client before a request has its answer. */
export interface Channel {
  /** Makes sure that there is a way: the caller may have too many open, take nothing but answers, or be gone. */
  open(): 'open' | 'too_many' | 'not_accepted' | 'gone'
  /** Sends a message that belongs to the request, if there is a way. One that the client is too slow for is dropped. */
  emit(message: string): void
  /** Ends the connection; the client comes back for the rest. */
  detach(retryMilliseconds: number): void
}

/** For whom, and how, a message is run. A transport makes one for each request. */
export interface RunContext {
  readonly era: Era
  readonly caller: Caller | undefined
  /** One string for the caller, which sealed texts are bound to; empty where there are no callers. */
  readonly callerKey: string
  readonly cancellation: Cancellation
  /** `undefined` where nothing but the answer can be sent. */
  readonly channel: Channel | undefined
  /** What the transport remembers of a client of 2025; `undefined` where it remembers nothing. */
  readonly client: LegacyClient | undefined
  /** `Mcp-Param-…` headers as they were sent; `null` on a transport without headers, which need not repeat anything. */
  readonly paramHeaders: ReadonlyMap<string, string> | undefined | null
  /** The same for another message of the request: it can be cancelled by itself, and is with the others. */
  branch(): RunContext
  /** Whether a list shows the item to the caller. */
  shows(item: Item): boolean
  /** Whether the caller may be told of the item without having asked for it. */
  allows(item: Item): boolean
}
