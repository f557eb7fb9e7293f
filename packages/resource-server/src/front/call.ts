import type { Outcome } from '../audit.ts'
import type { Granted } from '../decision.ts'
import { createAnswerFilter, type AnswerFilter } from './answer-filter.ts'
import { formatEvent } from './answer-text.ts'
import { createAuthInfo, type AuthInfo } from './auth-info.ts'
import type { HandedOn } from './handed-on.ts'
import type { HeaderView } from './hidden-headers.ts'
import type { ResourceServer } from '../resource-server.ts'
import type { Sessions } from './sessions.ts'

/** A granted request on its way through a handler. */
export interface Call {
  readonly authInfo: AuthInfo
  /** What the handler is handed for a body: parsed, `undefined` where there is none. */
  readonly body: unknown
  /** Which headers the handler sees. */
  readonly view: HeaderView
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>
  readonly filter: AnswerFilter
  /** What a caller is told when the handler threw: nothing of why. */
  readonly failure: string
  /** Told the session that the answer opens, if it does. */
  readonly answered: (sessionId: string | null | undefined) => void
  /** Records how the call ended; only the first time counts. `cancelled`: nobody was left to answer. */
  readonly end: (status: number, cancelled?: boolean) => void
  /**
   * For a stream that outlives its request: calls back when its caller's token ends, with the last event to send.
   * Returns what stops watching. `undefined` for a request that is answered and over.
   */
  readonly watch: ((onEnd: (lastEvent: string) => void) => () => void) | undefined
}

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'

export function createCall(
  resourceServer: ResourceServer,
  granted: Granted,
  { body, reduced }: HandedOn,
  page: Readonly<Record<string, string>>,
  session: string | undefined,
  sessions: Sessions,
  onError: (error: unknown) => void,
): Call {
  const { identity, form, action } = granted
  const { metadata } = resourceServer
  const began = performance.now()
  const filter = createAnswerFilter(granted, {
    shows: (item) => resourceServer.shows(identity, item),
    allows: (item) => resourceServer.allows(identity, item),
  })
  const [message] = action.messages
  let ended = false

  function end(status: number, cancelled = false): void {
    if (ended) return
    ended = true
    if (form === 'mcp-end' && session !== undefined && status < 300) sessions.end(session)
    const result = resultOf(status, cancelled, filter)
    try {
      resourceServer.recordOutcome(granted, {
        status,
        result,
        durationMilliseconds: performance.now() - began,
      })
    } catch (error) {
      onError(error) // A sink that breaks its promise costs a record and not the process.
    }
  }

  const listens = message?.subscribes !== undefined
  const complete = {
    jsonrpc: '2.0',
    id: message?.id,
    result: { resultType: 'complete', _meta: { [subscriptionKey]: message?.id } },
  }
  const lastEvent = listens ? formatEvent(complete) : ''
  return {
    authInfo: createAuthInfo(
      granted,
      resourceServer.scopesOf(identity),
      metadata.document.resource,
      metadata.url,
    ),
    body,
    view: { era: action.era, reduced },
    headers: { 'cache-control': 'no-store', ...page },
    filter,
    failure: JSON.stringify({
      jsonrpc: '2.0',
      id: message?.id ?? null,
      error: { code: -32603, message: 'Internal error' },
    }),
    answered: (opened) => {
      // Servers repeat the id of the session that was asked for, which has its owner.
      if (session === undefined && typeof opened === 'string' && opened !== '') {
        sessions.bind(opened, identity.callerKey)
      }
    },
    end,
    watch:
      listens || form === 'mcp-stream'
        ? (onEnd) => resourceServer.watch(identity, () => onEnd(lastEvent))
        : undefined,
  }
}

function resultOf(status: number, cancelled: boolean, filter: AnswerFilter): Outcome['result'] {
  if (cancelled) return 'cancelled'
  const result = filter.result()
  return result === 'ok' && status >= 400 ? 'error' : result
}
