import { isPlainUri, type Item, type Message } from '@mcp-doorman/resource-server'
import { noRounds } from './calls/call.ts'
import type { RunCall } from './calls/run-call.ts'
import type { Offer } from './offer.ts'
import { invalid, outcomeOfRun, type Cacheable, type Outcome } from './outcome.ts'
import type { ResourcePage } from './resources.ts'
import type { RunContext } from './run-context.ts'
import type { Sealed } from './sealed.ts'
import { createItemList } from './tables/item-list.ts'

export type ListName = 'tools' | 'resourceTemplates' | 'prompts'

export interface ListsOptions {
  readonly runCall: RunCall
  readonly sealed: Sealed
  readonly pageSize: number
  readonly listCache: Cacheable
}

/** What callers are shown, a page at a time. */
export interface Lists {
  readonly page: (name: ListName, message: Message, context: RunContext) => Outcome
  /** Resources of their own first, then what each template lists. */
  readonly resources: (message: Message, context: RunContext) => Outcome | Promise<Outcome>
  /** All tools that a caller is shown, as the text of a JSON array. */
  readonly allTools: (shows: (item: Item) => boolean) => string
}

/** Where a page of resources begins: after one of the fixed ones, or somewhere in what a template lists. */
type ResourcePlace =
  | { readonly after: string }
  | { readonly template: string; readonly cursor: string | undefined }

const badCursor = invalid('The cursor is not one that this list has given to you. Begin with the first page.')

export function createLists({ tools, resources, prompts }: Offer, options: ListsOptions): Lists {
  const { runCall, sealed, pageSize, listCache } = options
  const lists = {
    tools: createItemList(tools.entries, pageSize),
    resourceTemplates: createItemList(resources.templates, pageSize),
    prompts: createItemList(prompts.entries, pageSize),
  }
  const everyTool = createItemList(tools.entries, Number.POSITIVE_INFINITY)
  const fixed = createItemList(resources.resources, pageSize)
  const listing = resources.templates.flatMap(({ list, item }) =>
    list === undefined ? [] : [{ list, uriTemplate: item.name }],
  )

  // What a template lists may be another for each caller and moment, and all pages of a list say the same (E11).
  const resourceCache: Cacheable = listing.length > 0 ? { ttlMs: 0, cacheScope: 'private' } : listCache

  const purpose = (name: string, { callerKey }: RunContext): string =>
    JSON.stringify(['cursor', callerKey, name])

  /** Where the page begins that the message asks for: `undefined` for the first one. */
  function readCursor(name: string, { params }: Message, context: RunContext): unknown {
    const { cursor } = params
    if (cursor === undefined) return undefined
    return typeof cursor === 'string' ? (sealed.open(purpose(name, context), cursor) ?? badCursor) : badCursor
  }

  function write(
    name: string,
    array: string,
    next: unknown,
    context: RunContext,
    cache: Cacheable = listCache,
  ): Outcome {
    const cursor = next === undefined ? '' : `,"nextCursor":"${sealed.seal(purpose(name, context), next)}"`
    return { kind: 'result', json: `{"${name}":${array}${cursor}}`, cache }
  }

  function page(name: ListName, message: Message, context: RunContext): Outcome {
    const place = readCursor(name, message, context)
    if (place === badCursor) return badCursor
    // Only `write` seals for this purpose, and it sealed a name.
    const found = lists[name].page((item) => context.shows(item), place as string | undefined)
    return found === undefined ? badCursor : write(name, found.json, found.last, context)
  }

  function listResources(message: Message, context: RunContext): Outcome | Promise<Outcome> {
    const read = readCursor('resources', message, context)
    if (read === badCursor) return badCursor
    // As above: it sealed a place.
    const place = read as ResourcePlace | undefined
    if (place !== undefined && 'template' in place)
      return listTemplate(place.template, place.cursor, message, context)
    const found = fixed.page((item) => context.shows(item), place?.after)
    if (found === undefined) return badCursor
    if (found.last !== undefined)
      return write('resources', found.json, { after: found.last }, context, resourceCache)
    // An empty first page would only cost a client another request.
    if (found.json === '[]' && listing.length > 0)
      return listTemplate(listing[0]?.uriTemplate, undefined, message, context)
    return write('resources', found.json, firstOf(0), context, resourceCache)
  }

  function listTemplate(
    uriTemplate: string | undefined,
    cursor: string | undefined,
    message: Message,
    context: RunContext,
  ): Outcome | Promise<Outcome> {
    const index = listing.findIndex((entry) => entry.uriTemplate === uriTemplate)
    const list = listing[index]?.list
    if (list === undefined) return badCursor // The templates have changed since.
    const finish = (output: ResourcePage): Outcome => {
      const { resources: described, nextCursor } = list.finish(output, cursor)
      const shown = described.filter(
        ({ uri }) => isPlainUri(uri) && context.shows({ kind: 'resource', name: uri }),
      )
      const next =
        nextCursor === undefined ? firstOf(index + 1) : { template: uriTemplate, cursor: nextCursor }
      return write('resources', JSON.stringify(shown), next, context, resourceCache)
    }
    const end = runCall({ ...list, finish }, cursor, message, context, noRounds)
    return outcomeOfRun(end, (outcome) => outcome)
  }

  function firstOf(index: number): ResourcePlace | undefined {
    const next = listing[index]
    return next && { template: next.uriTemplate, cursor: undefined }
  }

  return {
    page,
    resources: listResources,
    allTools: (shows) => everyTool.page(shows, undefined)?.json ?? '[]',
  }
}
