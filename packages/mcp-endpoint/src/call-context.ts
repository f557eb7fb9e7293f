import type { Item } from '@mcp-doorman/resource-server'
import type { Answers, InputRequests } from './input.ts'

/** Who a call is made for, as far as the server's functions may know. Comes from a verified token only. */
export interface Caller {
  /** The token's `iss`. */
  readonly issuer: string
  /** The token's `sub`. Unique only together with {@link Caller.issuer}. */
  readonly subject: string
  /** The OAuth client that presented the token. */
  readonly clientId: string | undefined
}

/** What a client says of itself. Nothing of it is proven: use it to choose what to offer, never to allow anything. */
export interface ClientFacts {
  /** `ClientCapabilities` as MCP writes them; empty where the client has not told. */
  readonly capabilities: Readonly<Record<string, unknown>>
}

/** The levels of log messages, the least important first (RFC 5424 §6.2.1). */
export const logLevels = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const

export type LogLevel = (typeof logLevels)[number]

/** How far a call has come. */
export interface Progress {
  /** Must grow from one report to the next; a report that does not is dropped. */
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

/** What a tool, resource or prompt is told about the call besides its arguments, and what it can do meanwhile. */
export interface CallContext {
  /** The verified caller; `undefined` only on a transport that has no callers (stdio). */
  readonly caller: Caller | undefined
  /** Fires when the caller cancels, goes away (2026-07-28), or the time limit of the call is over. */
  readonly signal: AbortSignal
  readonly client: ClientFacts
  /**
   * Whether the caller may use another item of this server, as its rules say without arguments; `true` over stdio,
   * which has none. For what a function shows by the way. Costs no limit and makes no record.
   */
  readonly mayUse: (item: Item) => boolean

  /**
   * Asks the client for something: the person behind it for input, its model for a completion, its roots.
   *
   * If an answer is not here yet, the call ends here by an exception of the endpoint's own, which must not be caught.
   * The client is asked, and the function is run again **from its beginning** with the same arguments, with every
   * answer so far. So put what has effects after the last `ask`, and what must not come out differently the second
   * time into {@link CallContext.keep}. Names tell the requests of one call apart.
   *
   * An answer that does not fit its request is asked for again. Between the rounds this server remembers nothing:
   * the answers travel with the client, sealed, bound to caller, item and arguments, for a limited time.
   * A client that has not declared what is asked of it gets an error instead.
   *
   * @see MCP 2026-07-28, multi round-trip requests; 2025-11-25, elicitation, sampling and roots
   */
  readonly ask: <Requests extends InputRequests>(requests: Requests) => Answers<Requests>

  /**
   * The value that `compute` gave when it was first called under this name in this call, however often the function is
   * run again. Must be JSON. Travels with the client, sealed like the answers; a few kilobytes are fine.
   */
  readonly keep: <Value>(name: string, compute: () => Value) => Value

  /**
   * Tells the client how far the call has come, if it asked to be told and can be reached; otherwise does nothing.
   * At most 20 a second reach it, with a burst of 100. Reports do not extend the time limit of the call.
   */
  readonly progress: (report: Progress) => void

  /**
   * Sends a log message to the client, if it asked for that level; otherwise does nothing. `data` must be JSON, and is
   * for the caller: what only the operator may know belongs elsewhere. Counted together with progress.
   */
  readonly log: (level: LogLevel, data: unknown, logger?: string) => void

  /**
   * Ends the client's connection while the call goes on; the client comes back for the rest after the time given. For
   * long calls behind proxies that cut connections. Only in sessions of 2025-11-25; elsewhere it does nothing.
   *
   * @see MCP 2025-11-25 Streamable HTTP, resumability
   */
  readonly detach: (retryMilliseconds?: number) => void
}
