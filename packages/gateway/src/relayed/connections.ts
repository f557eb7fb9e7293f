import type { RelayedCaller, SourceChanges } from '@mcp-doorman/mcp-endpoint'
import type { Connection, ConnectionEvents } from '../connection/connection.ts'
import { UpstreamFailure } from '../failure.ts'
import type { CommonSettings } from '../options.ts'
import { abortable } from './abortable.ts'
import { createPlace, isOpen, tellFollowers, type Follower, type Place } from './place.ts'

/** The right to use a connection, which keeps it from being ended. */
export interface Lease {
  readonly connection: Connection
  /** The same right once more, to be given back by itself. */
  readonly share: () => Lease
  /** Gives it back. Once is enough, and more does nothing. */
  readonly release: () => void
}

/** Opens a connection, unless the signal ends the attempt. */
export type Open = (events: ConnectionEvents, closing: AbortSignal) => Promise<Connection>

/**
 * One connection for each principal (requirements H15 and H24), or one for all where that is configured: opened when it
 * is needed, ended when it was not for a while, and opened again when it has ended by itself.
 */
export class Connections {
  readonly #open: Open
  readonly #settings: CommonSettings
  readonly #mostBackoffSeconds: number
  readonly #places = new Map<string, Place>()
  readonly #closing = new Set<Promise<void>>()
  readonly #attempts = new AbortController()
  #closed = false

  /** @param mostBackoffSeconds - how long one that fails again and again is left alone at most */
  constructor(open: Open, settings: CommonSettings, mostBackoffSeconds: number) {
    this.#open = open
    this.#settings = settings
    this.#mostBackoffSeconds = mostBackoffSeconds
  }

  /** How many are open, or about to be. */
  get count(): number {
    return [...this.#places.values()].filter(isOpen).length
  }

  /**
   * The connection of a principal.
   *
   * @throws {UpstreamFailure} (as a rejection)
   */
  async take({ callerKey }: RelayedCaller, signal?: AbortSignal): Promise<Lease> {
    const place = this.#placeOf(callerKey)
    place.users += 1
    try {
      return this.#lease(place, await abortable(this.#connect(place), signal))
    } catch (error) {
      this.#release(place)
      throw error
    }
  }

  #lease(place: Place, connection: Connection): Lease {
    let held = true
    return {
      connection,
      share: () => {
        place.users += 1
        return this.#lease(place, connection)
      },
      release: () => {
        if (held) this.#release(place)
        held = false
      },
    }
  }

  /** Has somebody told of changes, for as long as the connection lives and whenever there is one again. */
  follow({ callerKey }: RelayedCaller, told: SourceChanges): FollowedConnection {
    const place = this.#placeOf(callerKey)
    const follower: Follower = { told, uris: new Set() }
    place.followers.add(follower)
    if (place.connection !== undefined) place.connection.changes.start()
    else this.#connect(place).catch(() => undefined) // The next request is told why.
    let closed = false
    return {
      watch: async (uri) => {
        if (follower.uris.has(uri)) return true
        const connection = await this.#connect(place).catch(() => undefined)
        if ((await connection?.changes.watch(uri)) !== true) return false
        // Nobody would end a watch that begins after the close, or a second one of the same resource.
        if (closed || follower.uris.has(uri)) connection?.changes.unwatch(uri)
        else follower.uris.add(uri)
        return !closed
      },
      unwatch: (uri) => {
        if (follower.uris.delete(uri)) place.connection?.changes.unwatch(uri)
      },
      close: () => {
        closed = true
        place.followers.delete(follower)
        for (const uri of follower.uris) place.connection?.changes.unwatch(uri)
        if (place.followers.size === 0) place.connection?.changes.stop()
        this.#rest(place)
      },
    }
  }

  /** Ends a connection that is of no use any more, so that the next request opens another. */
  drop(connection: Connection): void {
    for (const place of this.#places.values()) {
      if (place.connection === connection) this.#end(place)
    }
  }

