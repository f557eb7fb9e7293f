import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { modernVersion, readHeaders, type Decision, type RequestForm } from '@mcp-doorman/resource-server'
import { BodyShare, type BodyBudget } from './body-budget.ts'
import { createHostCheck, type HostAllowed } from './host.ts'
import { readHttpOptions, type HttpOptions, type HttpSettings } from './options.ts'
import { corsHeaders, createOriginCheck, preflightHeaders, type OriginAllowed } from './origin.ts'
import { readBody } from './read-body.ts'
import { readTarget } from './request-target.ts'
import { errorResponse, respond, type HttpResponse } from './respond.ts'
import { answerDocument, answerNothing, createRoutes, type FindRoute, type Route } from './routes.ts'
import { OpenStreams } from './open-streams.ts'
import { serveGranted } from './serve-granted.ts'
import type { Serving } from './serving.ts'
import { createSessions } from './sessions.ts'
import { createTurns } from './turns.ts'

/** A server that listens. */
export interface HttpHandle {
  readonly port: number
  /** Takes no more requests, lets those under way end within the drain time, then closes every connection. */
  readonly close: () => Promise<void>
}

interface Front extends Serving {
  readonly findRoute: FindRoute
  readonly hostAllowed: HostAllowed
  readonly originAllowed: OriginAllowed
  readonly bodyBudget: BodyBudget
}

const misdirected = errorResponse(
  421,
  'misdirected_request',
  'This server does not answer to that host name.',
)
const originRefused = errorResponse(403, 'origin_refused', 'Pages of this origin may not use this server.')
const maxHeaderBytes = 32_768 // Casdoor's largest tokens exceed Node's default of 16 KiB (CR12).
// Above what clients wait between two calls, so that the server is not the one to end an idle connection first.
const keepAliveMilliseconds = 75_000
const sweepMilliseconds = 50

/**
 * Serves an endpoint over HTTP, behind its resource server.
 *
 * @throws {TypeError} listing every option that cannot be used
 * @throws {Error} when the address cannot be listened on
 */
export async function startHttp(options: HttpOptions): Promise<HttpHandle> {
  const settings = readHttpOptions(options)
  const { metadata } = settings.resourceServer
  const publicUrl = new URL(metadata.document.resource)
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: settings.headersTimeoutSeconds * 1000,
    requestTimeout: settings.requestTimeoutSeconds * 1000,
    // How late the time-outs may be.
    connectionsCheckingInterval: Math.min(2000, settings.headersTimeoutSeconds * 1000),
    keepAliveTimeout: keepAliveMilliseconds,
  })
  server.maxConnections = settings.maxConnections
  await listen(server, settings.host, settings.port)
  // The server listens on TCP, so its address is one.
  const { port } = server.address() as AddressInfo

  const front: Front = {
    settings,
    findRoute: createRoutes(metadata, settings.plainForm, settings.sessions !== undefined),
    sessions: settings.sessions && createSessions(settings.sessions, () => performance.now()),
    streams: new OpenStreams(settings.maxStreamsPerCaller),
    hostAllowed: createHostCheck(publicUrl, { host: settings.host, port }, settings.allowedHosts),
    originAllowed: createOriginCheck(publicUrl, settings.host, settings.allowedOrigins),
    bodyBudget: { leftBytes: settings.maxBodyBytesUnderWay },
    underWay: new Map(),
    endless: new Set(),
    draining: false,
  }
  const takeTurn = createTurns()
  server.on('request', (request, response) => {
    takeTurn(request, response, () => {
      handle(front, request, response).catch((error: unknown) => {
        // A mistake of ours, or of an audit sink, costs one connection and not the process.
        request.socket.destroy()
        process.emitWarning(error instanceof Error ? error : String(error))
      })
    })
  })
  let closed: Promise<void> | undefined
  return { port, close: () => (closed ??= drain(front, server)) }
}

