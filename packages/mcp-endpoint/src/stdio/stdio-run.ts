import type { Era } from '@mcp-doorman/resource-server'
import type { Cancellation } from '../cancellation.ts'
import type { LegacyClient } from '../eras/legacy-client.ts'
import type { Channel, RunContext } from '../run-context.ts'

/** The context of what runs for one message on standard input. There are no callers, and nothing is hidden from them. */
export class StdioRun implements RunContext {
  readonly era: Era
  readonly caller = undefined
  readonly callerKey = ''
  readonly paramHeaders = null
  readonly cancellation: Cancellation
  readonly channel: Channel
  readonly client: LegacyClient | undefined

  constructor(era: Era, cancellation: Cancellation, channel: Channel, client: LegacyClient | undefined) {
    this.era = era
    this.cancellation = cancellation
    this.channel = channel
    this.client = client
  }

  branch(): StdioRun {
    return new StdioRun(this.era, this.cancellation.branch(), this.channel, this.client)
  }

  shows(): boolean {
    return true
  }

  allows(): boolean {
    return true
  }
}
