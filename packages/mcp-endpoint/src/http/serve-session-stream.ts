import { EventStream } from './event-stream.ts'
import { refused, type Finished } from './run-granted.ts'
import type { GrantedRequest, Serving } from './serving.ts'
import type { HttpSession } from './session.ts'

/**
 * Serves the stream of a session that belongs to no request, or the rest of one whose connection broke. Ends with the
 * connection, the session, or the token that opened it.
 */
export async function serveSessionStream(
  { settings, streams }: Serving,
  asked: GrantedRequest,
  session: HttpSession,
): Promise<Finished> {
  const { granted, request, response, headers, respond } = asked
  const { identity } = granted
  const lastEventId = request.headers['last-event-id']
  const missed = typeof lastEventId === 'string' ? session.findMissed(lastEventId) : undefined
  if (lastEventId !== undefined && missed === undefined) {
    const gone = refused(
      undefined,
      404,
      -32600,
      'What came after this event is not kept any more. Ask again.',
    )
    respond(gone, headers)
    return gone
  }
  if (!streams.take(identity.callerKey)) {
    const full = refused(undefined, 429, 429, 'Too many streams of yours are open. Close one first.')
    respond(full, headers)
    return full
  }
  const closed = new Promise((resolve) => response.once('close', resolve))
  const stream = new EventStream(response, headers, settings)
  const stopWatching = settings.resourceServer.watch(identity, () => stream.end())
  const log = missed?.log ?? session.ownLog
  log.connect(stream, response)
  if (missed !== undefined) log.replay(missed.number)
  else if (session.client.version === '2025-11-25') stream.prime(log.place)
  await closed
  stopWatching()
  streams.release(identity.callerKey)
  session.touch(performance.now())
  return { status: 200, headers: {}, body: '', result: 'ok' }
}
