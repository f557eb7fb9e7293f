import { accepts } from '@mcp-doorman/resource-server'
import type { Cancellation } from '../cancellation.ts'
import type { Channel } from '../run-context.ts'
import { EventStream } from './event-stream.ts'
import { resumableVersion, type EventLog } from './event-log.ts'
import type { GrantedRequest, Serving } from './serving.ts'
import type { HttpSession } from './session.ts'

/**
 * The way to the client of one request. Becomes a stream with the first message that is not the answer; until then
 * nothing is written, so that an answer which comes alone is plain JSON.
 */
export class RequestChannel implements Channel {
  readonly #serving: Serving
  readonly #asked: GrantedRequest
  readonly #session: HttpSession | undefined
  readonly #cancellation: Cancellation
  #stream: EventStream | undefined
  #log: EventLog | undefined
  #stopWatching: (() => void) | undefined
  #finished = false

  constructor(
    serving: Serving,
    asked: GrantedRequest,
    session: HttpSession | undefined,
    cancellation: Cancellation,
  ) {
    this.#serving = serving
    this.#asked = asked
    this.#session = session
    this.#cancellation = cancellation
  }

  open(): ReturnType<Channel['open']> {
    if (this.#stream !== undefined) return 'open'
    const { request, response, headers, granted } = this.#asked
    const { settings, streams } = this.#serving
    const { callerKey } = granted.identity
    if (this.#finished || response.destroyed) return 'gone'
    if (!accepts(request.headers.accept, 'text/event-stream')) return 'not_accepted'
    if (!streams.take(callerKey)) return 'too_many'
    response.once('close', () => streams.release(callerKey))
    this.#watch()
    this.#stream = new EventStream(response, headers, settings)
    this.#log = this.#session?.addLog(granted.action.messages[0]?.item)
    this.#log?.connect(this.#stream, response)
    // Older clients take an event without data for a broken message.
    if (this.#log !== undefined && this.#session?.client.version === resumableVersion)
      this.#stream.prime(this.#log.place)
    return 'open'
  }

  emit(message: string): void {
    if (this.#finished || this.open() !== 'open') return
    if (this.#log !== undefined) this.#log.append(message)
    else if (this.#stream?.isFull === false) this.#stream.send(message)
  }

  detach(retryMilliseconds: number): void {
    if (this.#session?.client.version === resumableVersion && this.open() === 'open')
      this.#log?.release(retryMilliseconds)
  }

  /**
   * Sends the answer on the stream, and ends it. What is said after that is said to nobody.
   *
   * @returns whether there was a stream; otherwise the answer is still to be written
   */
  finish(answer: string | Buffer): boolean {
    this.#finished = true
    this.#stopWatching?.()
    if (this.#stream === undefined) return false
    if (this.#log === undefined) {
      this.#stream.send(answer.toString())
      this.#stream.end()
    } else {
      this.#log.append(answer.toString())
      this.#log.end()
    }
    return true
  }

  /** A call has a time limit of its own, so only what has none ends with its token; what is revoked ends at once. */
  #watch(): void {
    const { granted } = this.#asked
    const endless = this.#serving.endless.has(this.#cancellation)
    this.#stopWatching = this.#serving.settings.resourceServer.watch(granted.identity, (reason) => {
      if (endless || reason === 'revoked') this.#cancellation.cancel(`the token was ${reason}`)
    })
  }
}
