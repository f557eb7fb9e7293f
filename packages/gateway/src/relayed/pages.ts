import type { Failed, RelayedRequest, SourceItem, SourceList, SourcePage } from '@mcp-doorman/mcp-endpoint'
import { lifetimeOf } from '../connection/speech.ts'
import { UpstreamFailure } from '../failure.ts'
import { headersOf } from '../connection/tool-headers.ts'
import { elementsOf, membersOf } from '../json-text.ts'
import { fieldsOf, type RpcResponse } from '../rpc-message.ts'

export const listMethods: Readonly<Record<SourceList, string>> = {
  tools: 'tools/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
  prompts: 'prompts/list',
}
const names: Readonly<Record<SourceList, string>> = {
  tools: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
  prompts: 'name',
}
const mostNameCharacters = 4096
const mostCursorCharacters = 16_384

/**
 * A page of a list as the server wrote it. Items that cannot be named, or have a member twice, are left out, since
 * nobody could judge them; and tools with headers that no client could write (requirement H11).
 *
 * @throws {UpstreamFailure} when it is no page of this list
 */
export function pageOf(
  list: SourceList,
  response: RpcResponse,
  request: RelayedRequest,
): SourcePage | Failed {
  if (response.kind === 'error') {
    const { code } = response.error
    if (code === -32601) return noSuchList(request)
    if (code === -32602) {
      return { kind: 'error', error: { code, message: 'The server behind this gateway knows no such page.' } }
    }
    throw new UpstreamFailure('malformed', `The list came to error ${code}.`)
  }
  const { result, text } = response
  const span = membersOf(text)?.get(list)
  const values = result[list]
  if (span === undefined || !Array.isArray(values)) {
    throw new UpstreamFailure('malformed', `The list lacks "${list}", or has a member twice.`)
  }
  const spans = elementsOf(text, span.start)
  const items = spans.flatMap(({ start, end }, index): readonly SourceItem[] => {
    const item = fieldsOf((values as readonly unknown[])[index])
    const name = item[names[list]]
    if (list === 'tools' && headersOf(item) === undefined) return []
    const isName = typeof name === 'string' && name !== '' && name.length <= mostNameCharacters
    return isName && membersOf(text, start) !== undefined ? [{ name, text: text.slice(start, end) }] : []
  })
  const { nextCursor } = result
  const hasNext = typeof nextCursor === 'string' && nextCursor.length <= mostCursorCharacters
  return {
    items,
    text:
      items.length === spans.length
        ? text.slice(span.start, span.end)
        : `[${items.map((item) => item.text).join(',')}]`,
    nextCursor: hasNext ? nextCursor : undefined,
    ttlMs: lifetimeOf(result['ttlMs']),
  }
}

function noSuchList({ message }: RelayedRequest): Failed {
  return {
    kind: 'error',
    error: { code: -32601, message: `Method not found: ${message.method}` },
    status: 404,
  }
}
