/**
 * Why there is no answer. Names are permanent.
 *
 * - `invalid_url`: the URL, or another part of the request, cannot be sent as it was given.
 * - `insecure_url`: plain http to something other than a named loopback origin.
 * - `address_refused`: the host lives, or partly lives, where a fetch must not go.
 * - `name_not_found`: the resolver gave no address.
 * - `connection_failed`: nobody accepted the connection, or what came back is not a whole, plain HTTP answer.
 * - `tls_failed`: the certificate or the TLS handshake was not acceptable.
 * - `timeout`: the exchange took longer than it may.
 * - `too_large`: the headers or the body are larger than they may be.
 * - `redirected`: the answer was a redirect; they are never followed.
 * - `aborted`: the caller's signal fired, or the outbound was closed.
 */
export type OutboundProblem =
  | 'invalid_url'
  | 'insecure_url'
  | 'address_refused'
  | 'name_not_found'
  | 'connection_failed'
  | 'tls_failed'
  | 'timeout'
  | 'too_large'
  | 'redirected'
  | 'aborted'

/** A request that came to nothing. `message` is for operators; it has no query string, header or body in it. */
export interface Failure {
  readonly ok: false
  readonly problem: OutboundProblem
  readonly message: string
}

export function failure(problem: OutboundProblem, message: string): Failure {
  return { ok: false, problem, message }
}

/** Carries a failure through the error channel of a socket, for the one caller that can only pass an error. */
export class RefusedError extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.name = 'RefusedError'
    this.failure = failure
  }
}

/** The code of a system, TLS or parser error, or its name: short, and free of anything that was sent. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  // AggregateError of several connection attempts: the last one is as good a reason as any.
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors.at(-1))
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
