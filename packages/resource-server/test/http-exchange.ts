import { request, type IncomingMessage } from 'node:http'

export interface Sent {
  readonly method?: string
  readonly path?: string
  /** Names and values in turn, so that a name may come twice. */
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
  /** Send the body without saying how long it is. */
  readonly chunked?: boolean
}

export interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly json: () => unknown
}

/** Sends a request on a connection of its own, and gives the answer back as soon as its head is here. */
export function open(port: number, sent: Sent): Promise<IncomingMessage> {
  const { method = 'POST', path = '/mcp', headers = [], body, chunked = false } = sent
  return new Promise((resolve, reject) => {
    const length = body === undefined || chunked ? [] : ['Content-Length', String(Buffer.byteLength(body))]
    const exchange = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: ['Host', 'mcp.example', ...headers, ...length],
      },
      resolve,
    )
    exchange.on('error', reject)
    if (chunked && body !== undefined) {
      exchange.write(body.slice(0, 1))
      exchange.end(body.slice(1))
    } else exchange.end(body)
  })
}

export async function exchange(port: number, sent: Sent = {}): Promise<Received> {
  const answer = await open(port, sent)
  answer.setEncoding('utf8')
  let text = ''
  for await (const piece of answer) text += String(piece)
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    text,
    json: () => JSON.parse(text) as unknown,
  }
}
