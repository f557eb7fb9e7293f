import type { Dispatcher } from 'undici'
import { UpstreamFailure } from '../failure.ts'
import { parseMessage, type RpcMessage, type RpcResponse } from '../rpc-message.ts'

/** What was answered over HTTP, before its body is read. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly body: Dispatcher.ResponseData['body']
}

const discardableBytes = 65_536
const discardMilliseconds = 1000

/** Frees the connection of an answer whose rest nobody wants, for the next request if the rest is short. */
export function discard({ body }: HttpAnswer): void {
  const signal = AbortSignal.timeout(discardMilliseconds)
  body.dump({ limit: discardableBytes, signal }).catch(() => undefined)
}

/** The media type, in lower case and without its parameters. */
export function mediaTypeOf({ headers }: HttpAnswer): string {
  const type = headers['content-type']
  return (typeof type === 'string' ? type : '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/**
 * Reads an answer whole.
 *
 * @throws {UpstreamFailure} (as a rejection) when it is too large, or encoded
 */
export async function readWhole({ headers, body }: HttpAnswer, maxBytes: number): Promise<string> {
  if (headers['content-encoding'] !== undefined) {
    throw new UpstreamFailure('malformed', 'The answer is encoded, which was not asked for.')
  }
  const parts: Buffer[] = []
  let length = 0
  for await (const part of body as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBytes)
      throw new UpstreamFailure('too_large', `The answer has more than ${maxBytes} bytes.`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/**
 * The response in a JSON body. An error of the protocol may come with a status that says the same.
 *
 * @throws {UpstreamFailure} when there is no response to this request in it
 */
export function readResponse(status: number, text: string, id: string): RpcResponse {
  const message = parseMessage(text)
  if (message !== undefined && isResponse(message) && answers(message, id)) return message
  throw failureOf(status)
}

export function isResponse(message: RpcMessage): message is RpcResponse {
  return message.kind === 'result' || message.kind === 'error'
}

/** An error whose request could not be told has none, or not ours. */
function answers(message: RpcResponse, id: string): boolean {
  return message.id === id || (message.kind === 'error' && message.id === null)
}

/** What a status means that comes without an answer of the protocol. */
export function failureOf(status: number): UpstreamFailure {
  const detail = `It answered with HTTP ${status}.`
  if (status === 401 || status === 403 || status === 407) return new UpstreamFailure('not_admitted', detail)
  if (status === 429 || status === 503) return new UpstreamFailure('overloaded', detail)
  if (status === 408 || status === 504) return new UpstreamFailure('timeout', detail)
  return new UpstreamFailure('malformed', `${detail} That is no answer of MCP.`)
}
