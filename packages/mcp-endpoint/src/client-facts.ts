import type { Message } from '@mcp-doorman/resource-server'
import { logLevels, type LogLevel } from './call-context.ts'
import { fieldsOf, type Fields } from './fields.ts'
import type { RunContext } from './run-context.ts'

const prefix = 'io.modelcontextprotocol/'

/** What the client has declared it can do: with this request, or when its session began. */
export function clientCapabilities(
  { params }: Message,
  { era, client }: Pick<RunContext, 'era' | 'client'>,
): Fields {
  if (era === 'legacy') return client?.capabilities ?? {}
  return fieldsOf(fieldsOf(params['_meta'])[`${prefix}clientCapabilities`])
}

/** The least important log messages that the client wants; `undefined` for none (requirement G21). */
export function wantedLogLevel(
  { params }: Message,
  { era, client }: Pick<RunContext, 'era' | 'client'>,
): LogLevel | undefined {
  const wanted = era === 'modern' ? fieldsOf(params['_meta'])[`${prefix}logLevel`] : client?.logLevel
  return logLevels.find((level) => level === wanted)
}

/** What the client wants progress reports to be marked with; `undefined` if it wants none. */
export function progressTokenOf({ params }: Message): string | number | undefined {
  const token = fieldsOf(params['_meta'])['progressToken']
  return typeof token === 'string' || (typeof token === 'number' && Number.isSafeInteger(token))
    ? token
    : undefined
}
