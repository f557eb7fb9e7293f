import type { Outbound } from '@mcp-doorman/outbound'
import type { DenialCode } from '../denials.ts'
import type { AuthenticateClient } from './client-authentication.ts'
import type { FindEndpoint } from './issuer-documents.ts'

export type Introspection =
  /** The issuer says that the token is good, and these things of it. Nothing of them is judged yet. */
  { readonly ok: true; readonly members: Readonly<Record<string, unknown>> } | IntrospectionFailure

export interface IntrospectionFailure {
  readonly ok: false
  readonly code: DenialCode
  readonly detail: string
  readonly retryAfterSeconds?: number
}

/** Asks an issuer about a token. Never rejects. */
export type Introspect = (token: string, tokenHash: string) => Promise<Introspection>

export interface IntrospectorOptions {
  readonly issuer: string
  readonly outbound: Outbound
  readonly findEndpoint: FindEndpoint
  readonly authenticate: AuthenticateClient
  /** For one question, in seconds, whatever it takes to ask. */
  readonly timeoutSeconds: number
  readonly nowSeconds: () => number
}

// Garbage costs a question each, so there is a bound to how many wait for one issuer.
const maxUnderWay = 256
const failuresBeforePause = 3
const longestPauseSeconds = 30

/**
 * Builds what asks an issuer about tokens (RFC 7662).
 *
 * One question a token at a time, whoever waits for it. After three failures in a row the issuer is left alone for a
 * second, then for twice as long each time up to half a minute, and then asked one question. What it has answered is not
 * remembered here.
 *
 * `token_type_hint` is always sent: Casdoor calls refresh tokens active without it.
 */
export function createIntrospector(options: IntrospectorOptions): Introspect {
  const { issuer, nowSeconds } = options
  const underWay = new Map<string, Promise<Introspection>>()
  let failures = 0
  let retryAt = Number.NEGATIVE_INFINITY

  function unavailable(reason: string, code: DenialCode = 'issuer_unavailable'): IntrospectionFailure {
    const retryAfterSeconds = Math.max(1, Math.ceil(retryAt - nowSeconds()))
    return {
      ok: false,
      code,
      detail: `${issuer} cannot be asked about the token: ${reason}`,
      retryAfterSeconds,
    }
  }

  async function ask(token: string): Promise<Introspection> {
    const answer = await exchange(token, options)
    if (answer.ok) {
      failures = 0
      return (
        readAnswer(answer.status, answer.body) ??
        unavailable(`it answered ${answer.status}, and no word of "active"`)
      )
    }
    failures += 1
    const pause = failures < failuresBeforePause ? 0 : 2 ** (failures - failuresBeforePause)
    retryAt = nowSeconds() + Math.min(longestPauseSeconds, pause)
    return unavailable(answer.reason, answer.refused ? 'introspection_refused' : undefined)
  }

  return (token, tokenHash) => {
    const same = underWay.get(tokenHash)
    if (same !== undefined) return same
    const paused = failures >= failuresBeforePause && (nowSeconds() < retryAt || underWay.size > 0)
    if (paused) return Promise.resolve(unavailable('it failed several times in a row'))
    if (underWay.size >= maxUnderWay) return Promise.resolve(unavailable('too many questions are under way'))
    const asked = ask(token).finally(() => underWay.delete(tokenHash))
    underWay.set(tokenHash, asked)
    return asked
  }
}

type Exchange =
  | { readonly ok: true; readonly status: number; readonly body: Buffer }
  /** `refused`: the issuer does not take our own credentials, so asking again will not help. */
  | { readonly ok: false; readonly reason: string; readonly refused: boolean }

async function exchange(token: string, options: IntrospectorOptions): Promise<Exchange> {
  const signal = AbortSignal.timeout(options.timeoutSeconds * 1000)
  const endpoint = await options.findEndpoint(signal)
  if (!endpoint.ok) return { ok: false, reason: endpoint.reason, refused: false }
  const { headers, form } = await options.authenticate()
  const answer = await options.outbound.request({
    url: endpoint.url,
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: new URLSearchParams({ token, token_type_hint: 'access_token', ...form }).toString(),
    signal,
  })
  if (!answer.ok) {
    const reason = signal.aborted ? 'it did not answer in time' : answer.message
    return { ok: false, reason, refused: false }
  }
  const { status, body } = answer
  if (status === 401 || status === 403) {
    const reason = `it answered ${status}: it does not take this server's own credentials. Correct them`
    return { ok: false, reason, refused: true }
  }
  if (status >= 500 || status === 429) {
    return { ok: false, reason: `it answered ${status}`, refused: false }
  }
  return { ok: true, status, body }
}

/** @returns `undefined` when this is no answer to the question */
function readAnswer(status: number, body: Buffer): Introspection | undefined {
  if (status !== 200) return undefined
  let members: unknown
  try {
    members = JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
  if (typeof members !== 'object' || members === null || !Object.hasOwn(members, 'active')) return undefined
  // An object that is no array with "active" in it is a record of unknown values.
  const record = members as Readonly<Record<string, unknown>>
  if (record['active'] === true) return { ok: true, members: record }
  return { ok: false, code: 'token_inactive', detail: 'the issuer says that it is not active' }
}
