import type { Message } from '@mcp-doorman/resource-server'
import type { Rounds } from '../calls/call.ts'
import { shownCompletion } from '../completion.ts'
import type { Methods } from '../methods.ts'
import { checkOptions } from '../option-check.ts'
import type { Failed, Outcome } from '../outcome.ts'
import type { RunContext } from '../run-context.ts'
import { createSealed } from '../sealed.ts'
import type { Served } from '../served.ts'
import { createTransport, type ServerEnd } from '../server-end.ts'
import { createSubscriptions, type Subscriber, type Subscription } from '../subscriptions.ts'
import { refuseDisagreement } from '../tables/param-headers.ts'
import { createRelayLists } from './relay-lists.ts'
import { RelayedCall } from './relayed-call.ts'
import type { Source } from './source.ts'

export interface RelayOptions {
  /** What the relay is called by clients: by the operator's word, whatever the server behind it says of itself. */
  readonly name: string
  readonly version: string
  readonly title?: string
  readonly source: Source
  /** How long a client may take to answer what a call asks of it, in seconds; 1 to 86,400. Default: 600. */
  readonly inputTimeoutSeconds?: number
  /** As that of an endpoint: seals cursors, and the state of calls that wait for input. */
  readonly secret?: Uint8Array
  /** Told of a source that broke its promise and threw. Default: nobody. */
  readonly onFailure?: (error: unknown) => void
  /** Epoch milliseconds. Default: the machine's clock. */
  readonly nowMilliseconds?: () => number
}

const ranges = { inputTimeoutSeconds: [1, 86_400] } as const
const others = ['name', 'version', 'title', 'source', 'secret', 'onFailure', 'nowMilliseconds']

/**
 * Builds the server end of another server: both eras, whatever that server speaks, and to each caller only what its
 * rules show. Knows no rules itself: a front judges every request before it comes here.
 *
 * Methods that MCP does not define are not passed on, since no rule could name what they do.
 *
 * @throws {TypeError} listing every option that cannot be used
 */
export function createRelay(options: RelayOptions): ServerEnd {
  const { name, version, title, source, secret, inputTimeoutSeconds = 600 } = options
  const { onFailure = () => undefined } = options
  const problems = checkOptions(options, ranges, others)
  if (secret !== undefined && !(secret.length >= 32)) problems.push('secret: must have at least 32 bytes.')
  if (problems.length > 0) throw new TypeError(`The relay cannot be built:\n- ${problems.join('\n- ')}`)

  const sealed = createSealed(secret)
  const lists = createRelayLists(source, sealed)
  const failed = (error: unknown): Failed => {
    onFailure(error)
    return { kind: 'error', error: { code: -32603, message: 'The gateway failed.' }, status: 502 }
  }

  function run(message: Message, context: RunContext, rounds: Rounds): Promise<Outcome> | undefined {
    switch (message.method) {
      case 'tools/list':
        return lists.page('tools', message, context)
      case 'resources/list':
        return lists.page('resources', message, context)
      case 'resources/templates/list':
        return lists.page('resourceTemplates', message, context)
      case 'prompts/list':
        return lists.page('prompts', message, context)
      case 'tools/call':
        return callTool(message, context, rounds)
      case 'resources/read':
      case 'prompts/get':
        return source.run(new RelayedCall(message, context), rounds)
      case 'completion/complete':
        return source
          .run(new RelayedCall(message, context), rounds)
          .then((outcome) => shownCompletion(outcome, message, context))
      default:
        return undefined
    }
  }

  async function callTool(message: Message, context: RunContext, rounds: Rounds): Promise<Outcome> {
    const request = new RelayedCall(message, context)
    const { paramHeaders } = request
    if (paramHeaders !== null) {
      const declared = await source.paramHeadersOf(request)
      if ('kind' in declared) return declared
      const refused = refuseDisagreement(declared, message.params['arguments'] ?? {}, paramHeaders)
      if (refused !== undefined) return refused
    }
    return source.run(request, rounds)
  }

  const methods: Methods = {
    run: (message, context, rounds) => {
      if (context.cancellation.cancelled) return { kind: 'cancelled' }
      return run(message, context, rounds)?.catch(failed)
    },
  }
  const served: Served = {
    serverInfo: { name, ...(title !== undefined && { title }), version },
    methods,
    describe: (message, context) => source.describe(new RelayedCall(message, context)).catch(failed),
    follow: (subscriber) => follow(source, subscriber),
    listTools: (message, context) => lists.allTools(message, context).catch(failed),
    paramHeaders: source.paramHeaders,
  }
  const { nowMilliseconds = Date.now } = options
  return { transport: createTransport(served, { sealed, inputTimeoutSeconds, nowMilliseconds }) }
}

/** Gathers what the source tells, as for definitions of this process, and asks the source for what is watched. */
function follow(source: Source, subscriber: Subscriber): Subscription {
  const subscriptions = createSubscriptions()
  const place = subscriptions.add(subscriber, () => true)
  const following = source.follow(subscriber, {
    listChanged: subscriptions.listChanged,
    resourceUpdated: (uri) => subscriptions.resourceUpdated(uri, undefined),
  })
  return {
    watch: async (uri) => {
      await place.watch(uri)
      if (await following.watch(uri)) return true
      place.unwatch(uri)
      return false
    },
    unwatch: (uri) => {
      place.unwatch(uri)
      following.unwatch(uri)
    },
    close: () => {
      place.close()
      following.close()
    },
  }
}
