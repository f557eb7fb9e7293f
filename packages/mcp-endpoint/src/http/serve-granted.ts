import type { ServerResponse } from 'node:http'
import type { Message } from '@mcp-doorman/resource-server'
import { Cancellation } from '../cancellation.ts'
import { LegacyClient } from '../eras/legacy-client.ts'
import { notification } from '../notifications.ts'
import { HttpRun } from './http-run.ts'
import { RequestChannel } from './request-channel.ts'
import { refused, type Finished } from './refusal.ts'
import { runGranted } from './run-granted.ts'
import { serveSessionStream } from './serve-session-stream.ts'
import type { GrantedRequest, Serving } from './serving.ts'
import type { HttpSession } from './session.ts'
import type { Sessions } from './sessions.ts'

/** Serves what was granted, and records how it ended. */
export async function serveGranted(serving: Serving, asked: GrantedRequest): Promise<void> {
  const began = performance.now()
  const { form, action } = asked.granted
  const { sessions } = serving
  const inSession = sessions !== undefined && action.era === 'legacy' && form.startsWith('mcp')
  const pending = inSession
    ? serveInSession(serving, sessions, asked)
    : serveMessages(serving, asked, undefined)
  const finished = pending instanceof Promise ? await pending : pending
  serving.settings.resourceServer.recordOutcome(asked.granted, {
    status: finished.status,
    result: finished.result,
    durationMilliseconds: performance.now() - began,
  })
}

function serveInSession(
  serving: Serving,
  sessions: Sessions,
  asked: GrantedRequest,
): Finished | Promise<Finished> {
  const [message] = asked.granted.action.messages
  const found = findSession(sessions, asked, message)
  if ('status' in found) return respond(asked, found)
  const { session } = found
  if (session === undefined) return beginSession(serving, sessions, asked, message)
  if (asked.granted.form === 'mcp-stream') return serveSessionStream(serving, asked, session)
  if (asked.granted.form !== 'mcp-end') return serveMessages(serving, asked, session)
  session.end('the client has ended its session')
  return respond(asked, { status: 204, headers: {}, body: '', result: 'ok' })
}

/** The session that a request names, none for one that begins a session, or the answer when there is no such session. */
function findSession(
  sessions: Sessions,
  { granted, request }: GrantedRequest,
  message: Message | undefined,
): { readonly session: HttpSession | undefined } | Finished {
  const id = request.headers['mcp-session-id']
  const { action, identity } = granted
  const session = typeof id === 'string' ? sessions.find(id, identity) : undefined
  if (message?.method === 'initialize' && message.kind === 'request') {
    // A client whose session is gone may begin again without forgetting its id first (CR7).
    if (session === undefined) return { session }
    return refused(
      message,
      400,
      -32600,
      'This session has begun already. Leave Mcp-Session-Id out to begin another.',
    )
  }
  if (id === undefined)
    return refused(message, 400, -32600, 'Mcp-Session-Id is missing. Begin with "initialize".')
  if (session === undefined)
    return refused(message, 404, -32600, 'There is no such session. Begin with "initialize".')
  if (action.batch && session.client.version !== '2025-03-26') {
    return refused(undefined, 400, -32600, `There are no batches in ${session.client.version}.`)
  }
  return { session }
}

/** Runs `initialize` with a session that the client is told of. */
function beginSession(
  serving: Serving,
  sessions: Sessions,
  asked: GrantedRequest,
  message: Message | undefined,
): Finished | Promise<Finished> {
  const { identity } = asked.granted
  const session = message && sessions.open(new LegacyClient(message), identity)
  if (session === undefined) {
    const full = 'Too many sessions are open. End one, or try again later.'
    return respond(asked, refused(message, 429, 429, full))
  }
  tellChanges(serving, sessions, session)
  const headers = { ...asked.headers, 'mcp-session-id': session.id }
  const begun = serveMessages(serving, { ...asked, headers }, session)
  return begun instanceof Promise ? begun.then((finished) => keepIfBegun(session, finished)) : begun
}

/** What stands behind may have failed, and then there is nothing to go on with. */
function keepIfBegun(session: HttpSession, finished: Finished): Finished {
  if (finished.result === 'error') session.end('it could not begin')
  return finished
}

/** Has a session told of what changes, as far as its client asked and may know, until it ends. */
function tellChanges({ settings }: Serving, sessions: Sessions, session: HttpSession): void {
  session.client.follow(
    settings.endpoint.transport.follow({
      caller: session.identity,
      callerKey: session.identity.callerKey,
      wantsList: () => true,
      mayKnow: (uri) => sessions.judge.allows(session.identity, { kind: 'resource', name: uri }),
      tell: (method, params) => session.ownLog.append(notification(method, params)),
    }),
  )
}

function serveMessages(
  serving: Serving,
  asked: GrantedRequest,
  session: HttpSession | undefined,
): Finished | Promise<Finished> {
  const { granted } = asked
  const { resourceServer, endpoint } = serving.settings
  const { action, form } = granted
  const cancellation = new Cancellation()
  if (action.messages[0]?.method === 'subscriptions/listen') {
    const problem = refuseEndless(serving, asked)
    if (problem !== undefined) return respond(asked, problem)
    serving.endless.add(cancellation)
  }
  const channel = form === 'mcp' ? new RequestChannel(serving, asked, session, cancellation) : undefined
  const context = new HttpRun(resourceServer, granted, cancellation, channel, session?.client)
  const pending = runGranted(endpoint.transport, granted, context)
  if (!(pending instanceof Promise)) {
    serving.endless.delete(cancellation)
    return finish(asked, channel, pending)
  }
  // In the modern era a caller that goes away cancels; before, only a notification does (G18, G38).
  const leaving = action.era === 'modern' ? asked.response : undefined
  return follow(serving, pending, cancellation, leaving, session).then((finished) =>
    finish(asked, channel, finished),
  )
}

function finish(asked: GrantedRequest, channel: RequestChannel | undefined, finished: Finished): Finished {
  return channel?.finish(finished.body) === true ? finished : respond(asked, finished)
}

/** What lasts as long as its client likes may not keep much, and is not begun while the server closes. */
function refuseEndless(serving: Serving, { granted, hasLargeBody }: GrantedRequest): Finished | undefined {
  const [message] = granted.action.messages
  if (serving.draining) return refused(message, 503, -32603, 'The server is closing. Try again in a moment.')
  return hasLargeBody() ? refused(message, 413, -32600, 'A subscription may have 64 KiB.') : undefined
}

function respond(asked: GrantedRequest, finished: Finished): Finished {
  asked.respond(finished, asked.headers)
  return finished
}

/** Waits for a call, which until then ends with the server, and if `leaving` is given with that response. */
async function follow(
  { underWay, endless }: Serving,
  pending: Promise<Finished>,
  cancellation: Cancellation,
  leaving: ServerResponse | undefined,
  session: HttpSession | undefined,
): Promise<Finished> {
  const leave = (): void => cancellation.cancel('the caller went away')
  leaving?.once('close', leave)
  underWay.add(cancellation)
  session?.beginCall()
  try {
    return await pending
  } finally {
    session?.endCall(performance.now())
    underWay.delete(cancellation)
    endless.delete(cancellation)
    leaving?.removeListener('close', leave)
  }
}