async function handle(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = readTarget(request, front.hostAllowed)
  if (target === undefined) {
    answer(front, request, response, misdirected)
    return
  }
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  const route = front.findRoute(path)
  if (route === undefined) {
    answer(front, request, response, answerNothing(path))
    return
  }
  if (route.kind === 'document') {
    answer(front, request, response, answerDocument(request.method, route.response))
    return
  }
  const { origin } = request.headers
  if (origin !== undefined && !front.originAllowed(origin)) {
    answer(front, request, response, originRefused)
    return
  }
  if (request.method === 'OPTIONS' && origin !== undefined) {
    const headers = preflightHeaders(origin, route.methods, paramHeaderNames(front.settings))
    answer(front, request, response, { status: 204, headers, body: '' })
    return
  }
  const share = new BodyShare(front.bodyBudget)
  try {
    await handleGuarded(front, route, target, request, response, share)
  } finally {
    // Not with the connection: what goes on without one still holds what it was sent.
    share.release()
  }
}

async function handleGuarded(
  front: Front,
  route: Route & { readonly kind: 'guarded' },
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  share: BodyShare,
): Promise<void> {
  const { resourceServer, maxBodyBytes } = front.settings
  const { origin } = request.headers
  const headers = origin === undefined ? undefined : corsHeaders(origin)
  const decision: Decision = await resourceServer.guard({
    form: formOf(route, request),
    method: request.method ?? '',
    target,
    headers: readHeaders(request.rawHeaders),
    address: request.socket.remoteAddress,
    readBody: (most = maxBodyBytes) => readBody(request, Math.min(most, maxBodyBytes), share),
  })
  if (!decision.granted) {
    const denied = resourceServer.formatDenial(decision)
    answer(
      front,
      request,
      response,
      denied,
      denied.status === 405 ? { ...headers, allow: route.methods } : headers,
    )
    return
  }
  await serveGranted(front, {
    granted: decision,
    request,
    response,
    headers: decision.headers === undefined ? headers : { ...headers, ...decision.headers },
    hasLargeBody: () => share.isCounted,
    respond: (what, extra) => answer(front, request, response, what, extra),
  })
}

/** The headers in which clients repeat arguments of the tools that there are. */
function paramHeaderNames({ endpoint }: HttpSettings): readonly string[] {
  const { entries } = endpoint.transport.methods().offer.tools
  return [
    ...new Set(entries.flatMap(({ paramHeaders }) => paramHeaders.map(({ name }) => `Mcp-Param-${name}`))),
  ]
}

/** One address has several forms where there are sessions: a message, the stream, and the end. */
function formOf(
  { form, methods }: Route & { kind: 'guarded' },
  { method, headers }: IncomingMessage,
): RequestForm {
  // 2026-07-28 has neither sessions nor streams of their own.
  if (form !== 'mcp' || methods === 'POST' || headers['mcp-protocol-version'] === modernVersion) return form
  if (method === 'GET') return 'mcp-stream'
  return method === 'DELETE' ? 'mcp-end' : form
}

function answer(
  front: Front,
  request: IncomingMessage,
  response: ServerResponse,
  what: HttpResponse,
  extra?: Readonly<Record<string, string>>,
): void {
  if (front.draining) response.setHeader('connection', 'close')
  respond(request, response, what, extra, front.settings.responseTimeoutSeconds)
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

async function drain(front: Front, server: Server): Promise<void> {
  front.draining = true
  // These end when somebody ends them, and their clients can go elsewhere.
  front.sessions?.endOwnStreams()
  for (const cancellation of front.endless) cancellation.cancel('the server is closing')
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection that was busy when the server stopped listening is idle when its stream has ended.
  const sweeper = setInterval(() => server.closeIdleConnections(), sweepMilliseconds)
  const timer = setTimeout(() => {
    front.sessions?.close()
    for (const cancellation of front.underWay.keys()) cancellation.cancel('the server is closing')
    server.closeAllConnections()
  }, front.settings.drainSeconds * 1000)
  await closed
  // Without a connection no call can come; legacy ones may still go on without theirs.
  await Promise.allSettled(front.underWay.values())
  front.sessions?.close()
  clearTimeout(timer)
  clearInterval(sweeper)
}
