import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { modernVersion, readHeaders, type Decision, type RequestForm } from '@mcp-doorman/resource-server'
import { BodyShare, type BodyBudget } from './body-budget.ts'
import { createMountTable, findClashes, type Mounted, type MountTable } from './mount-table.ts'
import { readMounts, type Mount, type MountSettings } from './mount.ts'
import { OpenStreams } from './open-streams.ts'
import { checkBudget, readHttpOptions, type HttpOptions, type HttpSettings } from './options.ts'
import { corsHeaders, preflightHeaders } from './origin.ts'
import { readBody } from './read-body.ts'
import { readTarget } from './request-target.ts'
import { errorResponse, respond, type HttpResponse } from './respond.ts'
import { cancelCalls, endStreams, retire } from './retire.ts'
import { answerDocument, answerNothing, type Route } from './routes.ts'
import { serveGranted } from './serve-granted.ts'
import { createTurns } from './turns.ts'

/** A server that listens. */
export interface HttpHandle {
  readonly port: number
  /**
   * Serves other mounts from now on: each request is judged and answered by what was mounted when it came. A mount of
   * the same parts is left alone. One that has only another resource server keeps its sessions, and its streams end, so
   * that their clients come again and are judged anew. Any other that is not among them ends as by `close()`.
   *
   * Resolves when nothing that began before goes on, so that what it needed can be closed.
   *
   * @throws {TypeError} (as a rejection) listing everything that cannot be mounted; nothing changes then
   */
  readonly replace: (mounts: readonly Mount[]) => Promise<void>
  /** Takes no more requests, lets those under way end within the drain time, then closes every connection. */
  readonly close: () => Promise<void>
}

interface Front {
  readonly settings: HttpSettings
  readonly streams: OpenStreams
  readonly bodyBudget: BodyBudget
  /** What was served before, until nothing of it goes on. */
  readonly retiring: Set<Promise<unknown>>
  table: MountTable
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
const sweepMilliseconds = 50

/**
 * Serves endpoints over HTTP, each behind its resource server and at its path.
 *
 * @throws {TypeError} listing every option that cannot be used
 * @throws {Error} when the address cannot be listened on
 */
export async function startHttp(options: HttpOptions): Promise<HttpHandle> {
  const problems: string[] = []
  const mounts = readMounts(options.mounts, problems)
  const settings = readHttpOptions(options, largestBody(mounts), problems)
  throwProblems('HTTP cannot be served', problems, mounts)
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

  const streams = new OpenStreams(settings.maxStreamsPerCaller)
  const front: Front = {
    settings,
    streams,
    bodyBudget: { leftBytes: settings.maxBodyBytesUnderWay },
    retiring: new Set(),
    table: createMountTable(mounts, { settings, port, streams, before: [] }),
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
  return {
    port,
    replace: (next) => replace(front, port, next),
    close: () => (closed ??= drain(front, server)),
  }
}

function largestBody(mounts: readonly MountSettings[]): number {
  return Math.max(1024, ...mounts.map(({ maxBodyBytes }) => maxBodyBytes))
}

/** @param mounts - looked at only where nothing is wrong with each of them */
function throwProblems(what: string, problems: string[], mounts: readonly MountSettings[]): void {
  if (problems.length === 0) problems.push(...findClashes(mounts))
  if (problems.length > 0) throw new TypeError(`${what}:\n- ${problems.join('\n- ')}`)
}

async function replace(front: Front, port: number, next: readonly Mount[]): Promise<void> {
  if (front.draining) throw new Error('The server is closing, so nothing can be mounted any more.')
  const { settings, streams } = front
  const problems: string[] = []
  const mounts = readMounts(next, problems)
  checkBudget(settings.maxBodyBytesUnderWay, largestBody(mounts), problems)
  throwProblems('The mounts cannot be replaced', problems, mounts)

  const { mounted: before } = front.table
  const table = createMountTable(mounts, { settings, port, streams, before })
  front.table = table // From here on, and in one step.
  for (const { sessions, settings: now } of table.mounted) {
    if (sessions !== undefined) sessions.judge = now.resourceServer
  }
  const kept = new Set(table.mounted.map(({ sessions }) => sessions))
  const gone = before.filter((mounted) => !table.mounted.includes(mounted))
  const retiring = Promise.all(
    gone.map((mounted) => retire(mounted, settings.drainSeconds, kept.has(mounted.sessions))),
  ).finally(() => front.retiring.delete(retiring))
  front.retiring.add(retiring)
  await retiring
}

async function handle(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { table } = front // Looked at once: a request is never judged by two configurations.
  const target = readTarget(request, table.hostAllowed)
  if (target === undefined) {
    answer(front, request, response, misdirected)
    return
  }
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  const place = table.find(path)
  if (place === undefined) {
    answer(front, request, response, answerNothing(path))
    return
  }
  const { route, mounted } = place
  if (route.kind === 'document') {
    answer(front, request, response, answerDocument(request.method, route.response))
    return
  }
  const { origin } = request.headers
  if (origin !== undefined && !mounted.originAllowed(origin)) {
    answer(front, request, response, originRefused)
    return
  }
  if (request.method === 'OPTIONS' && origin !== undefined) {
    const headers = preflightHeaders(origin, route.methods, paramHeaderNames(mounted))
    answer(front, request, response, { status: 204, headers, body: '' })
    return
  }
  const share = new BodyShare(front.bodyBudget)
  const pending = handleGuarded(front, mounted, route, target, request, response, share)
  mounted.requests.add(pending)
  try {
    await pending
  } finally {
    mounted.requests.delete(pending)
    // Not with the connection: what goes on without one still holds what it was sent.
    share.release()
  }
}

async function handleGuarded(
  front: Front,
  mounted: Mounted,
  route: Route & { readonly kind: 'guarded' },
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  share: BodyShare,
): Promise<void> {
  const { resourceServer, maxBodyBytes } = mounted.settings
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
  await serveGranted(mounted, {
    granted: decision,
    request,
    response,
    headers: decision.headers === undefined ? headers : { ...headers, ...decision.headers },
    hasLargeBody: () => share.isCounted,
    respond: (what, extra) => answer(front, request, response, what, extra),
  })
}

/** The headers in which clients repeat arguments of the tools that there are. */
function paramHeaderNames({ settings }: Mounted): readonly string[] {
  return [...new Set(settings.endpoint.transport.paramHeaders().map((name) => `Mcp-Param-${name}`))]
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
  const { mounted } = front.table
  const reason = 'the server is closing'
  for (const one of mounted) endStreams(one, reason)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection that was busy when the server stopped listening is idle when its stream has ended.
  const sweeper = setInterval(() => server.closeIdleConnections(), sweepMilliseconds)
  const timer = setTimeout(() => {
    for (const one of mounted) {
      one.sessions?.close()
      cancelCalls(one, reason)
    }
    server.closeAllConnections()
  }, front.settings.drainSeconds * 1000)
  await closed
  // Without a connection no call can come; legacy ones may still go on without theirs.
  await Promise.allSettled([...mounted.flatMap(({ requests }) => [...requests]), ...front.retiring])
  for (const { sessions } of mounted) sessions?.close()
  clearTimeout(timer)
  clearInterval(sweeper)
}
