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

type Callback = (error?: Error | null) => void
type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

/**
 * Puts a call's filter between a handler and its response, which the handler writes to as ever.
 *
 * A JSON answer is held until it is whole; events go on one by one; anything else goes on as it is, unless there was
 * something to leave out of it. The outcome is recorded when the response is over.
 *
 * @returns what ends the response when the handler threw: by an answer that says nothing of why, or by breaking it off
 */
export function filterNodeResponse(response: ServerResponse, call: Call): () => void {
  const writeHead = response.writeHead.bind(response)
  const write = response.write.bind(response)
  const end = response.end.bind(response)
  const flushHeaders = response.flushHeaders.bind(response)
  for (const [name, value] of Object.entries(call.headers)) response.setHeader(name, value)

  let kind: AnswerKind | undefined
  let events: EventFilter | undefined
  let unwatch: (() => void) | undefined
  const held: Buffer[] = []

  function begin(): AnswerKind {
    if (kind !== undefined) return kind
    kind = kindOf(response, call)
    const session = response.getHeader('mcp-session-id')
    call.answered(typeof session === 'string' ? session : undefined)
    if (kind === 'json') return kind // Its head waits for its body.
    if (kind === 'events') {
      response.removeHeader('content-length')
      events = createEventFilter(call.filter)
      // The handler may have ended it, and the client still be reading.
      unwatch = call.watch?.((lastEvent) => void (response.writableEnded || end(lastEvent)))
    }
    writeHead(response.statusCode)
    return kind
  }

  function endWhole(status: number, body: string, done?: Callback): void {
    if (body !== '') {
      response.setHeader('content-type', 'application/json')
      response.setHeader('content-length', Buffer.byteLength(body))
    }
    writeHead(status)
    end(body, done)
  }

  function endHeld(done?: Callback): void {
    const whole = Buffer.concat(held)
    const readable = whole.length === 0 || response.getHeader('content-encoding') === undefined
    const out = readable ? filterJson(whole.toString('utf8'), call.filter) : undefined
    if (out === undefined) {
      response.removeHeader('content-encoding')
      endWhole(502, call.failure, done)
      return
    }
    endWhole(whole.length === 0 && out !== '' ? 200 : response.statusCode, out, done)
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
  // Overloads with and without an encoding and a callback.
  response.write = ((chunk: unknown, second?: unknown, third?: unknown) => {
    const done = [second, third].find(isCallback)
    // Its caller's token may have ended it meanwhile, which the handler learns by "close".
    if (response.writableEnded) return false
    const bytes = bytesOf(chunk, second)
    switch (begin()) {
      case 'json':
        held.push(bytes)
        if (done !== undefined) process.nextTick(done)
        return true
      case 'events':
        return write(events?.take(bytes) ?? '', done)
      case 'other':
        return write(bytes, done)
    }
  }) as ServerResponse['write']
  response.end = ((first?: unknown, second?: unknown, third?: unknown) => {
    const done = [first, second, third].find(isCallback)
    if (response.writableEnded) return response
    if (typeof first === 'string' || first instanceof Uint8Array) response.write(bytesOf(first, second))
    if (begin() === 'json') endHeld(done)
    else end(events?.end() ?? '', done)
    return response
  }) as ServerResponse['end']

  response.once('close', () => {
    unwatch?.()
    call.end(response.statusCode, !response.writableEnded)
  })
  return () => {
    if (response.headersSent) response.destroy()
    else endWhole(500, call.failure)
  }
}

function kindOf(response: ServerResponse, { filter }: Call): AnswerKind {
  const type = response.getHeader('content-type')
  const encoded = response.getHeader('content-encoding') !== undefined
  const kind = encoded || typeof type !== 'string' ? 'other' : answerKind(type)
  // What should have been read and cannot be is held, to be refused when it is whole.
  return kind === 'other' && filter.mustRead && response.statusCode < 400 ? 'json' : kind
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

function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8')
  }
  if (chunk instanceof Uint8Array) return Buffer.from(chunk)
  throw new TypeError('A response takes text and bytes only.')
}

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}
