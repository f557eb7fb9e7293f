import { parseJson, type JsonRpcId } from '@mcp-doorman/resource-server'
import { membersOf } from './json-text.ts'

/** An object as JSON has it. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}

/** What an upstream answered. */
export type RpcResponse =
  | {
      readonly kind: 'result'
      readonly id: JsonRpcId
      readonly result: Fields
      /** The same as it was written, without line ends. */
      readonly text: string
    }
  | { readonly kind: 'error'; readonly id: JsonRpcId | null; readonly error: RpcError }

export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data: unknown
}

export interface RpcRequest {
  readonly kind: 'request'
  readonly id: JsonRpcId
  readonly method: string
  readonly params: Fields
}

export interface RpcNotification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: Fields
}

export type RpcMessage = RpcResponse | RpcRequest | RpcNotification

/** Reads what an upstream has sent. Never throws; `undefined` for what is no message of JSON-RPC. */
export function parseMessage(source: string): RpcMessage | undefined {
  const parsed = parseJson(source)
  if (!parsed.ok || !isFields(parsed.json) || parsed.json['jsonrpc'] !== '2.0') return undefined
  const { id, method, params = {}, result, error } = parsed.json
  if (typeof method === 'string') {
    if (!isFields(params)) return undefined
    if (id === undefined) return { kind: 'notification', method, params }
    return isId(id) ? { kind: 'request', id, method, params } : undefined
  }
  if (isFields(error)) return readError(isId(id) ? id : null, error)
  if (!isId(id) || !isFields(result)) return undefined
  const span = membersOf(source)?.get('result')
  // Within strings JSON has no line ends, so these stand between values.
  return (
    span && { kind: 'result', id, result, text: source.slice(span.start, span.end).replace(/[\r\n]/g, ' ') }
  )
}

function isId(id: unknown): id is JsonRpcId {
  return typeof id === 'string' || Number.isSafeInteger(id)
}

function readError(id: JsonRpcId | null, { code, message, data }: Fields): RpcMessage | undefined {
  if (!Number.isSafeInteger(code) || typeof message !== 'string') return undefined
  // It was seen to be one.
  return { kind: 'error', id, error: { code: code as number, message, data } }
}
