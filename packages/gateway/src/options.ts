import { statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { isLoopbackHost } from '@mcp-doorman/outbound'
import type { OnUpstreamEvent } from './events.ts'

/** What every upstream may be told. */
export interface UpstreamLimits {
  /**
   * One connection for all callers, where the server keeps nothing of any of them. It can then not ask a client
   * anything, since nobody could tell whose. Default: false, one for each principal (issuer, subject and client).
   */
  readonly shared?: boolean
  /** Longest time of one call, not counting its client's answers, in seconds; 1 to 3,600. Default: 60. */
  readonly callTimeoutSeconds?: number
  /** How long a connection may take to begin, the start of a process included, in seconds; 1 to 600. Default: 30. */
  readonly startTimeoutSeconds?: number
  /** Largest message that the server may send, in bytes; 1,024 to 256 MiB. Default: 8 MiB. */
  readonly maxMessageBytes?: number
  /** How long a connection may lie unused before it is ended, in seconds; 1 to 86,400. Default: 600. */
  readonly idleSeconds?: number
  /**
   * How many connections at once, so for stdio how many processes; 1 to 100,000. When there are as many, the one that
   * was not used for longest is ended; while all are in use, new callers are told 503. Default: 32 processes, or 1,000
   * sessions over HTTP.
   */
  readonly maxConnections?: number
  /** How many requests of one connection may be under way; 1 to 10,000. Default: 64. */
  readonly maxRequestsPerConnection?: number
  /** How many calls may wait for answers of their clients; 1 to 100,000. Default: 256. */
  readonly maxWaitingCalls?: number
  /** How long a call may wait for answers of its client, in seconds; 1 to 86,400. Default: 600. */
  readonly inputTimeoutSeconds?: number
  /** What the gateway calls itself to the server. Default: `doorman`, and the version of this package. */
  readonly clientInfo?: { readonly name: string; readonly version: string }
  /** Told what happens, for the operator. Must not throw. Default: nobody. */
  readonly onEvent?: OnUpstreamEvent
}

/** A server that is started as a process, and spoken with over its standard input and output. */
export interface StdioUpstreamOptions extends UpstreamLimits {
  /** The program and its arguments. No shell reads them. */
  readonly command: readonly string[]
  /** Where it runs, as an absolute path. Default: an empty folder for each process, removed when that ends. */
  readonly workingDirectory?: string
  /**
   * What it finds in its environment besides `PATH`, `HOME`, `LANG` and the like. Nothing else of the gateway's is
   * handed on.
   */
  readonly environment?: Readonly<Record<string, string>>
}

/** A server that is spoken with over Streamable HTTP. */
export interface HttpUpstreamOptions extends UpstreamLimits {
  /** Its MCP address. Redirects are not followed. */
  readonly url: string
  /** Headers of every request, such as the gateway's own credentials. Nothing of a client's is ever among them. */
  readonly headers?: Readonly<Record<string, string>>
  /** Speak plain http to an address that is not loopback: whoever is on the way can read and change everything. Default: false. */
  readonly allowPlainHttp?: boolean
}

export type UpstreamOptions = StdioUpstreamOptions | HttpUpstreamOptions

type Given<Options> = Required<Omit<Options, 'onEvent'>>

export type CommonSettings = Given<UpstreamLimits> & { readonly onEvent: OnUpstreamEvent }

export type StdioSettings = CommonSettings & {
  readonly kind: 'stdio'
  readonly command: readonly [string, ...string[]]
  readonly workingDirectory: string | undefined
  readonly environment: Readonly<Record<string, string>>
}

export type HttpSettings = CommonSettings & {
  readonly kind: 'http'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

export type UpstreamSettings = StdioSettings | HttpSettings

const ranges = {
  callTimeoutSeconds: [1, 3600],
  startTimeoutSeconds: [1, 600],
  maxMessageBytes: [1024, 256 * 1024 * 1024],
  idleSeconds: [1, 86_400],
  maxConnections: [1, 100_000],
  maxRequestsPerConnection: [1, 10_000],
  maxWaitingCalls: [1, 100_000],
  inputTimeoutSeconds: [1, 86_400],
} as const
const common = [...Object.keys(ranges), 'shared', 'clientInfo', 'onEvent']
const ofStdio = ['command', 'workingDirectory', 'environment']
const ofHttp = ['url', 'headers', 'allowPlainHttp']

/**
 * The options with their defaults, copied.
 *
 * @throws {TypeError} listing every option that cannot be used
 */
export function readUpstreamOptions(given: UpstreamOptions): UpstreamSettings {
  const overStdio = 'command' in given
  // Which options there are depends on it, so nothing else can be said.
  if (overStdio === 'url' in given) throw mistakes(['Give either "command" or "url", and not both.'])
  const problems: string[] = []
  const known = [...common, ...(overStdio ? ofStdio : ofHttp)]
  for (const [name, value] of Object.entries(given)) checkOption(name, value, known, problems)
  const settings = 'command' in given ? readStdio(given, problems) : readHttp(given, problems)
  if (problems.length > 0) throw mistakes(problems)
  return settings
}

function mistakes(problems: readonly string[]): TypeError {
  return new TypeError(`The upstream cannot be opened:\n- ${problems.join('\n- ')}`)
}

function checkOption(name: string, value: unknown, known: readonly string[], problems: string[]): void {
  if (!known.includes(name)) {
    problems.push(`${name}: is not an option here. Known are ${known.toSorted().join(', ')}.`)
    return
  }
  if (value === undefined || !Object.hasOwn(ranges, name)) return
  const [least, most] = ranges[name as keyof typeof ranges] // It has one, as was just seen.
  if (!(typeof value === 'number' && value >= least && value <= most)) {
    problems.push(`${name}: must be ${least} to ${most}, and is ${JSON.stringify(value)}.`)
  }
}

function readCommon(given: UpstreamLimits, maxConnections: number): CommonSettings {
  return {
    shared: given.shared ?? false,
    callTimeoutSeconds: given.callTimeoutSeconds ?? 60,
    startTimeoutSeconds: given.startTimeoutSeconds ?? 30,
    maxMessageBytes: given.maxMessageBytes ?? 8 * 1024 * 1024,
    idleSeconds: given.idleSeconds ?? 600,
    maxConnections: given.maxConnections ?? maxConnections,
    maxRequestsPerConnection: given.maxRequestsPerConnection ?? 64,
    maxWaitingCalls: given.maxWaitingCalls ?? 256,
    inputTimeoutSeconds: given.inputTimeoutSeconds ?? 600,
    clientInfo: { name: 'doorman', version: '0.1.0', ...given.clientInfo },
    onEvent: given.onEvent ?? (() => undefined),
  }
}

function readStdio(given: StdioUpstreamOptions, problems: string[]): StdioSettings {
  const { command, workingDirectory, environment = {} } = given
  const words: readonly unknown[] = Array.isArray(command) ? command : []
  const [program = '', ...rest] = words.filter((word) => typeof word === 'string')
  if (rest.length + 1 !== words.length || program === '') {
    problems.push('command: must be a program and its arguments, each a text. Write ["python", "server.py"].')
  }
  if ([program, ...rest].some((word) => word.includes('\0'))) problems.push('command: holds a NUL.')
  if (workingDirectory !== undefined && !isDirectory(workingDirectory)) {
    problems.push(`workingDirectory: "${workingDirectory}" must be the absolute path of a directory.`)
  }
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      problems.push(`environment: "${name}" is no name of a variable.`)
    } else if (typeof value !== 'string' || value.includes('\0')) {
      problems.push(`environment.${name}: must be a text without NUL.`)
    }
  }
  return {
    kind: 'stdio',
    ...readCommon(given, 32),
    command: [program, ...rest],
    workingDirectory,
    environment: { ...environment },
  }
}

