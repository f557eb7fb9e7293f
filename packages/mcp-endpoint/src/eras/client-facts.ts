import type { Message } from '@mcp-doorman/resource-server'
import { logLevels, type LogLevel } from '../call-context.ts'
import { metaOf } from '../notifications.ts'
import type { RunContext } from '../run-context.ts'

const prefix = 'io.modelcontextprotocol/'

/** What the client has declared it can do: with this request, or when its session began. */
export function clientCapabilities(
  message: Message,
  { era, client }: Pick<RunContext, 'era' | 'client'>,
): Readonly<Record<string, unknown>> {
  const declared = era === 'modern' ? metaOf(message)?.[`${prefix}clientCapabilities`] : client?.capabilities
  // An object has members by name.
  return typeof declared === 'object' && declared !== null
    ? (declared as Readonly<Record<string, unknown>>)
    : {}
}

/** The least important log messages that the client wants; `undefined` for none (requirement G21). */
export function wantedLogLevel(
  message: Message,
  { era, client }: Pick<RunContext, 'era' | 'client'>,
): LogLevel | undefined {
  const wanted = era === 'modern' ? metaOf(message)?.[`${prefix}logLevel`] : client?.logLevel
  return logLevels.find((level) => level === wanted)
}
