import { isLoopbackName } from './host.ts'

/** Whether a browser page of this origin may use the server. An absent origin is no browser's. */
export type OriginAllowed = (origin: string) => boolean

/**
 * Origins are compared whole: scheme, host and port. A loopback listener also accepts every loopback origin, of any
 * port, so that local tools that run in a browser work as they come.
 *
 * @see requirements G50, G54
 */
export function createOriginCheck(
  publicUrl: URL,
  listeningHost: string,
  allowedOrigins: readonly string[],
): OriginAllowed {
  const accepted = new Set([publicUrl.origin, ...allowedOrigins])
  const loopback = isLoopbackName(listeningHost)
  return (origin) => accepted.has(origin) || (loopback && isLoopbackOrigin(origin))
}

function isLoopbackOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  // An origin that is not written as browsers write it is somebody else's string.
  return (
    url.origin === origin &&
    /^https?:$/.test(url.protocol) &&
    isLoopbackName(url.hostname.replace(/^\[|\]$/g, ''))
  )
}

const allowedHeaders =
  'Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID'

/** For an allowed origin, on every answer. */
export function corsHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers':
      'WWW-Authenticate, DPoP-Nonce, Mcp-Session-Id, Retry-After, Doorman-Decision',
    vary: 'Origin',
  }
}

/** For the question that a browser asks before a request; answered before any token is looked at. */
export function preflightHeaders(
  origin: string,
  methods: string,
  further: readonly string[],
): Readonly<Record<string, string>> {
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': methods,
    'access-control-allow-headers': [allowedHeaders, ...further].join(', '),
    'access-control-max-age': '600',
  }
}

/** The public documents may be read by every page. */
export const documentCors: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': allowedHeaders,
}
