import { checkOptions } from '../option-check.ts'
import type { Mount } from './mount.ts'

export interface HttpOptions {
  /** What is served: at least one, each at a path of its own. */
  readonly mounts: readonly Mount[]
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** 0 to 65,535; 0 takes a free one. Default: 0. */
  readonly port?: number
  /** Further values of `Host` to answer to, as `name` or `name:port`. Default: none. */
  readonly allowedHosts?: readonly string[]
  /** Further origins whose pages may use the server, as `https://app.example.com`. Default: none. */
  readonly allowedOrigins?: readonly string[]
  /**
   * What bodies of more than 64 KiB may take together, in bytes, from their arrival to the answer; beyond it they are
   * answered with 503. Not less than the largest that a mount takes, up to 1 TiB. Smaller bodies are not counted: `maxConnections`
   * bounds those that arrive, and the caller's limit those that are answered. Default: 256 MiB, or four of the
   * largest that a mount takes at the start if that is more.
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
  /** How many connections at once; 1 to 1,000,000. Default: 10,000. */
  readonly maxConnections?: number
  /** How long `close()` waits for calls under way, in seconds; 0 to 3,600. Default: 10. */
  readonly drainSeconds?: number
}

/** What is the same for all mounts of a listener. */
export type HttpSettings = Required<Omit<HttpOptions, 'mounts'>>

const mebibyte = 1024 * 1024

const ranges = {
  port: [0, 65_535],
  maxBodyBytesUnderWay: [1024, 1024 ** 4],
  headersTimeoutSeconds: [0.1, 3600],
  requestTimeoutSeconds: [0.1, 3600],
  responseTimeoutSeconds: [0.1, 3600],
  maxStreamsPerCaller: [1, 100_000],
  keepAliveSeconds: [1, 3600],
  maxConnections: [1, 1_000_000],
  drainSeconds: [0, 3600],
} as const
const others = ['mounts', 'host', 'allowedHosts', 'allowedOrigins']

/**
 * The options of the listener with their defaults.
 *
 * @param largestBody - what one body may have on any mount, in bytes
 * @param problems - receives every option that cannot be used; the result must then not be used
 */
export function readHttpOptions(given: HttpOptions, largestBody: number, problems: string[]): HttpSettings {
  problems.push(...checkOptions(given, ranges, others))
  const { headersTimeoutSeconds = 10, requestTimeoutSeconds = 30 } = given
  const { maxBodyBytesUnderWay = Math.max(256 * mebibyte, 4 * largestBody) } = given
  const { allowedHosts = [], allowedOrigins = [] } = given
  if (headersTimeoutSeconds > requestTimeoutSeconds) {
    problems.push('requestTimeoutSeconds: must not be less than headersTimeoutSeconds.')
  }
  checkBudget(maxBodyBytesUnderWay, largestBody, problems)
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
  return {
    host: given.host ?? '127.0.0.1',
    port: given.port ?? 0,
    allowedHosts,
    allowedOrigins,
    maxBodyBytesUnderWay,
    headersTimeoutSeconds,
    requestTimeoutSeconds,
    responseTimeoutSeconds: given.responseTimeoutSeconds ?? 120,
    maxStreamsPerCaller: given.maxStreamsPerCaller ?? 64,
    keepAliveSeconds: given.keepAliveSeconds ?? 25,
    maxConnections: given.maxConnections ?? 10_000,
    drainSeconds: given.drainSeconds ?? 10,
  }
}

/** One body at least must fit into what all bodies may take. */
export function checkBudget(maxBodyBytesUnderWay: number, largestBody: number, problems: string[]): void {
  if (maxBodyBytesUnderWay < largestBody) {
    problems.push('maxBodyBytesUnderWay: must not be less than the maxBodyBytes of any mount.')
  }
}
