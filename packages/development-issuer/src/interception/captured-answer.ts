import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { Answer } from './exchange.ts'

/**
 * Makes a response keep what is written to it, and resolves with it when it has ended. Nothing is sent meanwhile; then
 * {@link sendAnswer} sends it, or another answer.
 *
 * @returns undefined when the response was destroyed, or the connection ended, before it was whole
 */
export function captureAnswer(response: ServerResponse): Promise<Answer | undefined> {
  const chunks: Buffer[] = []
  return new Promise((resolve) => {
    const giveUp = (): void => resolve(undefined)
    response.once('close', giveUp)

    function keep(chunk: unknown, encoding: unknown): void {
      if (typeof chunk === 'string') chunks.push(Buffer.from(chunk, isEncoding(encoding) ? encoding : 'utf8'))
      else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
    }
    function keepHead(status: number, ...rest: readonly unknown[]): ServerResponse {
      response.statusCode = status
      const headers = rest.find((part) => typeof part === 'object' && part !== null)
      for (const [name, value] of Object.entries({ ...headers })) {
        // The second or third argument of writeHead.
        if (value !== undefined) response.setHeader(name, value as string | string[])
      }
      return response
    }
    Object.assign(response, {
      writeHead: keepHead,
      write(chunk: unknown, encoding: unknown, callback: unknown) {
        keep(chunk, encoding)
        for (const done of [encoding, callback]) if (typeof done === 'function') queueMicrotask(() => done())
        return true
      },
      end(chunk: unknown, encoding: unknown) {
        keep(chunk, encoding)
        response.off('close', giveUp)
        // Uncovers the methods of its class.
        for (const name of ['writeHead', 'write', 'end']) Reflect.deleteProperty(response, name)
        resolve({
          status: response.statusCode,
          headers: textHeaders(response.getHeaders()),
          body: Buffer.concat(chunks),
        })
        return response
      },
    })
  })
}

/** Sends an answer whole; or its head and half of it, when it is to be cut. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  const { status, headers, blanks = 0, cut } = answer
  // There is something to cut in every answer.
  const body = cut === true && answer.body.length < 2 ? Buffer.from('\n\n') : answer.body
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'content-length' && name !== 'transfer-encoding') response.setHeader(name, value)
  }
  const hasBody = ![204, 304].includes(status) && response.req.method !== 'HEAD'
  if (hasBody) response.setHeader('content-length', body.length + blanks)
  response.writeHead(status)
  if (!hasBody) response.end()
  else if (cut === true) response.write(body.subarray(0, body.length / 2), () => response.destroy())
  // Whoever has seen enough goes away in the middle of it.
  else pipeline(Readable.from(partsOf(body, blanks)), response, () => {})
}

const blankPart = Buffer.alloc(65_536, ' ')

function* partsOf(body: Buffer, blanks: number): Generator<Buffer> {
  yield body
  for (let left = blanks; left > 0; left -= blankPart.length) yield blankPart.subarray(0, left)
}

function textHeaders(headers: OutgoingHttpHeaders): Answer['headers'] {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value : String(value)]],
    ),
  )
}

function isEncoding(value: unknown): value is BufferEncoding {
  return typeof value === 'string' && Buffer.isEncoding(value)
}
