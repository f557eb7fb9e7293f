import { InvalidArgumentError, Option } from 'commander'
import { parseRate, type Rate } from '@mcp-doorman/resource-server'
import { parseDuration, parseSize } from './quantities.ts'

/** Options that mean the same in every command that has them. */
export const shared = {
  host: () => new Option('--host <address>', 'address to listen on').default('127.0.0.1'),
  port: () => new Option('--port <number>', 'port to listen on').default(8080).argParser(readPort),
  publicUrl: () =>
    new Option(
      '--public-url <url>',
      'the URL that clients use, byte for byte; an origin alone gets /mcp appended',
    ).env('MCP_SERVER_URL'),
  issuer: () =>
    new Option('--issuer <url>', 'accept tokens of this issuer (RFC 9068); may be repeated')
      .default([], 'none')
      .argParser(collect),
  casdoor: () =>
    new Option('--casdoor <url>', 'accept tokens of this Casdoor, named by its "origin" setting').env(
      'CASDOOR_URL',
    ),
  casdoorApplication: () =>
    new Option('--casdoor-application <name>', "pin that application's key, client id and organization").env(
      'CASDOOR_APPLICATION',
    ),
  state: (description = 'where keys and registrations are kept (mode 0700)') =>
    new Option('--state <folder>', description).default('.doorman'),
  audit: () =>
    new Option(
      '--audit <file>',
      'append records to this hash-chained file, instead of one line each on stderr',
    ),
  config: () => new Option('--config <file>', 'the configuration').default('doorman.yaml'),
  limit: () =>
    new Option('--limit <rate>', 'requests of one caller, such as 600/min or 10/s, or off')
      .default({ count: 600, perSeconds: 60 }, '600/min')
      .argParser(readLimit),
}

/** For options that may be repeated. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

export function readPort(value: string): number {
  const port = Number(value)
  if (!/^\d{1,5}$/.test(value) || port > 65_535) {
    throw new InvalidArgumentError('A port is a whole number from 0 to 65535.')
  }
  return port
}

/** Reads a size with its unit, such as `500MiB` or `2GB`, as bytes. */
export function readSize(value: string): number {
  const bytes = parseSize(value)
  if (bytes === undefined) throw new InvalidArgumentError('Write a size with its unit, as 500MiB or 2GB.')
  return bytes
}

export function readCount(value: string): number {
  const count = Number(value)
  if (!/^\d{1,15}$/.test(value) || count === 0) {
    throw new InvalidArgumentError('Write a whole number, at least 1.')
  }
  return count
}

function readLimit(value: string): Rate | 'off' {
  if (value === 'off') return 'off'
  const rate = parseRate(value)
  if (rate === undefined) throw new InvalidArgumentError('Write it as 600/min, 10/s, 1000/h or off.')
  return rate
}

/** Reads a time with its unit, such as `30s`, `10m`, `2h` or `1d`, as seconds. */
export function readDuration(value: string): number {
  const seconds = parseDuration(value)
  if (seconds === undefined) throw new InvalidArgumentError('Write a time with its unit, as 30s, 10m or 2h.')
  return seconds
}
