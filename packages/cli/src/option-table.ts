import { InvalidArgumentError, Option } from 'commander'
import { parseRate, type Rate } from '@mcp-doorman/resource-server'

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
  limit: () =>
    new Option('--limit <rate>', 'requests of one caller, such as 600/min or 10/s, or off')
      .default({ count: 600, perSeconds: 60 }, '600/min')
      .argParser(readLimit),
  perUser: () =>
    new Option('--per-user', 'give each user a folder of their own below the directory').default(false),
  readOnly: () => new Option('--read-only', 'offer no tool that writes').default(false),
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

function readLimit(value: string): Rate | 'off' {
  if (value === 'off') return 'off'
  const rate = parseRate(value)
  if (rate === undefined) throw new InvalidArgumentError('Write it as 600/min, 10/s, 1000/h or off.')
  return rate
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Reads a time with its unit, such as `30s`, `10m`, `2h` or `1d`, as seconds. */
export function readDuration(value: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(value) ?? []
  const seconds = count === undefined || unit === undefined ? 0 : Number(count) * (units[unit] ?? 0)
  if (seconds === 0) throw new InvalidArgumentError('Write a time with its unit, as 30s, 10m or 2h.')
  return seconds
}
