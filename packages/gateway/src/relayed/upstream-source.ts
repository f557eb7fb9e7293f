import {
  writeParamHeaders,
  type Description,
  type Failed,
  type Outcome,
  type ParamHeader,
  type RelayedRequest,
  type Rounds,
  type Source,
} from '@mcp-doorman/mcp-endpoint'
import type { Connection } from '../connection/connection.ts'
import type { Exchange } from '../connection/exchange.ts'
import { encodeHeader } from '../connection/speech.ts'
import { outcomeOf, UpstreamFailure } from '../failure.ts'
import type { CommonSettings } from '../options.ts'
import { isFields } from '../rpc-message.ts'
import { abortable } from './abortable.ts'
import type { Connections, Lease } from './connections.ts'
import { listMethods, pageOf } from './pages.ts'
import { askedFor } from './requests.ts'
import { outcomeOfResponse } from './results.ts'
import { refuseAsks, type WaitingCalls } from './waiting-calls.ts'

export interface SourceParts {
  readonly connections: Connections
  readonly waiting: WaitingCalls
  readonly settings: CommonSettings
}

const headersDisagree = -32020
// Of headers, for pages that may then send them.
const mostNames = 256

/** The server behind the gateway, as what a relay stands for. */
export function createUpstreamSource({ connections, waiting, settings }: SourceParts): Source {
  const { callTimeoutSeconds, onEvent } = settings
  const names = new Set<string>()

  /** Turns what goes wrong into what a client is told, and tells the operator the rest. */
  function failed(error: unknown): ReturnType<typeof outcomeOf> {
    const failure = error instanceof UpstreamFailure ? error : new UpstreamFailure('malformed', String(error))
    if (failure.kind !== 'cancelled') {
      onEvent({ kind: 'failed', reason: failure.kind, detail: failure.message })
    }
    return outcomeOf(failure)
  }

  /** The same where there is no word for a client that has cancelled, and would not hear it. */
  function failedOnly(error: unknown): Failed {
    const outcome = failed(error)
    return outcome.kind === 'error'
      ? outcome
      : { kind: 'error', error: { code: -32603, message: 'The call was cancelled.' } }
  }

  /** Once more where the server has forgotten the session, and so has not done anything. */
  async function withLease<Value>(
    request: RelayedRequest,
    use: (lease: Lease) => Promise<Value>,
  ): Promise<Value> {
    const lease = await connections.take(request, request.signal)
    try {
      return await use(lease)
    } catch (error) {
      if (!(error instanceof UpstreamFailure && error.kind === 'session_lost')) throw error
      connections.drop(lease.connection)
    } finally {
      lease.release()
    }
    const again = await connections.take(request, request.signal)
    try {
      return await use(again)
    } finally {
      again.release()
    }
  }

  async function describe(request: RelayedRequest): Promise<Description> {
    return withLease(request, ({ connection }) => Promise.resolve(connection.speech.description))
  }

  async function run(request: RelayedRequest, rounds: Rounds): Promise<Outcome> {
    const { waiting: id } = rounds.kept
    if (typeof id === 'string') return goOn(id, request, rounds)
    return withLease(request, async (lease) => {
      const { connection } = lease
      const begin = async (): Promise<Exchange> => {
        const headers = connection.wantsParamHeaders ? await headersFor(request, connection) : {}
        return connection.begin({ ...askedFor(request, rounds, connection.speech.era), headers }, request)
      }
      const outcome = await settle(await begin(), lease, request)
      if (outcome.kind !== 'error' || outcome.error.code !== headersDisagree) return outcome
      // Without headers the code is the server's own, and nothing says that the tool has not run.
      if (!connection.wantsParamHeaders) throw new UpstreamFailure('reported', outcome.error.message)
      // The tool has other headers by now. Nothing was run, so it can be called again.
      connection.toolHeaders.forget()
      const again = await settle(await begin(), lease, request)
      if (again.kind !== 'error' || again.error.code !== headersDisagree) return again
      throw new UpstreamFailure(
        'malformed',
        'It says that headers disagree which are as its list of tools says.',
      )
    })
  }

  /** The headers that repeat arguments of a call, and those that somebody else may know of (requirement H8). */
  async function headersFor(
    request: RelayedRequest,
    connection: Connection,
  ): Promise<Readonly<Record<string, string>>> {
    const { message, paramHeaders } = request
    if (message.method !== 'tools/call') return {}
    const declared = await headersOf(request, connection)
    const known = new Set(declared.map(({ name }) => name.toLowerCase()))
    const unknown = [...(paramHeaders ?? [])].filter(
      ([name, value]) => !known.has(name) && /^[\x20-\x7e]*$/.test(value),
    )
    const own = Object.entries(writeParamHeaders(declared, message.params['arguments']))
    return Object.fromEntries([
      ...unknown.map(([name, value]) => [`mcp-param-${name}`, value]),
      ...own.map(([name, value]) => [`mcp-param-${name.toLowerCase()}`, encodeHeader(value)]),
    ])
  }

  async function headersOf(
    { message: { item }, signal }: RelayedRequest,
    connection: Connection,
  ): Promise<readonly ParamHeader[]> {
    const loading = connection.toolHeaders.of(item?.name ?? '', callTimeoutSeconds)
    const declared = await abortable(loading, signal)
    for (const { name } of declared) if (names.size < mostNames) names.add(name)
    return declared
  }

  /** Gives a call that waited the answers of its client. */
  async function goOn(id: string, request: RelayedRequest, { answers }: Rounds): Promise<Outcome> {
    const call = waiting.take(id, request.callerKey)
    if (call === undefined) {
      const message = 'The call does not wait for answers any more. Begin it again.'
      return { kind: 'error', error: { code: -32602, message } }
    }
    const { exchange, lease } = call
    try {
      for (const [name, ask] of exchange.asks) {
        const answer = answers[name]
        if (!isFields(answer)) continue // It is asked for again.
        lease.connection.respond(ask.id, { result: answer })
        exchange.removeAsk(name)
      }
      return await settle(exchange, lease, request)
    } finally {
      lease.release()
    }
  }

  /** Waits for what the exchange comes to. If its client has to be asked, it is kept until that comes back. */
  async function settle(exchange: Exchange, inUse: Lease, request: RelayedRequest): Promise<Outcome> {
    const progressed = await exchange.waitFor(request, callTimeoutSeconds)
    if (progressed.kind === 'answered') return outcomeOfResponse(progressed.response, request)
    const lease = inUse.share()
    const call = waiting.add(request.callerKey, exchange, lease)
    const { asks } = progressed

    /** What comes of it when the client is not asked. */
    const refuse = async (reason: string): Promise<Outcome> => {
      if (call !== undefined) waiting.take(call.id, request.callerKey)
      try {
        refuseAsks(lease.connection, exchange, asks, reason)
        return await settle(exchange, lease, request)
      } catch (error) {
        return failed(error)
      } finally {
        lease.release()
      }
    }
    if (call === undefined) return refuse('too many calls wait for their clients')
    return {
      kind: 'input',
      requests: Object.fromEntries([...asks].map(([name, ask]) => [name, ask.request])),
      used: { answers: {}, kept: { waiting: call.id } },
      refuse,
    }
  }

  return {
    describe: (request) => describe(request).catch(failedOnly),
    list: (list, cursor, request) =>
      withLease(request, async ({ connection }) => {
        const params = cursor === undefined ? {} : { cursor }
        const exchange = connection.begin({ method: listMethods[list], params }, request)
        const end = performance.now() + callTimeoutSeconds * 1000 // However often it asks.
        for (;;) {
          const progressed = await exchange.waitFor(request, Math.max(0, end - performance.now()) / 1000)
          if (progressed.kind === 'answered') return pageOf(list, progressed.response, request)
          // On one stream it need not be about the list: servers ask for roots as soon as a client has come.
          refuseAsks(connection, exchange, progressed.asks, 'only a call can ask something of its client')
        }
      }).catch(failedOnly),
    run: (request, rounds) => run(request, rounds).catch(failed),
    follow: (caller, told) => connections.follow(caller, told),
    paramHeadersOf: (request) =>
      withLease(request, ({ connection }) => headersOf(request, connection)).catch(failedOnly),
    paramHeaders: () => [...names],
  }
}
