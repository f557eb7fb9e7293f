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

/** What is done to the pieces of a body on their way. */
interface Passage {
  readonly take: (piece: Uint8Array) => Uint8Array
  /** What comes behind the last one. */
  readonly end: () => Uint8Array
}

const nothing = new Uint8Array()
const unchanged: Passage = { take: (piece) => piece, end: () => nothing }
const encoder = new TextEncoder()

function filterEvents(body: ReadableStream<Uint8Array>, call: Call, status: number): ReadableStream {
  const events = createEventFilter(call.filter)
  const passage: Passage = {
    take: (piece) => encoder.encode(events.take(piece)),
    end: () => encoder.encode(events.end()),
  }
  return passOn(body, passage, call, status, call.watch)
}

function watchEnd(body: ReadableStream<Uint8Array>, call: Call, status: number): ReadableStream {
  return passOn(body, unchanged, call, status, undefined)
}

/**
 * Passes a body on until it ends, its reader goes away, or its caller's token ends. Whichever comes first is the
 * outcome, and the rest waits for nothing that the handler does: it may be slow to notice that it is to stop.
 */
function passOn(
  body: ReadableStream<Uint8Array>,
  passage: Passage,
  call: Call,
  status: number,
  watch: Call['watch'],
): ReadableStream {
  const reader = body.getReader()
  let unwatch: (() => void) | undefined
  let over = false

  function finish(cancelled: boolean): void {
    over = true
    unwatch?.()
    call.end(status, cancelled)
  }

  function stop(reason?: unknown): void {
    finish(true)
    reader.cancel(reason).catch(() => undefined) // Nobody is left to be told that it did not want to stop.
  }

  /** Puts the next piece of which anything is left into the stream, or ends it. */
  async function pass(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (let passed = false; !passed;) {
      const { done, value } = await reader.read()
      if (over) return
      const out = done ? passage.end() : passage.take(value)
      passed = out.length > 0
      if (passed) controller.enqueue(out)
      if (!done) continue
      finish(false)
      controller.close()
      return
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        unwatch = watch?.((lastEvent) => {
          stop()
          if (lastEvent !== '') controller.enqueue(encoder.encode(lastEvent))
          controller.close()
        })
      },
      pull: async (controller) => {
        try {
          await pass(controller)
        } catch (error) {
          if (over) return
          stop(error)
          controller.error(error)
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  )
}
