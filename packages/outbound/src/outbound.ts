import { Agent as PlainAgent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { parseDestination } from './destination.ts'
import { type Exchange, startExchange } from './exchange.ts'
import { type OutboundOptions, readOptions } from './options.ts'
import { type Failure, failure } from './problems.ts'
import { checkRequest } from './request.ts'

/** One request. */
export interface OutboundRequest {
  /** Absolute; without user name, password and fragment. */
  readonly url: string
  /** @defaultValue GET */
  readonly method?: 'GET' | 'POST'
  /** Sent as given. The headers of the connection itself (`host`, `content-length`, `accept-encoding`, …) may not be. */
  readonly headers?: Readonly<Record<string, string>>
  /** Only with POST. Text is sent as UTF-8. */
  readonly body?: string | Buffer
  /** Ends the exchange early, with `aborted`. */
  readonly signal?: AbortSignal
}

/**
 * A whole answer of any status but 3xx, or the reason why there is none. The names of `headers` are in lower case;
 * repeated ones are joined as `node:http` does (`set-cookie` with commas).
 */
export type OutboundAnswer =
  | {
      readonly ok: true
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: Buffer
    }
  | Failure

/** Opens connections to places that were found at run time. */
export interface Outbound {
  /**
   * Sends one request and reads the whole answer. Never rejects and never hangs.
   *
   * It does not judge the answer: status, media type and content are the caller's.
   */
  request(request: OutboundRequest): Promise<OutboundAnswer>
  /** Ends every connection; exchanges under way, and later ones, answer `aborted`. May be called again. */
  close(): void
}

/** So many connections to one origin; further requests wait, and their waiting counts as their time. */
const maxConnectionsPerOrigin = 16
const maxIdleConnectionsPerOrigin = 4
/** Shorter than the 5 s after which common servers hang up, so that a kept connection is rarely a dead one. */
const idleMilliseconds = 4_000
/** So long one address of several may keep silent before the next one is tried. */
const addressAttemptMilliseconds = 1_000

/**
 * Creates an outbound. Opens nothing yet; `close()` it when done.
 *
 * For every request: https only, to public addresses only, unless the origin is trusted; the name is resolved once for
 * each connection, all its addresses are judged and the socket goes to one of them; certificates are verified whatever the
 * environment says; proxies of the environment are not used; redirects are refused; headers, body and time are
 * bounded; compressed answers are refused.
 *
 * @throws {TypeError} that lists every mistake in the options
 */
export function createOutbound(options: OutboundOptions): Outbound {
  const settings = readOptions(options)
  const pool = {
    keepAlive: true,
    maxSockets: maxConnectionsPerOrigin,
    maxFreeSockets: maxIdleConnectionsPerOrigin,
    timeout: idleMilliseconds,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressAttemptMilliseconds,
  }
  const plainAgent = new PlainAgent(pool)
  const secureAgent = new SecureAgent({
    ...pool,
    secureContext: settings.secureContext,
    rejectUnauthorized: true, // Stated, since NODE_TLS_REJECT_UNAUTHORIZED only changes the default.
  })
  const underWay = new Set<Exchange>()
  let closed = false

  async function request(given: OutboundRequest): Promise<OutboundAnswer> {
    if (closed) return failure('aborted', 'Nothing was sent: this outbound is closed.')
    const destination = parseDestination(given.url, settings.trustedOrigins)
    if (!destination.ok) return destination
    const checked = checkRequest(given, destination.value)
    if (!checked.ok) return checked

    const exchange = startExchange({
      destination: destination.value,
      request: checked.value,
      settings,
      agent: destination.value.secure ? secureAgent : plainAgent,
    })
    underWay.add(exchange)
    const answer = await exchange.answer
    underWay.delete(exchange)
    return answer
  }

  function close(): void {
    closed = true
    for (const exchange of underWay) exchange.abort('this outbound was closed')
    plainAgent.destroy()
    secureAgent.destroy()
  }

  return { request, close }
}
