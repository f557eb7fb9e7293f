import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readHeaders, type Decision } from '@mcp-doorman/resource-server'
import { Cancellation } from '../cancellation.ts'
import { BodyShare, type BodyBudget } from './body-budget.ts'
import { createHostCheck, type HostAllowed } from './host.ts'
import { readHttpOptions, type HttpOptions, type HttpSettings } from './options.ts'
import { corsHeaders, createOriginCheck, preflightHeaders, type OriginAllowed } from './origin.ts'
import { readBody } from './read-body.ts'
import { readTarget } from './request-target.ts'
import { errorResponse, respond, type HttpResponse } from './respond.ts'
import { answerDocument, answerNothing, createRoutes, type FindRoute, type Route } from './routes.ts'
import { runGranted, type Finished } from './run-granted.ts'
import { createTurns } from './turns.ts'

/** A server that listens. */
export interface HttpHandle {
  readonly port: number
  /** Takes no more requests, lets those under way end within the drain time, then closes every connection. */
  readonly close: () => Promise<void>
}

interface Front {
  readonly settings: HttpSettings
  readonly findRoute: FindRoute
  readonly hostAllowed: HostAllowed
  readonly originAllowed: OriginAllowed
  readonly bodyBudget: BodyBudget
  /** Calls that have not ended, with or without a connection that waits for them. */
  readonly underWay: Map<Cancellation, Promise<unknown>>
  draining: boolean
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
    findRoute: createRoutes(metadata, settings.plainForm),
    hostAllowed: createHostCheck(publicUrl, { host: settings.host, port }, settings.allowedHosts),
    originAllowed: createOriginCheck(publicUrl, settings.host, settings.allowedOrigins),
    bodyBudget: { leftBytes: settings.maxBodyBytesUnderWay },
    underWay: new Map(),
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
    const headers = preflightHeaders(origin, route.methods)
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
  const { resourceServer, endpoint, maxBodyBytes } = front.settings
  const { origin } = request.headers
  const extra = origin === undefined ? undefined : corsHeaders(origin)
  const decision: Decision = await resourceServer.guard({
    form: route.form,
    method: request.method ?? '',
    target,
    headers: readHeaders(request.rawHeaders),
    address: request.socket.remoteAddress,
    readBody: (most = maxBodyBytes) => readBody(request, Math.min(most, maxBodyBytes), share),
  })
  if (!decision.granted) {
    answer(front, request, response, resourceServer.formatDenial(decision), extra)
    return
  }
  const began = performance.now()
  const cancellation = new Cancellation()
  // In the modern era a caller that goes away cancels; before, only a notification does (G18, G38).
  const leaving = decision.action.era === 'modern' ? response : undefined
  const pending = runGranted(
    endpoint,
    decision,
    (item) => resourceServer.shows(decision.identity, item),
    cancellation,
  )
  const finished = pending instanceof Promise ? await follow(front, pending, cancellation, leaving) : pending
  answer(front, request, response, finished, extra)
  resourceServer.recordOutcome(decision, {
    status: finished.status,
    result: finished.result,
    durationMilliseconds: performance.now() - began,
  })
}

/** Waits for a call, which until then ends with the server, and if `leaving` is given with that response. */
async function follow(
  front: Front,
  pending: Promise<Finished>,
  cancellation: Cancellation,
  leaving: ServerResponse | undefined,
): Promise<Finished> {
  const leave = (): void => cancellation.cancel('the caller went away')
  leaving?.once('close', leave)
  front.underWay.set(cancellation, pending)
  try {
    return await pending
  } finally {
    front.underWay.delete(cancellation)
    leaving?.removeListener('close', leave)
  }
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
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const timer = setTimeout(() => {
    for (const cancellation of front.underWay.keys()) cancellation.cancel('the server is closing')
    server.closeAllConnections()
  }, front.settings.drainSeconds * 1000)
  await closed
  // Without a connection no call can come; legacy ones may still go on without theirs.
  await Promise.allSettled(front.underWay.values())
  clearTimeout(timer)
}