  /** Ends all of them. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    this.#attempts.abort(new UpstreamFailure('ended', 'The gateway closes.'))
    for (const place of this.#places.values()) {
      clearTimeout(place.again)
      place.opening?.then((connection) => this.#close(connection)).catch(() => undefined)
      this.#end(place)
    }
    await Promise.allSettled([...this.#places.values()].flatMap(({ opening }) => opening ?? []))
    await Promise.allSettled(this.#closing)
  }

  #placeOf(callerKey: string): Place {
    const key = this.#settings.shared ? '' : callerKey
    let place = this.#places.get(key)
    if (place === undefined) {
      this.#sweep()
      place = createPlace(key, this.#mostBackoffSeconds)
      this.#places.set(key, place)
    }
    clearTimeout(place.idle)
    place.usedAt = performance.now()
    return place
  }

  #connect(place: Place): Promise<Connection> {
    if (this.#closed) return Promise.reject(new UpstreamFailure('ended', 'The gateway closes.'))
    if (place.connection !== undefined) return Promise.resolve(place.connection)
    if (place.opening !== undefined) return place.opening
    const { left } = place.backoff
    if (left > 0) {
      const text = `It has failed several times, and is tried again in ${Math.ceil(left)} ms.`
      return Promise.reject(new UpstreamFailure('unreachable', text))
    }
    if (!this.#makeRoom()) {
      return Promise.reject(new UpstreamFailure('too_many', 'All connections are in use.'))
    }
    place.opening = this.#openFor(place).finally(() => (place.opening = undefined))
    return place.opening
  }

  async #openFor(place: Place): Promise<Connection> {
    let connection: Connection | undefined
    try {
      const ended = (): void => {
        if (connection !== undefined) this.#takeEnd(place, connection)
      }
      connection = await this.#open({ ...tellFollowers(place), ended }, this.#attempts.signal)
      if (connection.hasEnded) throw new UpstreamFailure('ended', 'It ended when it had just begun.')
      if (!this.#closed) place.connection = connection
      this.#follow(place, connection)
      this.#rest(place) // Whoever wanted it may have left meanwhile.
      return connection
    } catch (error) {
      place.backoff.fail()
      this.#tryAgain(place)
      throw error
    }
  }

  /** Whoever followed the connection before goes on with this one. */
  #follow(place: Place, connection: Connection): void {
    if (place.followers.size === 0) return
    connection.changes.start()
    for (const { uris } of place.followers) {
      for (const uri of uris) void connection.changes.watch(uri)
    }
  }

  /** It has ended by itself. */
  #takeEnd(place: Place, connection: Connection): void {
    if (place.connection !== connection) return
    place.connection = undefined
    place.backoff.fail()
    this.#tryAgain(place)
  }

  /** Those who only listen would otherwise not hear of anything any more. */
  #tryAgain(place: Place): void {
    if (this.#closed || place.followers.size === 0) return
    clearTimeout(place.again)
    place.again = setTimeout(() => {
      if (place.followers.size > 0) this.#connect(place).catch(() => undefined)
    }, place.backoff.left + 100).unref()
  }

  #release(place: Place): void {
    place.users -= 1
    place.usedAt = performance.now()
    this.#rest(place)
  }

  /** Ends it after a while, unless somebody needs it by then. */
  #rest(place: Place): void {
    clearTimeout(place.idle)
    if (place.users > 0 || place.followers.size > 0) return
    place.idle = setTimeout(() => {
      this.#end(place)
      if (place.backoff.isOver) this.#places.delete(place.key)
    }, this.#settings.idleSeconds * 1000).unref()
  }

  /** Whether there may be one more, if need be in the place of one that nobody uses. */
  #makeRoom(): boolean {
    const open = [...this.#places.values()].filter(isOpen)
    // Those that are being ended may take their time, but cannot be gathered.
    if (this.#closing.size >= this.#settings.maxConnections) return false
    if (open.length < this.#settings.maxConnections) return true
    const [unused] = open
      .filter(({ users, connection }) => users === 0 && connection !== undefined)
      .toSorted((a, b) => a.followers.size - b.followers.size || a.usedAt - b.usedAt)
    if (unused === undefined) return false
    this.#end(unused)
    return true
  }

  /** Forgets places that have neither a connection nor a past. */
  #sweep(): void {
    if (this.#places.size < 2 * this.#settings.maxConnections) return
    for (const [key, place] of this.#places) {
      if (!isOpen(place) && place.users === 0 && place.followers.size === 0) this.#places.delete(key)
    }
  }

  #end(place: Place): void {
    clearTimeout(place.idle)
    const { connection } = place
    place.connection = undefined
    if (connection !== undefined) this.#close(connection)
  }

  #close(connection: Connection): void {
    const closing = connection.close().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

export interface FollowedConnection {
  readonly watch: (uri: string) => Promise<boolean>
  readonly unwatch: (uri: string) => void
  readonly close: () => void
}
