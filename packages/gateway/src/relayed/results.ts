import type { InputRequests, Outcome, RelayedRequest } from '@mcp-doorman/mcp-endpoint'
import { unknownItemError } from '@mcp-doorman/resource-server'
import { readAsk } from '../connection/exchange.ts'
import { askableOf, lifetimeOf } from '../connection/speech.ts'
import { UpstreamFailure } from '../failure.ts'
import { membersOf } from '../json-text.ts'
import { fieldsOf, isFields, type Fields, type RpcError, type RpcResponse } from '../rpc-message.ts'

/** What a result must have to be one of its method. */
const needed: Readonly<Record<string, readonly [name: string, isArray: boolean]>> = {
  'tools/call': ['content', true],
  'resources/read': ['contents', true],
  'prompts/get': ['messages', true],
  'completion/complete': ['completion', false],
}
/** What a revision adds to a result, and the revision of the client adds again in its own way. */
const ofRevision: ReadonlySet<string> = new Set(['resultType', '_meta', 'ttlMs', 'cacheScope'])
const mostStateCharacters = 65_536

/**
 * What an answer of the server is to the client. Passed on as it was written, without what belongs to the revision.
 *
 * @throws {UpstreamFailure} when it is no answer to this method, or an error that is the operator's matter
 */
export function outcomeOfResponse(response: RpcResponse, request: RelayedRequest): Outcome {
  if (response.kind === 'error') return outcomeOfError(response.error, request)
  const { result, text } = response
  const { method } = request.message
  const { resultType = 'complete' } = result
  if (resultType === 'input_required') return inputOf(result)
  const [name, isArray] = needed[method] ?? ['', false]
  const found = result[name]
  if (resultType !== 'complete' || !(isArray ? Array.isArray(found) : isFields(found))) {
    throw new UpstreamFailure('malformed', `The result of ${method} is none: it lacks "${name}".`)
  }
  return {
    kind: 'result',
    json: ownText(text),
    ...metaOf(result),
    ...(method === 'resources/read' && {
      cache: { ttlMs: lifetimeOf(result['ttlMs']), cacheScope: 'private' as const },
    }),
    toolError: method === 'tools/call' && result['isError'] === true,
  }
}

/** The result without the members that belong to the revision of the server. */
function ownText(text: string): string {
  const members = membersOf(text)
  if (members === undefined) throw new UpstreamFailure('malformed', 'A result has a member twice.')
  const kept = [...members].filter(([name]) => !ofRevision.has(name))
  if (kept.length === members.size) return text.trim()
  return `{${kept.map(([name, { start, end }]) => `${JSON.stringify(name)}:${text.slice(start, end)}`).join(',')}}`
}

/** What the server itself has put into `_meta`; what the protocol puts there is each revision's own. */
function metaOf({ _meta: meta }: Fields): { readonly meta?: Fields } {
  const own = Object.entries(fieldsOf(meta)).filter(([name]) => !name.startsWith('io.modelcontextprotocol/'))
  return own.length === 0 ? {} : { meta: Object.fromEntries(own) }
}

/** A server of 2026 needs answers: it keeps nothing, so what it gave is given back with them. */
function inputOf({ inputRequests, requestState }: Fields): Outcome {
  const requests: Record<string, InputRequests[string]> = {}
  for (const [name, asked] of Object.entries(fieldsOf(inputRequests))) {
    const { method, params = {} } = fieldsOf(asked)
    const request = typeof method === 'string' && isFields(params) ? readAsk(method, params) : undefined
    if (request === undefined) throw new UpstreamFailure('malformed', 'It asks for what no client has.')
    requests[name] = request
  }
  const hasState = typeof requestState === 'string'
  if (hasState && requestState.length > mostStateCharacters) {
    throw new UpstreamFailure('too_large', `Its state has more than ${mostStateCharacters} characters.`)
  }
  return {
    kind: 'input',
    requests,
    used: { answers: {}, kept: hasState ? { requestState } : {} },
  }
}

const mostMessageCharacters = 1000
const mostPages = 16
const noRounds = { answers: {}, kept: {} }
// oxlint-disable-next-line no-control-regex -- they could move the cursor of whoever reads it
const control = /[\x00-\x1f\x7f-\x9f]+/g

/**
 * An error of the server, as far as it is the client's matter: what is wrong with its request, and what an application
 * has a code of its own for. Everything else may hold what only the operator should see.
 *
 * @throws {UpstreamFailure} for that
 */
function outcomeOfError({ code, message, data }: RpcError, { message: asked, era }: RelayedRequest): Outcome {
  const { method, item } = asked
  const said = message.replace(control, ' ').slice(0, mostMessageCharacters)
  const isMissing = code === -32002 || (code === -32602 && fieldsOf(data)['uri'] === item?.name)
  if (method === 'resources/read' && isMissing) return { kind: 'error', error: unknownItemError(item, era) }
  if (code === -32601) {
    return { kind: 'error', error: { code, message: `Method not found: ${method}` }, status: 404 }
  }
  if (code === -32042) return pagesToVisit(fieldsOf(data), said, era)
  if (code === -32021) return missingCapabilities(fieldsOf(data), asked.method, era)
  // Whoever asked sees to it that it is not the client's matter.
  if (code === -32020) return { kind: 'error', error: { code, message: said } }
  const isReserved = code >= -32768 && code <= -32000
  if (code === -32602 || !isReserved) return { kind: 'error', error: { code, message: said } }
  throw new UpstreamFailure('reported', `It answered ${method} with error ${code}: ${message}`)
}

/**
 * The server wants a person to visit pages first, and to be called again then. A client of 2025 knows the error; one of
 * 2026 is asked as for any input, and comes back with the same call.
 */
function pagesToVisit({ elicitations }: Fields, message: string, era: string): Outcome {
  const pages = (Array.isArray(elicitations) ? elicitations.slice(0, mostPages) : []).flatMap(
    (page: unknown) => {
      const { message: text, url, elicitationId } = fieldsOf(page)
      const isPage = [text, url, elicitationId].every((value) => typeof value === 'string')
      return isPage ? [{ mode: 'url', message: text, url, elicitationId }] : []
    },
  )
  if (era === 'legacy')
    return { kind: 'error', error: { code: -32042, message, data: { elicitations: pages } } }
  const requests = pages.map((params, index) => [
    `page-${index + 1}`,
    { method: 'elicitation/create' as const, params },
  ])
  return { kind: 'input', requests: Object.fromEntries(requests) as InputRequests, used: noRounds }
}

/** The server needs a client that can do more. */
function missingCapabilities({ requiredCapabilities }: Fields, method: string, era: string): Outcome {
  const required = askableOf(fieldsOf(requiredCapabilities))
  const names = Object.keys(required).join(', ')
  const message = `This needs what the client has not declared: ${names}`
  if (era === 'modern') {
    return {
      kind: 'error',
      error: { code: -32021, message, data: { requiredCapabilities: required } },
      status: 400,
    }
  }
  if (method !== 'tools/call') return { kind: 'error', error: { code: -32600, message } }
  const result = { content: [{ type: 'text', text: `input_unavailable: ${message}` }], isError: true }
  return { kind: 'result', json: JSON.stringify(result), toolError: true }
}
