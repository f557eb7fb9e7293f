import { legacyVersions, modernVersion } from '@mcp-doorman/resource-server'
import { UpstreamFailure } from '../failure.ts'
import type { Link, LinkEvents } from '../link/link.ts'
import type { CommonSettings } from '../options.ts'
import type { RpcResponse } from '../rpc-message.ts'
import { Connection, type ConnectionEvents } from './connection.ts'
import { metaFor, readDiscovered, readInitialized, type Speech } from './speech.ts'

export type OpenLink = (events: LinkEvents) => Promise<Link>

/** What is known of a server from earlier connections, so that it need not be found out again. */
export interface KnownEra {
  era: Speech['era'] | undefined
}

// A server of 2025 may leave unanswered what comes before "initialize" (requirement I7).
const mostProbeSeconds = 5

/**
 * Begins to speak with a server: in the manner of 2026-07-28 if it knows that, else in that of 2025.
 *
 * @param closing - ends the attempt, with an `UpstreamFailure` as its reason
 * @throws {UpstreamFailure} (as a rejection)
 */
export async function openConnection(
  openLink: OpenLink,
  settings: CommonSettings,
  known: KnownEra,
  events: ConnectionEvents,
  closing: AbortSignal,
): Promise<Connection> {
  const late = new UpstreamFailure(
    'timeout',
    `It did not begin within ${settings.startTimeoutSeconds} seconds.`,
  )
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(late), settings.startTimeoutSeconds * 1000)
  const opened = new OpeningLink(openLink)
  try {
    const signal = AbortSignal.any([controller.signal, closing])
    const speech = await introduce(opened, settings, known, signal)
    const connection = new Connection(opened.link, speech, settings, events)
    opened.give(connection)
    if (speech.era === 'legacy') await opened.link.send({ method: 'notifications/initialized' })
    return connection
  } catch (error) {
    known.era = undefined // Another version of it may stand there next time.
    void opened.close()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** A link before anybody can take what comes over it. */
class OpeningLink {
  readonly #openLink: OpenLink
  #link: Link | undefined
  #hasEnded = false
  #connection: Connection | undefined

  constructor(openLink: OpenLink) {
    this.#openLink = openLink
  }

  /** The one that was opened. */
  get link(): Link {
    if (this.#link === undefined) throw new UpstreamFailure('ended', 'No link was opened.')
    return this.#link
  }

  /** Opens it, unless it is open still. */
  async open(): Promise<Link> {
    if (this.#link !== undefined && !this.#hasEnded) return this.#link
    this.#hasEnded = false
    this.#link = await this.#openLink({
      receive: (message) => this.#connection?.receive(message, undefined),
      ended: () => {
        this.#hasEnded = true
        this.#connection?.end()
      },
    })
    return this.#link
  }

  give(connection: Connection): void {
    this.#connection = connection
    if (this.#hasEnded) connection.end()
  }

  async close(): Promise<void> {
    await this.#link?.close()
  }
}

async function introduce(
  opened: OpeningLink,
  settings: CommonSettings,
  known: KnownEra,
  signal: AbortSignal,
): Promise<Speech> {
  const modern = known.era === 'legacy' ? undefined : await discover(await opened.open(), settings, signal)
  const speech = modern ?? (await initialize(await opened.open(), settings, signal))
  if (speech === undefined) {
    const versions = [modernVersion, ...legacyVersions].join(', ')
    throw new UpstreamFailure('malformed', `It speaks none of ${versions}.`)
  }
  opened.link.agree(speech.version)
  known.era = speech.era
  return speech
}

async function discover(
  link: Link,
  { clientInfo, startTimeoutSeconds }: CommonSettings,
  signal: AbortSignal,
): Promise<Speech | undefined> {
  link.agree(modernVersion)
  const patience = AbortSignal.timeout(Math.min(mostProbeSeconds, startTimeoutSeconds / 2) * 1000)
  let response: RpcResponse
  try {
    response = await link.request({
      id: 'discover',
      method: 'server/discover',
      params: { _meta: metaFor('modern', 'discover', clientInfo, undefined) },
      headers: { 'mcp-method': 'server/discover' },
      signal: AbortSignal.any([signal, patience]),
      receive: () => undefined,
      onDetach: () => undefined,
    })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const misunderstood =
      error instanceof UpstreamFailure && (error.kind === 'malformed' || error.kind === 'ended')
    if (patience.aborted || misunderstood) return undefined
    throw error
  }
  // Whatever error it is: a server that knows the method has no reason to refuse it.
  return response.kind === 'result' ? readDiscovered(response.result) : undefined
}

async function initialize(
  link: Link,
  { clientInfo, shared }: CommonSettings,
  signal: AbortSignal,
): Promise<Speech | undefined> {
  link.agree(undefined) // That is what is found out.
  // Whether its client can do all that is seen for each request: one that cannot is then refused.
  const capabilities = shared ? {} : { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
  const response = await link.request({
    id: 'initialize',
    method: 'initialize',
    params: { protocolVersion: legacyVersions[0], capabilities, clientInfo },
    headers: {},
    signal,
    receive: () => undefined,
    onDetach: () => undefined,
  })
  return response.kind === 'result' ? readInitialized(response.result) : undefined
}
