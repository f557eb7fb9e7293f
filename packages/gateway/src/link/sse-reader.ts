import { UpstreamFailure } from '../failure.ts'

/** One event of a stream (HTML Standard §9.2.6). */
export interface SseEvent {
  /** `message` unless the stream says otherwise. */
  readonly type: string
  readonly data: string
}

/**
 * Reads server-sent events as they come, in whatever pieces, bounded in what one event may have.
 *
 * What is no field of an event is passed over, as the standard wants it.
 */
export class SseReader {
  readonly #maxBytes: number
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  /** The line that has not ended, in the pieces in which it came. */
  #line: string[] = []
  #lineSize = 0
  #afterReturn = false
  #data: string[] = []
  #size = 0
  #type = ''
  /** The last event that the stream has numbered. */
  lastEventId: string | undefined
  /** How long the server wants a client to wait before it comes back. */
  retryMilliseconds: number | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @throws {UpstreamFailure} when an event is too large, or the stream is not UTF-8 */
  *read(chunk: Uint8Array): Generator<SseEvent> {
    let text = this.#decode(chunk)
    if (text === '') return // Less than a character has come.
    // The line end was told by the carriage return already.
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1)
    this.#afterReturn = text.endsWith('\r')
    let from = 0
    for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) {
      this.#line.push(text.slice(from, index))
      from = index + end.length
      const line = this.#line.join('')
      this.#line = []
      this.#lineSize = 0
      if (line === '') yield* this.#dispatch()
      else this.#take(line)
    }
    this.#lineSize += text.length - from
    this.#checkSize()
    this.#line.push(text.slice(from))
  }

  #decode(chunk: Uint8Array): string {
    try {
      return this.#decoder.decode(chunk, { stream: true })
    } catch {
      throw new UpstreamFailure('malformed', 'The event stream is not UTF-8.')
    }
  }

  *#dispatch(): Generator<SseEvent> {
    const [data, type] = [this.#data, this.#type]
    this.#data = []
    this.#size = 0
    this.#type = ''
    if (data.length > 0) yield { type: type === '' ? 'message' : type, data: data.join('\n') }
  }

  #take(line: string): void {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    switch (name) {
      case 'data':
        this.#size += value.length + 1
        this.#checkSize()
        this.#data.push(value)
        break
      case 'event':
        this.#type = value
        break
      case 'id':
        if (value.length <= 1024 && !value.includes('\0')) this.lastEventId = value
        break
      case 'retry':
        if (/^\d{1,9}$/.test(value)) this.retryMilliseconds = Number(value)
        break
      default:
    }
  }

  #checkSize(): void {
    if (this.#size + this.#lineSize > this.#maxBytes) {
      throw new UpstreamFailure('too_large', `An event has more than ${this.#maxBytes} bytes.`)
    }
  }
}
