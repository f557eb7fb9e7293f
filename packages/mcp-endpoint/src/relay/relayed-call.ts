import type { Era, Message } from '@mcp-doorman/resource-server'
import type { Caller, CallContext, LogLevel } from '../call-context.ts'
import { Call, noRounds } from '../calls/call.ts'
import { clientCapabilities, progressTokenOf, wantedLogLevel } from '../client-facts.ts'
import type { Fields } from '../fields.ts'
import type { RunContext } from '../run-context.ts'
import type { RelayedRequest } from './source.ts'

/** A request for a source, made of a message and the context in which it runs. */
export class RelayedCall implements RelayedRequest {
  readonly message: Message
  readonly #context: RunContext
  readonly #call: Call

  constructor(message: Message, context: RunContext) {
    this.message = message
    this.#context = context
    this.#call = new Call(message, context, noRounds, true)
  }

  get era(): Era {
    return this.#context.era
  }

  get caller(): Caller | undefined {
    return this.#context.caller
  }

  get callerKey(): string {
    return this.#context.callerKey
  }

  get signal(): AbortSignal {
    return this.#context.cancellation.signal
  }

  get capabilities(): Fields {
    return clientCapabilities(this.message, this.#context)
  }

  get wantsProgress(): boolean {
    return progressTokenOf(this.message) !== undefined
  }

  get logLevel(): LogLevel | undefined {
    return wantedLogLevel(this.message, this.#context)
  }

  get paramHeaders(): RelayedRequest['paramHeaders'] {
    return this.#context.era === 'legacy' ? null : this.#context.paramHeaders
  }

  get progress(): CallContext['progress'] {
    return this.#call.progress
  }

  get log(): CallContext['log'] {
    return this.#call.log
  }

  get detach(): RelayedRequest['detach'] {
    return this.#call.detach
  }
}
