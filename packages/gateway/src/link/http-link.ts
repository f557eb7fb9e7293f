import { errors, type Dispatcher } from 'undici'
import { UpstreamFailure } from '../failure.ts'
import type { HttpSettings } from '../options.ts'
import { parseMessage, type Fields, type RpcResponse } from '../rpc-message.ts'
import {
  discard,
  failureOf,
  isResponse,
  mediaTypeOf,
  readResponse,
  readWhole,
  type HttpAnswer,
} from './http-answer.ts'
import type { HttpPools } from './http-pool.ts'
import type { Link, LinkEvents, OutgoingRequest, ReceiveMessage } from './link.ts'
import { SseReader } from './sse-reader.ts'

const both = 'application/json, text/event-stream'
const mostReturns = 1000
const closeMilliseconds = 2000

type Headers = Readonly<Record<string, string>>

/**
 * Speaks Streamable HTTP for one principal: with the gateway's own headers, and nothing of any client's.
 *
 * @see MCP 2026-07-28 and 2025-11-25, Streamable HTTP
 */
export class HttpLink implements Link {
  readonly hasHeaders = true
  readonly #settings: HttpSettings
  readonly #pools: HttpPools
  readonly #events: LinkEvents
  #session: string | undefined
  #version: string | undefined
  #isLost = false
  #closed = false

  /** @param pools - the connections to the server, which all principals share */
  constructor(settings: HttpSettings, pools: HttpPools, events: LinkEvents) {
    this.#settings = settings
    this.#pools = pools
    this.#events = events
  }

  async request(outgoing: OutgoingRequest): Promise<RpcResponse> {
    const { id, method, params, headers, signal } = outgoing
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    const { requests, streams } = this.#pools
    const pool = outgoing.staysOpen === true ? streams : requests
    const answer = await this.#exchange(pool, 'POST', headers, body, signal)
    if (method === 'initialize') this.#takeSession(answer)
    return this.#guarded(signal, async () => {
      if (mediaTypeOf(answer) === 'text/event-stream' && answer.status === 200) {
        return this.#readStream(answer, outgoing)
      }
      const { maxMessageBytes } = this.#settings
      if (answer.status === 404 && this.#session !== undefined) {
        await readWhole(answer, maxMessageBytes)
        this.#isLost = true
        throw new UpstreamFailure('session_lost', 'It has forgotten the session.')
      }
      if (mediaTypeOf(answer) !== 'application/json') {
        discard(answer)
        throw failureOf(answer.status)
      }
      return readResponse(answer.status, await readWhole(answer, maxMessageBytes), id)
    })
  }

  async send(message: Fields): Promise<void> {
    const signal = AbortSignal.timeout(this.#settings.callTimeoutSeconds * 1000)
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    try {
      discard(await this.#exchange(this.#pools.requests, 'POST', {}, body, signal))
    } catch {
      // Nobody waits for it; whatever is wrong will be seen by the next request.
    }
  }

  async openStream(signal: AbortSignal): Promise<void> {
    const reader = new SseReader(this.#settings.maxMessageBytes)
    for (;;) {
      const answer = await this.#exchange(this.#pools.streams, 'GET', resumption(reader), undefined, signal)
      if (answer.status !== 200 || mediaTypeOf(answer) !== 'text/event-stream') {
        discard(answer)
        return
      }
      await this.#guarded(signal, () => readEvents(answer, reader, this.#events.receive))
      await pause(retryOf(reader), signal)
    }
  }

  agree(version: string | undefined): void {
    this.#version = version
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#session === undefined || this.#isLost) return
    try {
      const signal = AbortSignal.timeout(closeMilliseconds)
      discard(await this.#exchange(this.#pools.requests, 'DELETE', {}, undefined, signal))
    } catch {
      // A session that its server cannot be told about ends there by itself.
    }
  }

  /** The answer is on a stream, perhaps after other messages, perhaps only on one that is opened later. */
  async #readStream(first: HttpAnswer, outgoing: OutgoingRequest): Promise<RpcResponse> {
    const { id, signal, receive, onDetach } = outgoing
    const reader = new SseReader(this.#settings.maxMessageBytes)
    let answer = first
    for (let count = 0; count < mostReturns; count += 1) {
      const response = await readEvents(answer, reader, receive, id)
      if (response !== undefined) return response
      if (this.#session === undefined || reader.lastEventId === undefined) break
      const retry = retryOf(reader)
      onDetach(retry)
      await pause(retry, signal)
      answer = await this.#exchange(this.#pools.requests, 'GET', resumption(reader), undefined, signal)
      if (answer.status !== 200 || mediaTypeOf(answer) !== 'text/event-stream') {
        discard(answer)
        throw failureOf(answer.status)
      }
    }
    throw new UpstreamFailure('ended', 'The event stream ended without the answer.')
  }

  async #exchange(
    pool: Dispatcher,
    method: 'GET' | 'POST' | 'DELETE',
    own: Headers,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { url, headers } = this.#settings
    const {
      statusCode,
      headers: answered,
      body: stream,
    } = await this.#guarded(signal, () =>
      pool.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: {
          ...headers,
          accept: method === 'GET' ? 'text/event-stream' : both,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(this.#version !== undefined && { 'mcp-protocol-version': this.#version }),
          ...(this.#session !== undefined && { 'mcp-session-id': this.#session }),
          ...own,
        },
        body: body ?? null,
        signal,
        headersTimeout: 0, // The signal ends it.
        bodyTimeout: 0,
      }),
    )
    stream.on('error', () => undefined) // Whoever reads it is told; nobody else need be.
    return { status: statusCode, headers: answered, body: stream }
  }

  #takeSession({ headers }: HttpAnswer): void {
    const id = headers['mcp-session-id']
    // Visible characters, as MCP has it; anything else cannot be sent back.
    if (typeof id === 'string' && /^[\x21-\x7e]{1,1024}$/.test(id)) this.#session = id
  }

  /** Turns whatever goes wrong on the way into a failure, or into the reason why it was ended. */
  async #guarded<Value>(signal: AbortSignal, run: () => Promise<Value>): Promise<Value> {
    try {
      return await run()
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof UpstreamFailure) throw error
      const text = error instanceof Error ? error.message : String(error)
      const began = error instanceof errors.SocketError
      throw new UpstreamFailure(began ? 'ended' : 'unreachable', text)
    }
  }
}

/** @returns the response with this id; `undefined` when the stream ends without it */
async function readEvents(
  answer: HttpAnswer,
  reader: SseReader,
  receive: ReceiveMessage,
  id?: string,
): Promise<RpcResponse | undefined> {
  const { body, headers } = answer
  if (headers['content-encoding'] !== undefined) {
    throw new UpstreamFailure('malformed', 'The stream is encoded, which was not asked for.')
  }
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (const { type, data } of reader.read(chunk)) {
        if (type !== 'message' || data === '') continue
        const message = parseMessage(data)
        if (message === undefined)
          throw new UpstreamFailure('malformed', 'An event is no message of JSON-RPC.')
        if (!isResponse(message)) receive(message)
        else if (id !== undefined && (message.id === id || message.id === null)) {
          discard(answer)
          return message
        }
      }
    }
  } catch (error) {
    body.destroy()
    throw error
  }
  return undefined
}

/** How long to wait before the server is asked for the rest: never so short that it is flooded. */
function retryOf({ retryMilliseconds = 1000 }: SseReader): number {
  return Math.min(60_000, Math.max(50, retryMilliseconds))
}

function resumption({ lastEventId }: SseReader): Headers {
  return lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error) // Ours always.
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
