import { isLoopbackHost } from '@mcp-doorman/outbound'
import type { DenialResponse } from '../challenge.ts'
import type { ProtectedResourceMetadata } from '../metadata.ts'

/** An answer, ready to be written. */
export type PlainAnswer = DenialResponse

const requestHeaders =
  'Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID'
const answerHeaders = 'WWW-Authenticate, DPoP-Nonce, Mcp-Session-Id, Retry-After, Doorman-Decision'

/** Public documents may be read by every page. */
const everyPage = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': requestHeaders,
}

/** An answer outside of MCP, in JSON. */
export function plainError(
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): PlainAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ error, error_description: description }),
  }
}

/** The metadata document, wherever it stands. */
export interface DocumentAnswers {
  readonly paths: readonly string[]
  /** `undefined` for every other path. */
  readonly answer: (method: string, path: string) => PlainAnswer | undefined
}

/**
 * Builds what answers for the metadata document.
 *
 * Needs no token and looks at no origin, since a client without a token must be able to read it.
 *
 * @see RFC 9728 §3
 */
export function createDocumentAnswers(
  { document, paths }: ProtectedResourceMetadata,
  servedAt: string,
): DocumentAnswers {
  // A proxy that changes paths sends clients that append the well-known path here too.
  const appended = `${servedAt.replace(/\/$/, '')}/.well-known/oauth-protected-resource`
  const known = new Set([...paths, appended].flatMap((path) => [path, `${path}/`]))
  const whole: PlainAnswer = {
    status: 200,
    headers: { ...everyPage, 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
    body: JSON.stringify(document),
  }
  const allowed: PlainAnswer = { status: 204, headers: everyPage, body: '' }
  const refused = plainError(405, 'method_not_allowed', 'This document can only be read.', {
    ...everyPage,
    allow: 'GET, HEAD, OPTIONS',
  })
  return {
    paths: [...known],
    answer: (method, path) => {
      if (!known.has(path)) return undefined
      if (method === 'GET' || method === 'HEAD') return whole
      return method === 'OPTIONS' ? allowed : refused
    },
  }
}

/** Whether pages of an origin may use the resource. */
export function originAllowed(origin: string, accepted: ReadonlySet<string>, resource: URL): boolean {
  if (accepted.has(origin)) return true
  if (!isLoopbackHost(resource.hostname) || !URL.canParse(origin)) return false
  const url = new URL(origin)
  // An origin that is not written as browsers write it is somebody else's string.
  return url.origin === origin && /^https?:$/.test(url.protocol) && isLoopbackHost(url.hostname)
}

export const originRefused = plainError(
  403,
  'origin_refused',
  'Pages of this origin may not use this server.',
)

/** For an allowed page, on every answer. */
export function pageHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': answerHeaders,
    vary: 'Origin',
  }
}

/** To the question that a browser asks before a request; it has no token to send. */
export function preflightAnswer(origin: string): PlainAnswer {
  return {
    status: 204,
    headers: {
      ...pageHeaders(origin),
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': requestHeaders,
      'access-control-max-age': '600',
    },
    body: '',
  }
}
