import { EventEmitter, once } from 'node:events'

/** The `fetch` of one client: remembers what went out, and breaks connections when told to. */
export interface ObservedFetch {
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  /** HTTP method, the message's where there is one, and the status; in the order of the answers. */
  readonly requests: string[]
  /** The `Last-Event-ID` headers that were sent. */
  readonly lastEventIds: string[]
  /** Resolves when such a request has its answer. */
  answered(request: string): Promise<void>
  /** Breaks the first connection on which this text comes by, right after it. */
  breakAfter(text: string): void
}

const patienceMilliseconds = 10_000

export function observeFetch(): ObservedFetch {
  const requests: string[] = []
  const lastEventIds: string[] = []
  const changed = new EventEmitter()
  let breakingText: string | undefined

  /** Passes the body on as it is read, so that what came before the break has arrived. */
  function breakable(response: Response): Response {
    const reader = response.body?.getReader()
    if (reader === undefined) return response
    const decoder = new TextDecoder()
    let broken = false
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      if (broken) {
        await reader.cancel()
        controller.error(new TypeError('terminated'))
        return
      }
      const { done, value } = await reader.read()
      if (done) {
        controller.close()
        return
      }
      if (breakingText !== undefined && decoder.decode(value).includes(breakingText)) {
        broken = true
        breakingText = undefined
      }
      controller.enqueue(value)
    }
    const body = new ReadableStream({ pull, cancel: () => reader.cancel() }, { highWaterMark: 0 })
    const { status, statusText, headers } = response
    return new Response(body, { status, statusText, headers })
  }

  return {
    requests,
    lastEventIds,
    fetch: async (url, init) => {
      const lastEventId = new Headers(init?.headers).get('last-event-id')
      if (lastEventId !== null) lastEventIds.push(lastEventId)
      const response = await fetch(url, init)
      requests.push(`${init?.method ?? 'GET'}${messageOf(init)} ${response.status}`)
      changed.emit('change')
      return breakingText === undefined ? response : breakable(response)
    },
    answered: async (request) => {
      const signal = AbortSignal.timeout(patienceMilliseconds)
      while (!requests.includes(request)) await once(changed, 'change', { signal })
    },
    breakAfter: (text) => void (breakingText = text),
  }
}

function messageOf(init: RequestInit | undefined): string {
  if (typeof init?.body !== 'string') return ''
  const message: unknown = JSON.parse(init.body)
  if (typeof message !== 'object' || message === null || !('method' in message)) return ' answer'
  return ` ${String(message.method)}`
}
