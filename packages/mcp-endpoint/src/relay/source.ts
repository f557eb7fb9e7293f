import type { Era, Message } from '@mcp-doorman/resource-server'
import type { Caller, LogLevel, Progress } from '../call-context.ts'
import type { Rounds } from '../calls/call.ts'
import type { Failed, Outcome } from '../outcome.ts'
import type { Description } from '../served.ts'
import type { ListKind } from '../subscriptions.ts'
import type { ParamHeader } from '../tables/param-headers.ts'

/** Another server that a relay stands for. What it says is the relay's to filter, and not trusted to be small or true. */
export interface Source {
  /** Never rejects. */
  readonly describe: (request: RelayedRequest) => Promise<Description | Failed>
  /**
   * A page of a list, unfiltered.
   *
   * @param cursor - as the source gave it to this caller; `undefined` for the first page
   */
  readonly list: (
    list: SourceList,
    cursor: string | undefined,
    request: RelayedRequest,
  ) => Promise<SourcePage | Failed>
  /**
   * Runs one of `tools/call`, `resources/read`, `prompts/get` and `completion/complete`. Never rejects.
   *
   * A source that needs answers ends with an outcome of the kind `input`. What it puts into `used` is given back to it
   * with the answers, by the same caller for the same call, and by nobody else.
   */
  readonly run: (request: RelayedRequest, rounds: Rounds) => Promise<Outcome>
  /** Has a caller told of changes, until it is closed. */
  readonly follow: (caller: RelayedCaller, told: SourceChanges) => SourceFollowing
  /** The arguments that clients repeat in headers when they call this tool. Never rejects. */
  readonly paramHeadersOf: (request: RelayedRequest) => Promise<readonly ParamHeader[] | Failed>
  /** The names of such headers of any tool, as far as they are known. */
  readonly paramHeaders: () => readonly string[]
}

export type SourceList = 'tools' | 'resources' | 'resourceTemplates' | 'prompts'

export interface SourcePage {
  readonly items: readonly SourceItem[]
  /** The text of the array of all of them. */
  readonly text: string
  readonly nextCursor?: string | undefined
  /** How long it may be kept, in milliseconds. */
  readonly ttlMs: number
}

export interface SourceItem {
  /** The name of a tool or prompt, the URI of a resource, the template of many. */
  readonly name: string
  /** The text of the object. */
  readonly text: string
}

export interface RelayedCaller {
  readonly caller: Caller | undefined
  /** One string for issuer, subject and client; empty where there are no callers. */
  readonly callerKey: string
}

export interface SourceChanges {
  readonly listChanged: (kind: ListKind) => void
  readonly resourceUpdated: (uri: string) => void
}

export interface SourceFollowing {
  /** @returns whether there is such a resource, whose changes are told from now on. Never rejects */
  readonly watch: (uri: string) => Promise<boolean>
  readonly unwatch: (uri: string) => void
  readonly close: () => void
}

/** One judged request on its way to a source, and the way back to its client. */
export interface RelayedRequest extends RelayedCaller {
  readonly message: Message
  /** Of the client. */
  readonly era: Era
  /** Fires when the client cancels, or goes away in the era where that cancels. */
  readonly signal: AbortSignal
  /** What the client has declared it can do. */
  readonly capabilities: Readonly<Record<string, unknown>>
  /** Whether the client asked to be told how far the call has come. */
  readonly wantsProgress: boolean
  /** The least important log messages that the client wants; `undefined` for none. */
  readonly logLevel: LogLevel | undefined
  /** `Mcp-Param-…` headers as they were sent; `null` where there are no headers that would have to repeat anything. */
  readonly paramHeaders: ReadonlyMap<string, string> | undefined | null
  /** Tells the client, if it wants to know. So many a second; what does not grow is dropped. */
  readonly progress: (report: Progress) => void
  readonly log: (level: LogLevel, data: unknown, logger?: string) => void
  /** Ends the client's connection while the call goes on, where the client can come back. */
  readonly detach: (retryMilliseconds: number) => void
}
