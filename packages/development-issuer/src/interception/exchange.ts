import type { IncomingHttpHeaders } from 'node:http'
import type { Endpoint } from '@mcp-doorman/authorization-server'

/** A request to an engine, read whole. */
export interface Exchange {
  /** Undefined for pages and unknown paths. */
  readonly endpoint: Endpoint | undefined
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Empty where the method has none. */
  readonly body: Buffer
}

/** An answer of an engine, or one that is sent in its place. */
export interface Answer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
  /** So many bytes of blanks follow the body. */
  readonly blanks?: number
  /** The connection ends in the middle of the body. */
  readonly cut?: true
}

/** What becomes of a request: it goes on, changed or not; it is answered; or nobody ever answers it. */
export type Course = { readonly exchange: Exchange } | { readonly answer: Answer } | 'silence'

/** An access token on its way out. */
export interface TokenDraft {
  readonly claims: Readonly<Record<string, unknown>>
  /** The protected header that it was issued with, and is signed with again. */
  readonly header: Readonly<Record<string, unknown>>
  /** Signs in the engine's place. */
  readonly sign?: (
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>>,
  ) => string
  /** Handed out in the token's place, whatever it may be. */
  readonly replacement?: string
}

/** What is known when a token goes out. */
export interface TokenOccasion {
  /** The other members of the token response; empty for a token without a login. */
  readonly response: Readonly<Record<string, unknown>>
}

/** Something that stands between the socket and an engine: a fault, or a manner of some provider. */
export interface Interceptor {
  /** Sees each request first. */
  readonly ask?: (exchange: Exchange) => Course | Promise<Course>
  /** Sees each answer last. */
  readonly answer?: (answer: Answer, exchange: Exchange) => Answer | Promise<Answer>
  /** Sees each access token before it is handed out. */
  readonly token?: (draft: TokenDraft, occasion: TokenOccasion) => TokenDraft
}

export function queryOf(exchange: Exchange): URLSearchParams {
  return new URLSearchParams(exchange.url.split(/\?(.*)/s, 2)[1] ?? '')
}

/** The parameters of a form; empty for any other body. */
export function formOf({ headers, body }: Exchange): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '')
  return new URLSearchParams(isForm ? body.toString() : '')
}

/** The parameters of an authorization request, which may come by either method. */
export function parametersOf(exchange: Exchange): URLSearchParams {
  return exchange.method === 'POST' ? formOf(exchange) : queryOf(exchange)
}

/** The same request with other parameters, where it had them. */
export function withParameters(exchange: Exchange, parameters: URLSearchParams): Exchange {
  const text = parameters.toString()
  if (exchange.method === 'POST') return { ...exchange, body: Buffer.from(text) }
  const [path = '/'] = exchange.url.split('?', 1)
  return { ...exchange, url: `${path}?${text}` }
}

/** The members of a JSON object; undefined for any other text. */
export function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

export function jsonAnswer(
  status: number,
  document: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: Buffer.from(JSON.stringify(document)),
  }
}

export function oauthError(status: number, error: string, description: string): Answer {
  return jsonAnswer(status, { error, error_description: description })
}

/** The answer with another JSON object; answers that hold none, as those to HEAD and OPTIONS, stay as they are. */
export function changeJson(
  answer: Answer,
  change: (document: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Answer {
  const document = answer.status < 300 ? parseObject(answer.body) : undefined
  return document === undefined ? answer : { ...answer, body: Buffer.from(JSON.stringify(change(document))) }
}

/** The same members but for those named. */
export function without(
  members: Readonly<Record<string, unknown>>,
  ...names: readonly string[]
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))
}

/** The answer with other parameters in the redirect to the client; any other answer stays as it is. */
export function changeRedirect(answer: Answer, change: (parameters: URLSearchParams) => void): Answer {
  const { location } = answer.headers
  if (typeof location !== 'string' || !URL.canParse(location)) return answer
  const url = new URL(location)
  if (!url.searchParams.has('code') && !url.searchParams.has('error')) return answer
  change(url.searchParams)
  // Its body told the old address.
  return { ...answer, headers: { ...answer.headers, location: url.href }, body: Buffer.alloc(0) }
}
