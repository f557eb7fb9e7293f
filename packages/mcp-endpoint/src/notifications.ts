import type { Message } from '@mcp-doorman/resource-server'

/** A notification as text. */
export function notification(method: string, params: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params })
}

/** What the client wants progress reports to be marked with; `undefined` if it wants none. */
export function progressTokenOf(message: Message): string | number | undefined {
  const token = metaOf(message)?.['progressToken']
  return typeof token === 'string' || (typeof token === 'number' && Number.isSafeInteger(token))
    ? token
    : undefined
}

/** The `_meta` of a message's parameters. */
export function metaOf({ params }: Message): Readonly<Record<string, unknown>> | undefined {
  const meta = params['_meta']
  // An object has members by name.
  return typeof meta === 'object' && meta !== null ? (meta as Readonly<Record<string, unknown>>) : undefined
}
