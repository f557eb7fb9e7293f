import { request, type IncomingMessage } from 'node:http'
import type { Json } from './messages.ts'
import type { RawRequest } from './raw-http.ts'

/** One event of a stream, with the fields it had. */
export interface ReadEvent {
  readonly id: string | undefined
  readonly retry: string | undefined
  /** `undefined` for an event without data. */
  readonly message: Json | undefined
}

/** An answer that may be a stream, read as it comes. */
export interface EventReader {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The next event; `undefined` when the stream has ended. */
  readonly next: () => Promise<ReadEvent | undefined>
  /** The messages of the next events, so many of them. */
  readonly messages: (count: number) => Promise<readonly Json[]>
  /** Everything up to the end. */
  readonly rest: () => Promise<readonly ReadEvent[]>
  /** Comments so far. */
  readonly comments: () => number
  /** The body as text, for an answer that is no stream. */
  readonly body: () => Promise<string>
  /** Stops reading, so that the server's writes pile up. */
  readonly pause: () => void
  readonly close: () => void
}

/** Sends a request and reads its answer event by event. */
export async function openEvents(port: number, asked: RawRequest): Promise<EventReader> {
  const { method = 'GET', target = '/mcp', headers = {}, body } = asked
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const given = Object.fromEntries(
      Object.entries({ Accept: 'application/json, text/event-stream', ...headers }).filter(
        ([, value]) => value !== undefined,
      ),
    ) as Record<string, string>
    const sent = request(
      { host: '127.0.0.1', port, path: target, method, headers: given, agent: false },
      resolve,
    )
    sent.once('error', reject)
    sent.end(body)
  })
  let text = ''
  let comments = 0
  const events: ReadEvent[] = []
  const state = { ended: false }
  let wake = (): void => undefined
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    if (response.headers['content-type'] !== 'text/event-stream') return
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      if (block.startsWith(':')) comments += 1
      else events.push(parseEvent(block))
    }
    wake()
  })
  const finish = (): void => {
    state.ended = true
    wake()
  }
  response.on('close', finish).on('error', finish)

  async function next(): Promise<ReadEvent | undefined> {
    while (events.length === 0 && !state.ended) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return events.shift()
  }

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next,
    messages: async (count) => {
      const found: Json[] = []
      while (found.length < count) {
        const event = await next()
        if (event === undefined) throw new Error(`The stream ended after ${JSON.stringify(found)}`)
        if (event.message !== undefined) found.push(event.message)
      }
      return found
    },
    rest: async () => {
      const found: ReadEvent[] = []
      for (let event = await next(); event !== undefined; event = await next()) found.push(event)
      return found
    },
    comments: () => comments,
    body: async () => {
      while (!state.ended) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return text
    },
    pause: () => void response.pause(),
    close: () => void response.destroy(),
  }
}

function parseEvent(block: string): ReadEvent {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')] as const
    }),
  )
  const data = fields.get('data') ?? ''
  return {
    id: fields.get('id'),
    retry: fields.get('retry'),
    message: data === '' ? undefined : (JSON.parse(data) as Json), // Every event of ours has an object as data.
  }
}
