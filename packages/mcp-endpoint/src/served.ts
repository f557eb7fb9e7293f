import type { Message } from '@mcp-doorman/resource-server'
import type { Methods } from './methods.ts'
import type { Cacheable, Failed, Outcome } from './outcome.ts'
import type { RunContext } from './run-context.ts'
import type { Subscriber, Subscription } from './subscriptions.ts'

/** What a server says of itself to those who begin with it. */
export interface Description {
  /** What can be asked for at all. */
  readonly has: {
    readonly tools: boolean
    readonly resources: boolean
    readonly prompts: boolean
    readonly completions: boolean
  }
  /** Which changes clients can be told of: of each list, and of single resources. */
  readonly announces: {
    readonly tools: boolean
    readonly resources: boolean
    readonly prompts: boolean
    readonly updates: boolean
  }
  /** Whether log messages are passed on to clients. */
  readonly logs: boolean
  readonly instructions?: string | undefined
  /** How long, and by whom, this description may be kept. */
  readonly cache: Cacheable
}

/** What stands behind the eras and the fronts: definitions of this process, or another server. */
export interface Served {
  /** `Implementation` of MCP. */
  readonly serverInfo: Readonly<Record<string, unknown>>
  /** Of what is offered now; a call ends with those that it began with. */
  readonly methods: Methods
  readonly describe: (
    message: Message,
    context: RunContext,
  ) => Description | Failed | Promise<Description | Failed>
  /** Tells somebody of changes from now on. */
  readonly follow: (subscriber: Subscriber) => Subscription
  /** All tools that the caller is shown: the result is the text of an array. */
  readonly listTools: (message: Message, context: RunContext) => Outcome | Promise<Outcome>
  /** The headers in which clients repeat arguments of tools, as far as they are known. */
  readonly paramHeaders: () => readonly string[]
}
