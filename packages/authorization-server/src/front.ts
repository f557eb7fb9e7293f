import type { IncomingMessage, ServerResponse } from 'node:http'
import { presentedTokenName } from './adapter.ts'
import { isLoopbackUrl } from './loopback.ts'
import { routes } from './provider.ts'
import { isForm, readBody, withBody } from './request-body.ts'
import type { Resources } from './resources.ts'

const metadataNames = ['oauth-authorization-server', 'openid-configuration']
/** What pages of other origins may call. None of it acts on cookies. */
const openToBrowsers: ReadonlySet<string> = new Set([
  ...metadataNames.map((name) => `/.well-known/${name}`),
  routes.jwks,
  routes.registration,
  routes.token,
  routes.revocation,
])
const maxBodyBytes = 65_536
const maxQueryBytes = 8192

export type Route =
  /** Nothing of ours, and JSON says so. */
  | { readonly kind: 'unknown' }
  /** The path below the issuer. */
  | { readonly kind: 'path'; readonly path: string }

/**
 * Finds the path below the issuer. Metadata stands at the path-inserted URL (RFC 8414 §3.1) and at the appended one
 * (OpenID Connect Discovery §4).
 */
export function findRoute(url: string, base: string): Route {
  const path = url.split('?', 1)[0] ?? '/'
  for (const name of metadataNames) {
    if (path === `/.well-known/${name}${base}`) return { kind: 'path', path: `/.well-known/${name}` }
  }
  if (base === '') return { kind: 'path', path }
  if (path.startsWith(`${base}/`)) return { kind: 'path', path: path.slice(base.length) }
  return { kind: 'unknown' }
}

/** What a request can be about, beside pages. */
export type Endpoint =
  | 'authorization'
  | 'discovery'
  | 'introspection'
  | 'jwks'
  | 'registration'
  | 'revocation'
  | 'token'

const endpointsByPath: ReadonlyMap<string, Endpoint> = new Map([
  ...metadataNames.map((name): [string, Endpoint] => [`/.well-known/${name}`, 'discovery']),
  [routes.authorization, 'authorization'],
  [routes.introspection, 'introspection'],
  [routes.jwks, 'jwks'],
  [routes.registration, 'registration'],
  [routes.revocation, 'revocation'],
  [routes.token, 'token'],
])

/** Which endpoint a path below the issuer belongs to; after its pages, an authorization request goes on below it. */
export function endpointOf(path: string): Endpoint | undefined {
  if (path.startsWith(`${routes.authorization}/`)) return 'authorization'
  return endpointsByPath.get(path)
}

/**
 * Against DNS rebinding: on loopback, a page of another name that was pointed at us must not get an answer. Elsewhere
 * the name belongs to whoever runs the server, or to a proxy before it.
 */
export function isHostAllowed(host: string | undefined, issuer: string): boolean {
  if (!isLoopbackUrl(issuer)) return true
  const { protocol, port } = new URL(issuer)
  const asked = `${protocol}//${host ?? ''}`
  return isLoopbackUrl(asked) && new URL(asked).port === port
}

/** Sets the CORS headers, and answers the preflight. @returns whether the request is answered */
export function answerCors(request: IncomingMessage, response: ServerResponse, path: string): boolean {
  if (!openToBrowsers.has(path)) return false
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-expose-headers', 'WWW-Authenticate')
  if (request.method !== 'OPTIONS') return false
  response
    .writeHead(204, {
      'access-control-allow-methods': 'GET, POST',
      // A star does not cover Authorization (Fetch standard §4.8), so it is named.
      'access-control-allow-headers': 'Authorization, Content-Type, Accept, MCP-Protocol-Version, DPoP',
      'access-control-max-age': '600',
    })
    .end()
  return true
}

/**
 * Makes a request say what is configured instead of what its sender wrote: oidc-provider builds the URLs of its
 * metadata from these headers.
 */
export function pinOrigin(request: IncomingMessage, issuer: string, base: string, path: string): void {
  const { host, protocol } = new URL(issuer)
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith('x-forwarded-') || name === 'forwarded') delete request.headers[name]
  }
  request.headers.host = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  const query = request.url?.slice((request.url ?? '').split('?', 1)[0]?.length ?? 0) ?? ''
  request.url = path + query
  // koa and oidc-provider find the part before the path here, as under express.
  Object.assign(request, { originalUrl: base + path + query })
}

/**
 * Whether the query of an authorization request is too long to look at: more than 8 KiB. Whoever asks may be anybody,
 * and what they ask is kept until the person has answered.
 */
export function isQueryTooLong(request: IncomingMessage): boolean {
  const [, query = ''] = (request.url ?? '').split(/(\?.*)/s, 2)
  return query.length > maxQueryBytes
}

/** Gives the query of an authorization request the registered spelling of its resources. */
export function rewriteQuery(request: IncomingMessage, resources: Resources): void {
  const [path = '/', query] = (request.url ?? '/').split(/\?(.*)/s, 2)
  if (query === undefined) return
  const params = new URLSearchParams(query)
  if (!canonicalizeResources(params, resources)) return
  request.url = `${path}?${params.toString()}`
}

/**
 * Reads the form of a token, introspection or revocation request and gives it the names that oidc-provider finds.
 *
 * @returns the request to go on with, or the status of the refusal
 */
export async function rewriteForm(
  request: IncomingMessage,
  path: string,
  resources: Resources,
): Promise<IncomingMessage | 400 | 413> {
  const body = await readBody(request, maxBodyBytes)
  if (!body.ok) return body.status
  if (!isForm(request)) return withBody(request, body.value)
  const params = new URLSearchParams(body.value.toString())
  let changed = canonicalizeResources(params, resources)
  const tokens = params.getAll('token')
  if (path !== routes.token && tokens.length > 0) {
    params.delete('token')
    for (const token of tokens) params.append('token', presentedTokenName(token))
    changed = true
  }
  return withBody(request, changed ? Buffer.from(params.toString()) : body.value)
}

function canonicalizeResources(params: URLSearchParams, resources: Resources): boolean {
  const given = params.getAll('resource')
  const canonical = given.map((identifier) => resources.canonical(identifier))
  if (given.every((identifier, index) => identifier === canonical[index])) return false
  params.delete('resource')
  for (const identifier of canonical) params.append('resource', identifier)
  return true
}
