import type { ServerResponse } from 'node:http'

export interface EventStreamOptions {
  readonly keepAliveSeconds: number
  /** How long a client may take to read what waits for it. */
  readonly responseTimeoutSeconds: number
}

const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-store',
  // Or proxies gather events until they have a bufferful.
  'x-accel-buffering': 'no',
}
// What may wait in our memory for one client. Beyond it, what can be missed is.
const mostWaitingBytes = 1024 * 1024

/** An answer that is written event by event (HTML Standard §9.2, server-sent events). */
export class EventStream {
  readonly #response: ServerResponse
  readonly #stallSeconds: number
  readonly #keepAlive: NodeJS.Timeout
  #stalled: NodeJS.Timeout | undefined

  constructor(
    response: ServerResponse,
    headers: Readonly<Record<string, string>> | undefined,
    { keepAliveSeconds, responseTimeoutSeconds }: EventStreamOptions,
  ) {
    this.#response = response
    this.#stallSeconds = responseTimeoutSeconds
    response.writeHead(200, { ...streamHeaders, ...headers })
    response.flushHeaders()
    // Proxies close what is silent, and a client that is gone is noticed by writing only.
    this.#keepAlive = setInterval(() => this.#write(': keep-alive\n\n'), keepAliveSeconds * 1000)
    response.once('close', () => {
      clearInterval(this.#keepAlive)
      clearTimeout(this.#stalled)
    })
    response.on('drain', () => {
      clearTimeout(this.#stalled)
      this.#stalled = undefined
    })
  }

  /** One event whose data is a message: JSON, so without line ends. */
  send(data: string, id?: string): void {
    this.#write(`${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`)
  }

  /** An event without data, which only tells the client where it stands. */
  prime(id: string): void {
    this.#write(`id: ${id}\ndata:\n\n`)
  }

  /** How long the client is to wait before it comes back. */
  retry(milliseconds: number): void {
    this.#write(`retry: ${milliseconds}\n\n`)
  }

  /** Whether so much waits already that what can be missed should be. */
  get isFull(): boolean {
    return this.#response.writableLength > mostWaitingBytes
  }

  end(): void {
    clearInterval(this.#keepAlive)
    this.#response.end()
  }

  /** Breaks the connection off, with what waits. */
  abort(): void {
    this.#response.destroy()
  }

  #write(text: string): void {
    const response = this.#response
    if (response.destroyed || response.writableEnded || response.write(text)) return
    this.#stalled ??= setTimeout(() => response.destroy(), this.#stallSeconds * 1000)
  }
}
