import type { Failed } from '@mcp-doorman/mcp-endpoint'

/** In which ways an upstream can fail a request. */
export type FailureKind =
  | 'unreachable'
  | 'ended'
  | 'timeout'
  | 'too_large'
  | 'malformed'
  | 'reported'
  | 'not_admitted'
  | 'overloaded'
  | 'session_lost'
  | 'too_many'
  | 'cancelled'

/** An upstream that did not do what was asked of it. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
  readonly kind: FailureKind

  /** @param detail - for the operator; nothing of it reaches a client */
  constructor(kind: FailureKind, detail: string) {
    super(detail)
    this.kind = kind
  }
}

/** The status over HTTP, and all that a client is told (requirements H26 and H28). */
const answers: Readonly<Record<Exclude<FailureKind, 'cancelled'>, readonly [status: number, text: string]>> =
  {
    unreachable: [502, 'The server behind this gateway cannot be reached.'],
    ended: [502, 'The server behind this gateway ended before it had answered.'],
    session_lost: [502, 'The server behind this gateway has forgotten its session.'],
    timeout: [504, 'The server behind this gateway took too long.'],
    too_large: [502, 'The answer of the server behind this gateway is too large.'],
    malformed: [502, 'The answer of the server behind this gateway cannot be read.'],
    reported: [200, 'The server behind this gateway reported an error. The operator can find it in the log.'],
    not_admitted: [502, 'The server behind this gateway does not let the gateway in.'],
    overloaded: [429, 'The server behind this gateway has too much to do. Try again later.'],
    too_many: [503, 'Too much is under way behind this gateway. Try again later.'],
  }

/** What a client gets of a failure; one who has cancelled gets nothing. */
export function outcomeOf({ kind }: UpstreamFailure): Failed | { readonly kind: 'cancelled' } {
  if (kind === 'cancelled') return { kind }
  const [status, message] = answers[kind]
  return { kind: 'error', error: { code: status === 429 ? 429 : -32603, message }, status }
}
