import type { Link } from '../link/link.ts'
import { fieldsOf, type Fields } from '../rpc-message.ts'
import type { Connection } from './connection.ts'
import { metaFor } from './speech.ts'

// Whoever watches one resource as a rule watches others in the same moment.
const gatherMilliseconds = 10
const patienceSeconds = 30
const returnMilliseconds = 1000

/** What a connection is told of while somebody wants to know: by the stream of 2025, or by a subscription of 2026. */
export class Changes {
  readonly #connection: Connection
  readonly #link: Link
  readonly #clientInfo: Fields
  readonly #watched = new Map<string, number>()
  #stream: AbortController | undefined
  #listening: Listening | undefined
  #next: Promise<ReadonlySet<string>> | undefined

  constructor(connection: Connection, link: Link, clientInfo: Fields) {
    this.#connection = connection
    this.#link = link
    this.#clientInfo = clientInfo
  }

  /** Begins to listen, if that is not done already. */
  start(): void {
    if (this.#stream !== undefined) return
    this.#stream = new AbortController()
    if (this.#connection.speech.era === 'legacy') void this.#readStream(this.#stream.signal)
    else void this.#listenAnew()
  }

  stop(): void {
    const reason = new Error('Nobody listens any more.')
    this.#stream?.abort(reason)
    this.#listening?.controller.abort(reason)
    if (this.#listening !== undefined) this.#connection.sayCancelled(this.#listening.id)
    this.#stream = undefined
    this.#listening = undefined
  }

  /** @returns whether the server has such a resource. Never rejects */
  async watch(uri: string): Promise<boolean> {
    const count = this.#watched.get(uri) ?? 0
    this.#watched.set(uri, count + 1)
    const honoured = count > 0 || (await this.#subscribe(uri))
    if (!honoured) this.#release(uri)
    return honoured
  }

  unwatch(uri: string): void {
    if (!this.#release(uri) || this.#connection.hasEnded) return
    if (this.#connection.speech.era === 'legacy') {
      this.#connection
        .ask({ method: 'resources/unsubscribe', params: { uri } }, patienceSeconds)
        .catch(() => undefined)
    } else void this.#listenAnew()
  }

  /** @returns whether nobody watches it any more */
  #release(uri: string): boolean {
    const count = (this.#watched.get(uri) ?? 0) - 1
    if (count > 0) this.#watched.set(uri, count)
    else this.#watched.delete(uri)
    return count === 0
  }

  async #subscribe(uri: string): Promise<boolean> {
    if (this.#connection.speech.era === 'modern') return (await this.#listenAnew()).has(uri)
    try {
      const response = await this.#connection.ask(
        { method: 'resources/subscribe', params: { uri } },
        patienceSeconds,
      )
      return response.kind === 'result'
    } catch {
      return false
    }
  }

  async #readStream(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#link.openStream(signal)
        return // The server has no such stream.
      } catch {
        // Without it changes are not told, and everything else goes on.
        await new Promise((resolve) => setTimeout(resolve, returnMilliseconds).unref())
      }
    }
  }

  /** Subscribes once more, for all that is watched now. Resolves with what the server will tell of. */
  #listenAnew(): Promise<ReadonlySet<string>> {
    this.#next ??= new Promise<void>((resolve) => setTimeout(resolve, gatherMilliseconds)).then(() => {
      this.#next = undefined
      return this.#listen()
    })
    return this.#next
  }

  async #listen(): Promise<ReadonlySet<string>> {
    if (this.#stream === undefined || this.#connection.hasEnded) return new Set()
    const before = this.#listening
    const { announces } = this.#connection.speech.description
    const resourceSubscriptions = [...this.#watched.keys()]
    const notifications = {
      ...(announces.tools && { toolsListChanged: true }),
      ...(announces.prompts && { promptsListChanged: true }),
      ...(announces.resources && { resourcesListChanged: true }),
      ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }),
    }
    if (Object.keys(notifications).length === 0) return new Set()
    const listening = new Listening(this.#connection.nextId())
    this.#listening = listening
    const { id, controller } = listening
    const params = { notifications, _meta: metaFor('modern', id, this.#clientInfo, undefined) }
    const over = this.#link
      .request({
        id,
        method: 'subscriptions/listen',
        params,
        headers: { 'mcp-method': 'subscriptions/listen' },
        signal: controller.signal,
        staysOpen: true,
        receive: (message) => this.#connection.receive(message, undefined),
        onDetach: () => undefined,
      })
      .then(
        () => undefined,
        () => undefined,
      )
    void over.then(() => this.#return(listening))
    const honoured = await Promise.race([listening.acknowledged, over.then(() => new Set<string>())])
    before?.controller.abort(new Error('Another subscription has taken its place.'))
    if (before !== undefined) this.#connection.sayCancelled(before.id)
    return honoured
  }

  /** The server ended a subscription that is still wanted. */
  #return(listening: Listening): void {
    if (this.#listening !== listening || this.#stream === undefined) return
    const { signal } = this.#stream
    const timer = setTimeout(() => {
      if (this.#listening === listening && this.#stream !== undefined) void this.#listenAnew()
    }, returnMilliseconds)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }

  /** Takes a notification that is about the subscription itself. */
  receive(method: string, params: Fields): void {
    if (method !== 'notifications/subscriptions/acknowledged') return
    const id = fieldsOf(params['_meta'])['io.modelcontextprotocol/subscriptionId']
    if (id === this.#listening?.id) this.#listening?.acknowledge(fieldsOf(params['notifications']))
  }
}

/** One subscription of 2026. */
class Listening {
  readonly id: string
  readonly controller = new AbortController()
  readonly acknowledged: Promise<ReadonlySet<string>>
  #acknowledge: (uris: ReadonlySet<string>) => void = () => undefined

  constructor(id: string) {
    this.id = id
    this.acknowledged = new Promise((resolve) => (this.#acknowledge = resolve))
  }

  acknowledge({ resourceSubscriptions }: Fields): void {
    const uris = Array.isArray(resourceSubscriptions) ? (resourceSubscriptions as readonly unknown[]) : []
    this.#acknowledge(new Set(uris.filter((uri) => typeof uri === 'string')))
  }
}
