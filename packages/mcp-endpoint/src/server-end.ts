import type { Message } from '@mcp-doorman/resource-server'
import type { Answer } from './answer.ts'
import { createInputState } from './calls/input-state.ts'
import { noRounds } from './calls/call.ts'
import { createLegacy } from './eras/legacy.ts'
import { createModern } from './eras/modern.ts'
import type { Outcome } from './outcome.ts'
import type { RunContext } from './run-context.ts'
import type { Sealed } from './sealed.ts'
import type { Served } from './served.ts'
import type { Subscriber, Subscription } from './subscriptions.ts'

/** An MCP server end without a transport. Runs messages that were judged before; judges nothing itself. */
export interface ServerEnd {
  /** For fronts. */
  readonly transport: EndpointTransport
}

/** What a front needs of a server end. */
export interface EndpointTransport {
  /** `undefined` for what has no answer: notifications and responses. Never throws or rejects. */
  readonly run: (message: Message, context: RunContext) => Answer | undefined | Promise<Answer | undefined>
  /** What a method comes to, in nobody's words; `undefined` if there is none. Never throws or rejects. */
  readonly runBare: (message: Message, context: RunContext) => Outcome | Promise<Outcome> | undefined
  /** All tools that the caller is shown: the result is the text of an array. */
  readonly listTools: Served['listTools']
  /** Tells somebody of changes, until it is closed. */
  readonly follow: (subscriber: Subscriber) => Subscription
  readonly paramHeaders: () => readonly string[]
}

export interface TransportOptions {
  readonly sealed: Sealed
  readonly inputTimeoutSeconds: number
  /** Epoch milliseconds. */
  readonly nowMilliseconds: () => number
}

/** Puts what is served into the words of both eras. */
export function createTransport(
  served: Served,
  { sealed, inputTimeoutSeconds, nowMilliseconds }: TransportOptions,
): EndpointTransport {
  const inputState = createInputState(sealed, inputTimeoutSeconds, nowMilliseconds)
  const runModern = createModern({ served, inputState })
  const runLegacy = createLegacy({ served, inputTimeoutSeconds })
  return {
    run: (message, context) => {
      if (message.kind === 'request') {
        return context.era === 'modern' ? runModern(message, context) : runLegacy(message, context)
      }
      if (message.kind === 'response') context.client?.settle(message)
      else if (message.method === 'notifications/cancelled') context.client?.underWay.cancel(message)
      return undefined
    },
    runBare: (message, context) => served.methods.run(message, context, noRounds),
    listTools: served.listTools,
    follow: served.follow,
    paramHeaders: served.paramHeaders,
  }
}
