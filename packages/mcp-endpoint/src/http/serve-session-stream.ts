import { EventStream } from './event-stream.ts'
import { resumableVersion } from './event-log.ts'
import { refused, tooManyStreams, type Finished } from './refusal.ts'
import type { GrantedRequest, Serving } from './serving.ts'
import type { HttpSession } from './session.ts'

const over: Finished = { status: 200, headers: {}, body: '', result: 'ok' }
const retryMilliseconds = 1000

/**
 * Serves the stream of a session that belongs to no request, or the rest of one whose connection broke. Ends with the
 * connection, the session, or the token that opened it.
 */
export async function serveSessionStream(
  { settings, streams, draining }: Serving,
  asked: GrantedRequest,
  session: HttpSession,
): Promise<Finished> {
  const { granted, request, response, headers, respond } = asked
  const { identity } = granted
  const { resourceServer } = settings
  const refuse = (status: number, code: number, text: string): Finished => {
    const finished = refused(undefined, status, code, text)
    respond(finished, headers)
    return finished
  }
  if (response.destroyed) return over // Its client left while the token was looked at.
  if (draining) return refuse(503, -32603, 'The server is closing. Try again in a moment.')
  const lastEventId = request.headers['last-event-id']
  const missed = typeof lastEventId === 'string' ? session.findMissed(lastEventId) : undefined
  const item = missed?.log.item
  if (
    lastEventId !== undefined &&
    (missed === undefined || (item && !resourceServer.allows(identity, item)))
  ) {
    // Not 404, which would say that the session is gone.
    return refuse(400, -32600, 'What came after this event is not kept any more. Ask again.')
  }
  if (!streams.take(identity.callerKey)) return refuse(429, 429, tooManyStreams)

  const closed = new Promise((resolve) => response.once('close', resolve))
  const stream = new EventStream(response, headers, settings)
  const resumable = session.client.version === resumableVersion
  const stopWatching = resourceServer.watch(identity, () => {
    if (resumable) stream.retry(retryMilliseconds)
    stream.end()
  })
  const log = missed?.log ?? session.ownLog
  if (missed === undefined && resumable) stream.prime(log.wasRead ? log.place : log.start)
  // What changed before the client first came is not missed either.
  const from = missed?.number ?? (log.wasRead ? undefined : 0)
  log.connect(stream, response)
  if (from !== undefined) log.replay(from)
  await closed
  stopWatching()
  streams.release(identity.callerKey)
  session.use(session.identity, performance.now())
  return over
}
