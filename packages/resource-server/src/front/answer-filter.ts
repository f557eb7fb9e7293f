import type { Granted } from '../decision.ts'
import type { Outcome } from '../audit.ts'
import type { Item } from '../action.ts'
import type { JsonRpcError, JsonRpcId } from '../json-rpc.ts'

/** Looks at each message that the server behind sends, before the client gets it. */
export interface AnswerFilter {
  /** Whether an answer that cannot be read must be kept back: there is something in it to leave out or to add. */
  readonly mustRead: boolean
  /** Answers for the messages of a batch that were refused in their place. */
  readonly inPlace: readonly object[]
  /** A message as it may go on: the same object when nothing changes, `undefined` when it may not. */
  readonly message: (message: unknown) => unknown
  /** What the messages so far have meant. */
  readonly result: () => Outcome['result']
}

export interface AnswerFilterParts {
  readonly shows: (item: Item) => boolean
  readonly allows: (item: Item) => boolean
}

const listMethods: ReadonlySet<string> = new Set([
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
])

type Entry = Readonly<Record<string, unknown>>

/** Where lists stand in a result, what they list, and which member names an entry. */
const lists = [
  { list: 'tools', kind: 'tool', name: 'name' },
  { list: 'resources', kind: 'resource', name: 'uri' },
  { list: 'resourceTemplates', kind: 'resource', name: 'uriTemplate' },
  { list: 'prompts', kind: 'prompt', name: 'name' },
] as const

/**
 * Builds the filter for one granted request.
 *
 * Lists are known by their shape and not by the request they answer, since a resumed stream repeats answers to earlier
 * ones. What a list leaves out can still be asked for, and is then judged.
 */
export function createAnswerFilter(granted: Granted, { shows, allows }: AnswerFilterParts): AnswerFilter {
  const { messages } = granted.action
  const inPlace = messages.flatMap(({ kind, id }, index) => {
    const error = granted.inPlace[index]
    return error !== undefined && kind === 'request' && id !== null ? [errorFor(id, error)] : []
  })
  let result: Outcome['result'] = inPlace.length > 0 ? 'error' : 'ok'

  return {
    mustRead: inPlace.length > 0 || messages.some(({ method }) => listMethods.has(method)),
    inPlace,
    message: (message) => {
      if (!isEntry(message)) return message
      const { method, params, error, result: answer } = message
      if (method === 'notifications/resources/updated' && isEntry(params)) {
        const { uri } = params
        return typeof uri === 'string' && allows({ kind: 'resource', name: uri }) ? message : undefined
      }
      if (error !== undefined) result = 'error'
      if (!isEntry(answer)) return message
      if (answer['isError'] === true && result === 'ok') result = 'tool_error'
      const filtered = filterLists(answer, shows)
      return filtered === answer ? message : { ...message, result: filtered }
    },
    result: () => result,
  }
}

function errorFor(id: JsonRpcId, error: JsonRpcError): object {
  return { jsonrpc: '2.0', id, error }
}

function filterLists(answer: Entry, shows: (item: Item) => boolean): Entry {
  let filtered = answer
  for (const { list, kind, name } of lists) {
    const entries = answer[list]
    if (!Array.isArray(entries)) continue
    const kept = (entries as readonly unknown[]).filter((entry) => {
      const own = isEntry(entry) ? entry[name] : undefined
      return typeof own !== 'string' || shows({ kind, name: own })
    })
    // Whose list it is decides what is in it, so no cache may give it to others (requirement E11).
    const scope = answer['cacheScope'] === undefined ? {} : { cacheScope: 'private' }
    filtered = { ...filtered, [list]: kept, ...scope }
  }
  return filtered
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
