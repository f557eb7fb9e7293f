import type { Message } from '@mcp-doorman/resource-server'
import type { Rounds } from './calls/call.ts'
import type { Outcome } from './outcome.ts'
import type { RunContext } from './run-context.ts'

/** What the methods do that every revision has. */
export interface Methods {
  /** `undefined` for a method that does not exist, or for which nothing is offered. Never throws or rejects. */
  readonly run: (
    message: Message,
    context: RunContext,
    rounds: Rounds,
  ) => Outcome | Promise<Outcome> | undefined
}
