import type { Granted, Identity, Item, ResourceServer } from '@mcp-doorman/resource-server'
import type { Cancellation } from '../cancellation.ts'
import type { LegacyClient } from '../eras/legacy-client.ts'
import type { Channel, RunContext } from '../run-context.ts'

/** The context of what runs for one granted request. */
export class HttpRun implements RunContext {
  readonly era: RunContext['era']
  readonly caller: Identity
  readonly cancellation: Cancellation
  readonly channel: Channel | undefined
  readonly client: LegacyClient | undefined
  readonly paramHeaders: RunContext['paramHeaders']
  readonly #resourceServer: ResourceServer
  readonly #granted: Granted

  constructor(
    resourceServer: ResourceServer,
    granted: Granted,
    cancellation: Cancellation,
    channel: Channel | undefined,
    client: LegacyClient | undefined,
  ) {
    const { action, identity } = granted
    this.era = action.era
    this.caller = identity
    this.cancellation = cancellation
    this.channel = channel
    this.client = client
    this.paramHeaders = action.paramHeaders
    this.#resourceServer = resourceServer
    this.#granted = granted
  }

  branch(): HttpRun {
    return new HttpRun(
      this.#resourceServer,
      this.#granted,
      this.cancellation.branch(),
      this.channel,
      this.client,
    )
  }

  get callerKey(): string {
    return this.caller.callerKey
  }

  shows(item: Item): boolean {
    return this.#resourceServer.shows(this.caller, item)
  }

  allows(item: Item): boolean {
    return this.#resourceServer.allows(this.caller, item)
  }
}
