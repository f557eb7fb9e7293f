import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { Destination, Parsed } from './destination.ts'
import type { OutboundRequest } from './outbound.ts'
import { failure } from './problems.ts'

/** What will be sent, beside the URL. */
export interface CheckedRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | undefined
  readonly signal: AbortSignal | undefined
}

/** Headers that say where a message ends and to whom it goes; two opinions on that are an attack. */
const connectionHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Judges everything about a request beside its URL. Never throws. */
export function checkRequest(request: OutboundRequest, { label }: Destination): Parsed<CheckedRequest> {
  const { method = 'GET', body, signal } = request
  if (method !== 'GET' && method !== 'POST') {
    return failure('invalid_url', `${label}: nothing was sent, the method must be GET or POST.`)
  }
  if (method === 'GET' && body !== undefined) {
    return failure('invalid_url', `${label}: nothing was sent, a GET has no body. Use POST.`)
  }
  if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) {
    return failure('invalid_url', `${label}: nothing was sent, the body must be text or a Buffer.`)
  }
  // Some servers refuse whoever does not give a name. Compressed answers are refused: see exchange.ts.
  const headers: Record<string, string> = { 'user-agent': 'doorman', 'accept-encoding': 'identity' }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const lowerName = name.toLowerCase()
    if (connectionHeaders.has(lowerName)) {
      return failure(
        'invalid_url',
        `${label}: nothing was sent, the header ${lowerName} is not the caller's.`,
      )
    }
    if (!isSendable(name, value)) {
      return failure(
        'invalid_url',
        `${label}: nothing was sent, a header has a character that HTTP does not allow.`,
      )
    }
    headers[lowerName] = value
  }
  return { ok: true, value: { method, headers, body, signal } }
}

function isSendable(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return typeof value === 'string'
  } catch {
    return false
  }
}
