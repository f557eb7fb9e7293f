import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import {
  answerKind,
  createEventFilter,
  filterJson,
  type AnswerKind,
  type EventFilter,
} from './answer-text.ts'
import type { Call } from './call.ts'
import type { PlainAnswer } from './public-answers.ts'

/** Writes a whole answer. Node leaves the body out where the method is HEAD. */
export function writeNodeAnswer(response: ServerResponse, { status, headers, body }: PlainAnswer): void {
  if (response.destroyed) return
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }
  response.writeHead(status, { ...headers, ...length })
  response.end(body)
}

type Chunk = string | Uint8Array
type Callback = (error?: Error | null) => void
type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

/**
 * Puts a call's filter between a handler and its response, which the handler writes to as ever.
 *
 * A JSON answer is held until it is whole; events go on one by one; anything else goes on as it is, unless there was
 * something to leave out of it. The outcome is recorded when the response is over.
 */
export function filterNodeResponse(response: ServerResponse, call: Call): void {
  const writeHead = response.writeHead.bind(response)
  const write = response.write.bind(response)
  const end = response.end.bind(response)
  const flushHeaders = response.flushHeaders.bind(response)
  for (const [name, value] of Object.entries(call.headers)) response.setHeader(name, value)

  let kind: AnswerKind | undefined
  let events: EventFilter | undefined
  const held: Buffer[] = []
  let unwatch: (() => void) | undefined

  function begin(): AnswerKind {
    if (kind !== undefined) return kind
    const type = response.getHeader('content-type')
    const encoded = response.getHeader('content-encoding') !== undefined
    kind = encoded ? 'other' : answerKind(typeof type === 'string' ? type : undefined)
    const session = response.getHeader('mcp-session-id')
    call.answered(typeof session === 'string' ? session : undefined)
    // What may not go on unread is held, to be refused at the end.
    if (kind === 'other' && call.filter.mustRead) kind = 'json'
    if (kind === 'json') return kind
    if (kind === 'events') {
      response.removeHeader('content-length')
      events = createEventFilter(call.filter)
      unwatch = call.watch?.((lastEvent) => end(lastEvent))
    }
    writeHead(response.statusCode)
    return kind
  }

  function endHeld(done?: Callback): void {
    const encoded = response.getHeader('content-encoding') !== undefined
    const text = Buffer.concat(held)
    const out = encoded && text.length > 0 ? undefined : filterJson(text.toString('utf8'), call.filter)
    const refused = out === undefined
    if (refused) {
      response.statusCode = 502
      response.removeHeader('content-encoding')
    } else if (text.length === 0 && out !== '') response.statusCode = 200
    const body = out ?? call.failure
    if (body !== '') {
      response.setHeader('content-type', 'application/json')
      response.setHeader('content-length', Buffer.byteLength(body))
    }
    writeHead(response.statusCode)
    end(body, done)
  }

  response.writeHead = (status: number, second?: string | Headers, third?: Headers) => {
    response.statusCode = status
    setHeaders(response, typeof second === 'string' ? third : second)
    begin()
    return response
  }
  response.flushHeaders = () => {
    if (begin() !== 'json') flushHeaders()
  }
  // Overloads with and without an encoding; text is UTF-8 in all of MCP.
  response.write = ((chunk: Chunk, second?: unknown, third?: unknown) => {
    const done = [second, third].find(isCallback)
    switch (begin()) {
      case 'json':
        held.push(Buffer.from(chunk))
        if (done !== undefined) process.nextTick(done)
        return true
      case 'events':
        return write(events?.take(Buffer.from(chunk)) ?? '', done)
      case 'other':
        return write(chunk, done)
    }
  }) as ServerResponse['write']
  response.end = ((first?: unknown, second?: unknown, third?: unknown) => {
    const done = [first, second, third].find(isCallback)
    if (isChunk(first)) response.write(first)
    else begin()
    if (kind === 'json') endHeld(done)
    else end(events?.end() ?? '', done)
    return response
  }) as ServerResponse['end']

  response.once('close', () => {
    unwatch?.()
    call.end(response.statusCode, !response.writableEnded)
  })
}

function setHeaders(response: ServerResponse, headers: Headers | undefined): void {
  if (Array.isArray(headers)) {
    for (let place = 0; place + 1 < headers.length; place += 2) {
      response.appendHeader(String(headers[place]), String(headers[place + 1]))
    }
    return
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value !== undefined) response.setHeader(name, value)
  }
}

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}

function isChunk(value: unknown): value is Chunk {
  return typeof value === 'string' || value instanceof Uint8Array
}
