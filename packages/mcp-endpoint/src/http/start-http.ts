import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readHeaders, type Decision, type ResourceServer } from '@mcp-doorman/resource-server'
import { Cancellation } from '../cancellation.ts'
import type { Endpoint } from '../endpoint.ts'
import { createHostCheck, type HostAllowed } from './host.ts'
import { corsHeaders, createOriginCheck, preflightHeaders, type OriginAllowed } from './origin.ts'
import { readBody } from './read-body.ts'
import { errorResponse, respond } from './respond.ts'
import { answerDocument, answerNothing, createRoutes, type FindRoute, type Route } from './routes.ts'
import { runGranted } from './run-granted.ts'

export interface HttpOptions {
  readonly endpoint: Endpoint
  readonly resourceServer: ResourceServer
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** 0 takes a free one. Default: 0. */
  readonly port?: number
  /** Further values of `Host` to answer to, as `name` or `name:port`. Default: none. */
  readonly allowedHosts?: readonly string[]
  /** Further origins whose pages may use the server, as `https://app.example.com`. Default: none. */
  readonly allowedOrigins?: readonly string[]
  /** Serve `GET /tools/list` and `POST /tools/call` beside MCP. Default: true. */
  readonly plainForm?: boolean
  /** Largest body, in bytes; 1,024 to 1 GiB. Default: 4 MiB. */
  readonly maxBodyBytes?: number
  /** How long the headers of a request may take, in seconds. Default: 10. */
  readonly headersTimeoutSeconds?: number
  /** How long a whole request may take to arrive, in seconds. Default: 30. */
  readonly requestTimeoutSeconds?: number
  /** How many connections at once. Default: 10,000. */
  readonly maxConnections?: number
  /** How long `close()` waits for calls under way, in seconds. Default: 10. */
  readonly drainSeconds?: number
}

/** A server that listens. */
export interface HttpHandle {
  readonly port: number
  /** Takes no more requests, lets those under way end within the drain time, then closes every connection. */
  readonly close: () => Promise<void>
}

interface Front {
  readonly options: HttpOptions
  readonly maxBodyBytes: number
  readonly findRoute: FindRoute
  readonly hostAllowed: HostAllowed
  readonly originAllowed: OriginAllowed
  draining: boolean
}

const maxHeaderBytes = 32_768 // Casdoor's largest tokens exceed Node's default of 16 KiB (CR12).
// Above what clients wait between two calls, so that the server is not the one to end an idle connection first.
const keepAliveMilliseconds = 75_000

/**
 * Serves an endpoint over HTTP, behind its resource server.
 *
 * @throws {Error} when the address cannot be listened on
 */
export async function startHttp(options: HttpOptions): Promise<HttpHandle> {
  const { host = '127.0.0.1', port = 0, drainSeconds = 10, maxBodyBytes = 4 * 1024 * 1024 } = options
  const { metadata } = options.resourceServer
  const publicUrl = new URL(metadata.document.resource)
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: (options.headersTimeoutSeconds ?? 10) * 1000,
    requestTimeout: (options.requestTimeoutSeconds ?? 30) * 1000,
    connectionsCheckingInterval: 2000,
    keepAliveTimeout: keepAliveMilliseconds,
  })
  server.maxConnections = options.maxConnections ?? 10_000
  await listen(server, host, port)
  // The server listens on TCP, so its address is one.
  const listening = (server.address() as AddressInfo).port

  const front: Front = {
    options,
    maxBodyBytes,
    findRoute: createRoutes(metadata, options.plainForm ?? true),
    hostAllowed: createHostCheck(publicUrl, { host, port: listening }, options.allowedHosts ?? []),
    originAllowed: createOriginCheck(publicUrl, host, options.allowedOrigins ?? []),
    draining: false,
  }
  server.on('request', (request, response) => void handle(front, request, response))
  return {
    port: listening,
    close: () => {
      front.draining = true
      return drain(server, drainSeconds)
    },
  }
}

async function handle(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (front.draining) response.setHeader('connection', 'close')
  const target = readTarget(request.url ?? '', front.hostAllowed)
  if (target === undefined || !front.hostAllowed(request.headers.host)) {
    respond(
      request,
      response,
      errorResponse(421, 'misdirected_request', 'This server does not answer to that host name.'),
      undefined,
    )
    return
  }
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  const route = front.findRoute(path)
  if (route === undefined || route.kind === 'document') {
    const answer = route === undefined ? answerNothing(path) : answerDocument(request.method, route.response)
    respond(request, response, answer, undefined)
    return
  }
  const { origin } = request.headers
  if (origin !== undefined && !front.originAllowed(origin)) {
    respond(
      request,
      response,
      errorResponse(403, 'origin_refused', 'Pages of this origin may not use this server.'),
      undefined,
    )
    return
  }
  if (request.method === 'OPTIONS' && origin !== undefined) {
    respond(
      request,
      response,
      { status: 204, headers: preflightHeaders(origin, route.methods), body: '' },
      undefined,
    )
    return
  }
  await handleGuarded(front, route, target, request, response)
}

async function handleGuarded(
  front: Front,
  route: Route & { readonly kind: 'guarded' },
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { resourceServer, endpoint } = front.options
  const { origin } = request.headers
  const extra = origin === undefined ? undefined : corsHeaders(origin)
  const decision: Decision = await resourceServer.guard({
    form: route.form,
    method: request.method ?? '',
    target,
    headers: readHeaders(request.rawHeaders),
    address: request.socket.remoteAddress,
    readBody: () => readBody(request, front.maxBodyBytes),
  })
  if (!decision.granted) {
    respond(request, response, resourceServer.formatDenial(decision), extra)
    return
  }
  const began = performance.now()
  const cancellation = new Cancellation()
  const pending = runGranted(
    endpoint,
    decision,
    (item) => resourceServer.shows(decision.identity, item),
    cancellation,
  )
  let finished
  if (pending instanceof Promise) {
    // In the modern era a caller that goes away cancels; before, only a notification does (G18, G38).
    if (decision.action.era === 'modern')
      response.once('close', () => cancellation.cancel('the caller went away'))
    finished = await pending
  } else {
    finished = pending
  }
  respond(request, response, finished, extra)
  resourceServer.recordOutcome(decision, {
    status: finished.status,
    result: finished.result,
    durationMilliseconds: performance.now() - began,
  })
}

/** The path and query of a request; `undefined` when an absolute target names another host (RFC 9112 §3.2.2). */
function readTarget(url: string, hostAllowed: HostAllowed): string | undefined {
  if (url.startsWith('/')) return url
  if (!URL.canParse(url)) return undefined
  const { host, pathname, search } = new URL(url)
  return hostAllowed(host) ? pathname + search : undefined
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

function drain(server: Server, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), seconds * 1000)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
