import type { Outbound } from '@mcp-doorman/outbound'
import type { DenialCode } from '../denials.ts'
import { addressKey } from '../network-address.ts'
import { Breaker } from './breaker.ts'
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

/** Where a token comes from that an issuer is asked about. */
export interface TokenSource {
  /** Whether the token has been proven before, or by its signature: then it is no garbage. */
  readonly known: boolean
  /** The peer's address, where that is known. */
  readonly address: string | undefined
}

/** Asks an issuer about a token. Never rejects. */
export type Introspect = (token: string, tokenHash: string, source?: TokenSource) => Promise<Introspection>

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
// What is left of it is for tokens that are known.
const maxOfStrangers = 192
const maxOfAddress = 32
// Only addresses whose questions fail are remembered.
const maxAddresses = 1000

const anybody: TokenSource = { known: false, address: undefined }

/**
 * Builds what asks an issuer about tokens (RFC 7662).
 *
 * One question a token at a time, whoever waits for it. An issuer that fails is left alone for a while, see
 * {@link Breaker}. What it has answered is not remembered here.
 *
 * Anybody can send garbage, so what garbage can use up or bring about is its sender's: questions about tokens that are
 * not known are bounded for each address, and an issuer that answers them by 500 is left alone for that address only.
 *
 * `token_type_hint` is always sent: Casdoor calls refresh tokens active without it.
 */
export function createIntrospector(options: IntrospectorOptions): Introspect {
  const { issuer, nowSeconds } = options
  const underWay = new Map<string, Promise<Introspection>>()
  const whole = new Breaker()
  const addresses = new Map<string, Breaker>()

  function unavailable(breaker: Breaker, reason: string, code: DenialCode = 'issuer_unavailable') {
    const retryAfterSeconds = breaker.retryAfterSeconds(nowSeconds())
    const detail = `${issuer} cannot be asked about the token: ${reason}`
    return { ok: false, code, detail, retryAfterSeconds } as const
  }

  async function ask(token: string, own: Breaker | undefined): Promise<Introspection> {
    const answer = await exchange(token, options)
    if (answer.ok) {
      whole.succeed()
      own?.succeed()
      return (
        readAnswer(answer.status, answer.body) ??
        unavailable(whole, `it answered ${answer.status}, and no word of "active"`)
      )
    }
    const failed = answer.perhapsOfToken && own !== undefined ? own : whole
    failed.fail(nowSeconds())
    return unavailable(failed, answer.reason, answer.refused ? 'introspection_refused' : undefined)
  }

  /** Of an address whose tokens are not known here. */
  function breakerOf(key: string): Breaker {
    const found = addresses.get(key)
    if (found !== undefined) return found
    for (const [oldest, { underWay: count }] of addresses) {
      if (addresses.size < maxAddresses) break
      if (count === 0) addresses.delete(oldest)
    }
    const made = new Breaker()
    addresses.set(key, made)
    return made
  }

  function isFull(address: string | undefined, own: Breaker | undefined): boolean {
    if (own === undefined) return underWay.size >= maxUnderWay
    return underWay.size >= maxOfStrangers || (address !== undefined && own.underWay >= maxOfAddress)
  }

  return (token, tokenHash, { known, address } = anybody) => {
    const same = underWay.get(tokenHash)
    if (same !== undefined) return same
    const key = address === undefined ? '' : addressKey(address)
    const own = known ? undefined : breakerOf(key)
    const open = [whole, own].find((breaker) => breaker?.isOpen(nowSeconds()))
    if (open !== undefined) return Promise.resolve(unavailable(open, 'it failed several times in a row'))
    if (isFull(address, own)) return Promise.resolve(unavailable(whole, 'too many questions are under way'))
    whole.underWay += 1
    if (own !== undefined) own.underWay += 1
    const asked = ask(token, own).finally(() => {
      underWay.delete(tokenHash)
      whole.underWay -= 1
      if (own === undefined) return
      own.underWay -= 1
      if (own.isIdle) addresses.delete(key)
    })
    underWay.set(tokenHash, asked)
    return asked
  }
}

type Exchange =
  | { readonly ok: true; readonly status: number; readonly body: Buffer }
  | {
      readonly ok: false
      readonly reason: string
      /** The issuer does not take our own credentials, so asking again will not help. */
      readonly refused?: boolean
      /** The issuer is there, and may have failed at this token alone. */
      readonly perhapsOfToken?: boolean
    }

async function exchange(token: string, options: IntrospectorOptions): Promise<Exchange> {
  const signal = AbortSignal.timeout(options.timeoutSeconds * 1000)
  const endpoint = await options.findEndpoint(signal)
  if (!endpoint.ok) return { ok: false, reason: endpoint.reason }
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
    return { ok: false, reason }
  }
  const { status, body } = answer
  if (status === 401 || status === 403) {
    const reason = `it answered ${status}: it does not take this server's own credentials. Correct them`
    return { ok: false, reason, refused: true }
  }
  if (status >= 500 || status === 429) {
    return { ok: false, reason: `it answered ${status}`, perhapsOfToken: status >= 500 }
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
