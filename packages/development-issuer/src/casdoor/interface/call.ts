import type { IncomingMessage } from 'node:http'
import { parseGoJson } from './go-json.ts'
import type { Session } from '../people/sessions.ts'

/** A request, read whole. */
export interface Call {
  /** HEAD is answered as GET is. */
  readonly method: string
  readonly path: string
  /** As it was sent, with its query. */
  readonly url: string
  readonly query: URLSearchParams
  readonly host: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** The issuer that this request is answered for. */
  readonly issuer: string
  readonly session: Session
}

/** Credentials of RFC 7617; as Casdoor reads them, that is, not percent-decoded. */
export interface BasicCredentials {
  readonly name: string
  readonly password: string
}

export function readBasic(call: Call): BasicCredentials | undefined {
  const encoded = /^Basic (.+)$/.exec(call.headers.authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

export function readBearer(call: Call): string | undefined {
  return /^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1]
}

export function readQuery({ query }: Call): Readonly<Record<string, string>> {
  return collect(query)
}

/** A form; the query's parameters are read where the form has none of that name. */
export function readForm(call: Call): Readonly<Record<string, string>> {
  const isForm = (call.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')
  return collect(isForm ? new URLSearchParams(call.body) : new URLSearchParams(), call.query)
}

/** What the token endpoint takes: a form, a JSON object, or the query. */
export function readParameters(call: Call): Readonly<Record<string, string>> {
  if (!(call.headers['content-type'] ?? '').startsWith('application/json')) return readForm(call)
  return { ...collect(call.query), ...readTexts(call.body) }
}

/** The members of a JSON object that are text. */
export function readTexts(body: string): Readonly<Record<string, string>> {
  const parsed = parseGoJson(body)
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null) return {}
  return Object.fromEntries(
    Object.entries(parsed.value).filter(
      (member): member is [string, string] => typeof member[1] === 'string',
    ),
  )
}

/** The first value of each name, and the names of the first set before those of the next. */
function collect(...sets: readonly URLSearchParams[]): Readonly<Record<string, string>> {
  const values = new Map<string, string>()
  for (const set of sets) {
    for (const [name, value] of set) if (!values.has(name)) values.set(name, value)
  }
  return Object.fromEntries(values)
}