function isDirectory(path: unknown): boolean {
  return (
    typeof path === 'string' &&
    isAbsolute(path) &&
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  )
}

/** What the gateway itself writes, and what belongs to one connection only (RFC 9110 §7.6.1). */
const ownHeaders =
  /^(?:accept|accept-encoding|connection|content-(?:length|type|encoding)|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|mcp-.*|last-event-id)$/i
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const fieldValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

function readHttp(given: HttpUpstreamOptions, problems: string[]): HttpSettings {
  const { url: address, headers = {}, allowPlainHttp = false } = given
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    problems.push(`url: "${address}" is no address. Write it as https://notes.internal/mcp.`)
  } else {
    if (url.username !== '' || url.password !== '' || url.hash !== '') {
      problems.push('url: must have no user, password or fragment. Credentials belong into headers.')
    }
    if (url.protocol === 'http:' && !isLoopbackHost(url.hostname) && !allowPlainHttp) {
      problems.push(
        'url: plain http is for loopback. Use https, or allowPlainHttp where nobody else is on the way.',
      )
    }
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!token.test(name)) problems.push(`headers: "${name}" is no name of a header.`)
    else if (ownHeaders.test(name))
      problems.push(`headers.${name}: is written by the gateway itself. Remove it.`)
    else if (typeof value !== 'string' || !fieldValue.test(value)) {
      problems.push(`headers.${name}: must be visible ASCII, without spaces at its ends.`)
    }
  }
  return {
    kind: 'http',
    ...readCommon(given, 1000),
    url: url ?? new URL('http://localhost'), // Not used where there is a problem.
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  }
}
