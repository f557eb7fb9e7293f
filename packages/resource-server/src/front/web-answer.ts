import { answerKind, createEventFilter, filterJson } from './answer-text.ts'
import type { AuthInfo } from './auth-info.ts'
import type { Call } from './call.ts'
import type { PlainAnswer } from './public-answers.ts'

/** What a handler is told besides the request; the second argument of the official SDK's `fetch`. */
export interface Granted {
  /** The caller. See {@link identityOf} for the whole of it. */
  readonly authInfo: AuthInfo
  /** The body that was judged, parsed. The request has it too, as text. */
  readonly parsedBody: unknown
}

/** A whole answer as a web response. */
export function webAnswer({ status, headers, body }: PlainAnswer, method: string): Response {
  const empty = body === '' || method === 'HEAD'
  return new Response(empty ? null : body, { status, headers })
}

/** Runs a handler, and gives its response back as it may go on; records the outcome when it is over. */
export async function filterWebResponse(
  call: Call,
  run: () => Response | Promise<Response>,
  onHandlerError: (error: unknown) => void,
): Promise<Response> {
  try {
    return await filtered(call, await run())
  } catch (error) {
    onHandlerError(error)
    return settled(call, 500, new Headers(call.headers), call.failure)
  }
}

async function filtered(call: Call, response: Response): Promise<Response> {
  const { status, body } = response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(call.headers)) {
    if (name !== 'cache-control' || !headers.has(name)) headers.set(name, value)
  }
  call.answered(headers.get('mcp-session-id'))
  const encoded = headers.has('content-encoding')
  const kind = encoded ? 'other' : answerKind(headers.get('content-type'))
  if (kind === 'events' && body !== null) {
    headers.delete('content-length')
    return new Response(filterEvents(body, call, status), { status, headers })
  }
  // What should have been read and cannot be is refused.
  if (kind === 'other' && (!call.filter.mustRead || status >= 400)) {
    if (body === null) call.end(status)
    return new Response(body && watchEnd(body, call, status), { status, headers })
  }
  const text = await response.text()
  const out = encoded && text !== '' ? undefined : filterJson(text, call.filter)
  if (out === undefined) return settled(call, 502, headers, call.failure)
  return settled(call, text === '' && out !== '' ? 200 : status, headers, out)
}

function settled(call: Call, status: number, headers: Headers, body: string): Response {
  headers.delete('content-length')
  headers.delete('content-encoding')
  if (body !== '') headers.set('content-type', 'application/json')
  call.end(status)
  return new Response(body === '' ? null : body, { status, headers })
}

function filterEvents(body: ReadableStream<Uint8Array>, call: Call, status: number): ReadableStream {
  const events = createEventFilter(call.filter)
  const encoder = new TextEncoder()
  let unwatch: (() => void) | undefined
  const transform = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => {
      unwatch = call.watch?.((lastEvent) => {
        if (lastEvent !== '') controller.enqueue(encoder.encode(lastEvent))
        controller.terminate()
      })
    },
    transform: (piece, controller) => {
      const out = events.take(piece)
      if (out !== '') controller.enqueue(encoder.encode(out))
    },
    flush: (controller) => {
      const out = events.end()
      if (out !== '') controller.enqueue(encoder.encode(out))
    },
  })
  return followed(body, transform, (cancelled) => {
    unwatch?.()
    call.end(status, cancelled)
  })
}

function watchEnd(body: ReadableStream<Uint8Array>, call: Call, status: number): ReadableStream {
  return followed(body, new TransformStream(), (cancelled) => call.end(status, cancelled))
}

function followed(
  body: ReadableStream<Uint8Array>,
  transform: TransformStream<Uint8Array, Uint8Array>,
  onEnd: (cancelled: boolean) => void,
): ReadableStream {
  void body.pipeTo(transform.writable).then(
    () => onEnd(false),
    () => onEnd(true), // The reader went away, or the stream was ended from here.
  )
  return transform.readable
}
