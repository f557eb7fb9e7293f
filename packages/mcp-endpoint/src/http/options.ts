import type { ResourceServer } from '@mcp-doorman/resource-server'
import type { Endpoint } from '../endpoint.ts'
import { checkOptions } from '../option-check.ts'
import type { SessionOptions } from './sessions.ts'

export interface HttpOptions {
  readonly endpoint: Endpoint
  readonly resourceServer: ResourceServer
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** 0 to 65,535; 0 takes a free one. Default: 0. */
  readonly port?: number
  /** Further values of `Host` to answer to, as `name` or `name:port`. Default: none. */
  readonly allowedHosts?: readonly string[]
  /** Further origins whose pages may use the server, as `https://app.example.com`. Default: none. */
  readonly allowedOrigins?: readonly string[]
  /** Serve `GET /tools/list` and `POST /tools/call` beside MCP. Default: true. */
  readonly plainForm?: boolean
  /** Largest body, in bytes; 1,024 to 1 GiB. Default: 4 MiB. */
  readonly maxBodyBytes?: number
  /**
   * What bodies of more than 64 KiB may take together, in bytes, from their arrival to the answer; beyond it they are
   * answered with 503. Not less than `maxBodyBytes`, up to 1 TiB. Smaller bodies are not counted: `maxConnections`
   * bounds those that arrive, and the caller's limit those that are answered. Default: 256 MiB, or `maxBodyBytes` if
   * that is more.
   */
  readonly maxBodyBytesUnderWay?: number
  /** How long the headers of a request may take, in seconds; 0.1 to 3,600. Default: 10. */
  readonly headersTimeoutSeconds?: number
  /** How long a whole request may take to arrive, in seconds; not less than the headers. Default: 30. */
  readonly requestTimeoutSeconds?: number
  /** How long a client may take to read an answer, in seconds; 0.1 to 3,600. Default: 120. */
  readonly responseTimeoutSeconds?: number
  /** How many streams one caller may have open at once, subscriptions included; 1 to 100,000. Default: 64. */
  readonly maxStreamsPerCaller?: number
  /** How often a silent stream is written to, so that proxies keep it, in seconds; 1 to 3,600. Default: 25. */
  readonly keepAliveSeconds?: number
  /**
   * Serve clients of 2025 in sessions, as they need for subscriptions, log levels, and tools that ask them something.
   * Sessions live in this process: behind a balancer, send one caller's requests to one process. Clients of 2026-07-28
   * have none. Default: no sessions, so that any process can answer any request.
   */
  readonly sessions?: SessionOptions
  /** How many connections at once; 1 to 1,000,000. Default: 10,000. */
  readonly maxConnections?: number
  /** How long `close()` waits for calls under way, in seconds; 0 to 3,600. Default: 10. */
  readonly drainSeconds?: number
}

export type HttpSettings = Required<Omit<HttpOptions, 'sessions'>> & {
  readonly sessions: Required<SessionOptions> | undefined
}

const mebibyte = 1024 * 1024

const ranges = {
  port: [0, 65_535],
  maxBodyBytes: [1024, 1024 ** 3],
  maxBodyBytesUnderWay: [1024, 1024 ** 4],
  headersTimeoutSeconds: [0.1, 3600],
  requestTimeoutSeconds: [0.1, 3600],
  responseTimeoutSeconds: [0.1, 3600],
  maxStreamsPerCaller: [1, 100_000],
  keepAliveSeconds: [1, 3600],
  maxConnections: [1, 1_000_000],
  drainSeconds: [0, 3600],
} as const
const sessionRanges = {
  idleSeconds: [1, 604_800],
  maxPerCaller: [1, 10_000],
  maxSessions: [1, 1_000_000],
} as const
const others = [
  'endpoint',
  'resourceServer',
  'host',
  'allowedHosts',
  'allowedOrigins',
  'plainForm',
  'sessions',
]

/**
 * The options with their defaults.
 *
 * @throws {TypeError} listing every option that cannot be used
 */
export function readHttpOptions(given: HttpOptions): HttpSettings {
  const problems = checkOptions(given, ranges, others)
  const { headersTimeoutSeconds = 10, requestTimeoutSeconds = 30 } = given
  const { maxBodyBytes = 4 * mebibyte } = given
  const { maxBodyBytesUnderWay = Math.max(256 * mebibyte, maxBodyBytes) } = given
  const { allowedHosts = [], allowedOrigins = [] } = given
  if (headersTimeoutSeconds > requestTimeoutSeconds) {
    problems.push('requestTimeoutSeconds: must not be less than headersTimeoutSeconds.')
  }
  if (maxBodyBytesUnderWay < maxBodyBytes) {
    problems.push('maxBodyBytesUnderWay: must not be less than maxBodyBytes.')
  }
  for (const host of allowedHosts) {
    if (!/^[^\s/@]+$/.test(host)) {
      problems.push(`allowedHosts: "${host}" is not a value of Host. Write a name, or name:port.`)
    }
  }
  for (const origin of allowedOrigins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      problems.push(`allowedOrigins: "${origin}" is not an origin. Write it as https://app.example.com.`)
    }
  }
  if (given.sessions !== undefined) {
    problems.push(...checkOptions(given.sessions, sessionRanges, []).map((problem) => `sessions.${problem}`))
  }
  if (problems.length > 0) throw new TypeError(`HTTP cannot be served:\n- ${problems.join('\n- ')}`)
  return {
    endpoint: given.endpoint,
    resourceServer: given.resourceServer,
    host: given.host ?? '127.0.0.1',
    port: given.port ?? 0,
    allowedHosts,
    allowedOrigins,
    plainForm: given.plainForm ?? true,
    maxBodyBytes,
    maxBodyBytesUnderWay,
    headersTimeoutSeconds,
    requestTimeoutSeconds,
    responseTimeoutSeconds: given.responseTimeoutSeconds ?? 120,
    maxStreamsPerCaller: given.maxStreamsPerCaller ?? 64,
    keepAliveSeconds: given.keepAliveSeconds ?? 25,
    sessions: given.sessions && {
      idleSeconds: 1800,
      maxPerCaller: 32,
      maxSessions: 10_000,
      ...given.sessions,
    },
    maxConnections: given.maxConnections ?? 10_000,
    drainSeconds: given.drainSeconds ?? 10,
  }
}
