import type { Item, Rule } from '@mcp-doorman/resource-server'
import { createRunCall } from './calls/run-call.ts'
import { createDefinedMethods } from './defined-methods.ts'
import { compileOffer, type Definitions } from './offer.ts'
import { checkOptions } from './option-check.ts'
import type { Cacheable } from './outcome.ts'
import { createSealed } from './sealed.ts'
import type { Description, Served } from './served.ts'
import { createTransport, type ServerEnd } from './server-end.ts'
import { createSubscriptions, type Audience } from './subscriptions.ts'

export interface EndpointOptions extends Definitions {
  /** Names the server to clients. */
  readonly name: string
  readonly version: string
  readonly title?: string
  /** What a model should know about the server as a whole. */
  readonly instructions?: string
  /** Longest time of one call, in seconds, whatever progress it reports; 1 to 3,600. Default: 60. */
  readonly callTimeoutSeconds?: number
  /** How long a client may take to answer what a call asks of it, in seconds; 1 to 86,400. Default: 600. */
  readonly inputTimeoutSeconds?: number
  /** How long clients may keep lists, in seconds; 0 to 86,400. Default: 300. */
  readonly listTtlSeconds?: number
  /** How many items a page of a list has; 1 to 100,000. Default: 1,000. */
  readonly pageSize?: number
  /** Whether every caller sees the same lists. Default: false, which forbids shared caches to keep them. */
  readonly sameListForAll?: boolean
  /** Whether lists may change while the server runs: {@link Endpoint.replace} works then, and clients are told. Default: false. */
  readonly listsChange?: boolean
  /** Whether clients may subscribe to resources: {@link Endpoint.resourceUpdated} tells them. Default: false. */
  readonly resourcesChange?: boolean
  /** Whether `log` of a call reaches the client. Default: false. */
  readonly logs?: boolean
  /**
   * Seals what clients keep for the server: cursors, and the state of calls that wait for input. At least 32 bytes of
   * chance. Servers that answer for each other need the same. Default: a new one for each endpoint, so that what was
   * sealed ends with it.
   */
  readonly secret?: Uint8Array
  /** Told what a function of the author's threw; nothing of it reaches a client. Default: nobody. */
  readonly onFailure?: (item: Item, error: unknown) => void
  /** Epoch milliseconds. Default: the machine's clock. */
  readonly nowMilliseconds?: () => number
}

/** The server end of definitions of this process. */
export interface Endpoint extends ServerEnd {
  /**
   * What the definitions say of who may use them, as the `rules` of a resource server. Of those that the endpoint was
   * built with: a resource server does not change while it runs.
   */
  readonly rules: readonly Rule[]
  /**
   * Puts other definitions in place of the ones named, and tells whoever wants to know. Calls under way end as they
   * began. What was not offered at the start cannot be added, since clients were told so.
   *
   * @throws {TypeError} listing everything that cannot be offered; the old definitions then stay
   */
  readonly replace: (definitions: Definitions) => void
  /**
   * Tells subscribers that a resource has changed. Changes that follow each other within 20 ms are told once.
   *
   * @param to - whom it concerns, where the address means something else for each caller. Default: everybody
   */
  readonly resourceUpdated: (uri: string, to?: Audience) => void
}

const ranges = {
  callTimeoutSeconds: [1, 3600],
  inputTimeoutSeconds: [1, 86_400],
  listTtlSeconds: [0, 86_400],
  pageSize: [1, 100_000],
} as const
const definitionNames = ['tools', 'resources', 'templates', 'prompts'] as const
const others = [
  ...definitionNames,
  'name',
  'version',
  'title',
  'instructions',
  'sameListForAll',
  'listsChange',
  'resourcesChange',
  'logs',
  'secret',
  'onFailure',
  'nowMilliseconds',
]

/**
 * Builds the server end of what `options` define.
 *
 * @throws {TypeError} listing everything that cannot be offered and every option that cannot be used
 */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { name, version, title, instructions, callTimeoutSeconds = 60, inputTimeoutSeconds = 600 } = options
  const { listTtlSeconds = 300, pageSize = 1000, secret, onFailure = () => undefined } = options
  const problems = checkOptions(options, ranges, others)
  if (secret !== undefined && !(secret.length >= 32)) problems.push('secret: must have at least 32 bytes.')
  let definitions: Definitions = options
  const offer = compileOffer(definitions, problems)
  throwProblems('The endpoint cannot be built', problems)

  const listCache: Cacheable = {
    ttlMs: Math.round(listTtlSeconds * 1000),
    cacheScope: options.sameListForAll === true ? 'public' : 'private',
  }
  const sealed = createSealed(secret)
  const subscriptions = createSubscriptions()
  const methodsOptions = {
    runCall: createRunCall({ callTimeoutSeconds, logs: options.logs === true, onFailure }),
    sealed,
    pageSize,
    listCache,
  }
  let methods = createDefinedMethods(offer, methodsOptions)
  const { has } = offer // The same for every offer that may take its place.
  const listsChange = options.listsChange === true
  const description: Description = {
    has,
    announces: {
      tools: listsChange && has.tools,
      resources: listsChange && has.resources,
      prompts: listsChange && has.prompts,
      updates: options.resourcesChange === true && has.resources,
    },
    logs: options.logs === true,
    instructions,
    cache: { ttlMs: listCache.ttlMs, cacheScope: 'public' },
  }
  const served: Served = {
    serverInfo: { name, ...(title !== undefined && { title }), version },
    get methods() {
      return methods
    },
    describe: () => description,
    follow: (subscriber) =>
      subscriptions.add(subscriber, (uri) => methods.offer.resources.find(uri) !== undefined),
    listTools: (_, context) => ({
      kind: 'result',
      json: methods.lists.allTools((item) => context.shows(item)),
    }),
    paramHeaders: () =>
      methods.offer.tools.entries.flatMap(({ paramHeaders }) => paramHeaders.map((header) => header.name)),
  }

  function replace(given: Definitions): void {
    const named = definitionNames.filter((kind) => given[kind] !== undefined)
    const mistakes = checkOptions(given, {}, definitionNames)
    if (!listsChange) mistakes.push('listsChange: must be true from the start, so that clients know.')
    for (const kind of named) {
      if (definitions[kind] === undefined) mistakes.push(`${kind}: were not offered at the start.`)
    }
    const next = { ...definitions, ...Object.fromEntries(named.map((kind) => [kind, given[kind]])) }
    const nextOffer = compileOffer(next, mistakes)
    throwProblems('The definitions cannot be replaced', mistakes)
    definitions = next
    methods = createDefinedMethods(nextOffer, methodsOptions)
    for (const kind of new Set(named.map((kind) => (kind === 'templates' ? 'resources' : kind)))) {
      subscriptions.listChanged(kind)
    }
  }

  return {
    rules: offer.rules,
    replace,
    resourceUpdated: (uri, to) => subscriptions.resourceUpdated(uri, to),
    transport: createTransport(served, {
      sealed,
      inputTimeoutSeconds,
      nowMilliseconds: options.nowMilliseconds ?? Date.now,
    }),
  }
}

function throwProblems(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new TypeError(`${what}:\n- ${problems.join('\n- ')}`)
}
