import { isPlainUri, type Item, type Message } from '@mcp-doorman/resource-server'
import { invalid, type Failed, type Outcome } from '../outcome.ts'
import type { RunContext } from '../run-context.ts'
import type { Sealed } from '../sealed.ts'
import { RelayedCall } from './relayed-call.ts'
import type { Source, SourceItem, SourceList, SourcePage } from './source.ts'

const kinds = {
  tools: 'tool',
  resources: 'resource',
  resourceTemplates: 'resource',
  prompts: 'prompt',
} as const
// What a source that never comes to an end may cost whoever asks for all of it.
const mostPages = 100
const mostCharacters = 32 * 1024 * 1024

export interface RelayLists {
  readonly page: (list: SourceList, message: Message, context: RunContext) => Promise<Outcome>
  /** All tools that the caller is shown: the result is the text of an array. */
  readonly allTools: (message: Message, context: RunContext) => Promise<Outcome>
}

/**
 * Lists of a source, without what their caller is not shown (requirement E10).
 *
 * Cursors are the source's, sealed: nobody else can use one, and nobody can make one (requirement H14). Nothing may be
 * kept for anybody else, since what is left out depends on the caller (requirement H13).
 */
export function createRelayLists(source: Source, sealed: Sealed): RelayLists {
  const purpose = (list: SourceList, { callerKey }: RunContext): string =>
    JSON.stringify(['cursor', callerKey, list])

  async function page(list: SourceList, message: Message, context: RunContext): Promise<Outcome> {
    const { cursor } = message.params
    const opened = typeof cursor === 'string' ? sealed.open(purpose(list, context), cursor) : undefined
    if (cursor !== undefined && opened === undefined) {
      return invalid('The cursor is not one that this list has given to you. Begin with the first page.')
    }
    // Only what the source gave is sealed for this purpose, below.
    const found = await source.list(list, opened as string | undefined, new RelayedCall(message, context))
    if ('kind' in found) return found
    const { nextCursor, ttlMs } = found
    const next =
      nextCursor === undefined
        ? ''
        : `,"nextCursor":${JSON.stringify(sealed.seal(purpose(list, context), nextCursor))}`
    const json = `{"${list}":${shownText(list, found, context)}${next}}`
    return { kind: 'result', json, cache: { ttlMs, cacheScope: 'private' } }
  }

  async function allTools(message: Message, context: RunContext): Promise<Outcome> {
    const texts: string[] = []
    let characters = 0
    let cursor: string | undefined
    for (let count = 0; count < mostPages; count += 1) {
      const found: SourcePage | Failed = await source.list('tools', cursor, new RelayedCall(message, context))
      if ('kind' in found) return found
      texts.push(...shownItems('tools', found, context).map(({ text }) => text))
      characters += found.text.length
      cursor = found.nextCursor
      if (cursor === undefined || characters > mostCharacters) break
    }
    return { kind: 'result', json: `[${texts.join(',')}]` }
  }

  return { page, allTools }
}

function shownText(list: SourceList, page: SourcePage, context: RunContext): string {
  const shown = shownItems(list, page, context)
  if (shown.length === page.items.length) return page.text
  return `[${shown.map(({ text }) => text).join(',')}]`
}

function shownItems(list: SourceList, { items }: SourcePage, context: RunContext): readonly SourceItem[] {
  const kind: Item['kind'] = kinds[list]
  return items.filter(({ name }) => {
    // No request can name it, and so no rule.
    if (list === 'resources' && !isPlainUri(name)) return false
    return context.shows({ kind, name })
  })
}
