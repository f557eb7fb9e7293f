import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { serveStdio, type ServerEnd } from '@mcp-doorman/mcp-endpoint'

export type Json = Readonly<Record<string, unknown>>
export type ClientEra = 'modern' | 'legacy'

/** What one request came to: its answer, what the client was asked meanwhile, and what it was told. */
export interface Told {
  readonly answer: Json
  readonly asked: readonly Json[]
  readonly told: readonly Json[]
}

/** A client of one era, on the standard input and output of a server end in this process. */
export interface Conversation {
  readonly request: (method: string, params?: Json, meta?: Json) => Promise<Told>
  /** Sends a request and does not wait for it. */
  readonly begin: (method: string, params?: Json, meta?: Json) => number
  readonly notify: (method: string, params?: Json) => void
  /** The next notification of this method. */
  readonly next: (method: string) => Promise<Json>
  readonly close: () => Promise<void>
}

const prefix = 'io.modelcontextprotocol/'
export const everything: Json = { elicitation: {}, sampling: {}, roots: {} }

/** What the client answers to whatever it is asked. */
export function answerTo(method: unknown): unknown {
  switch (method) {
    case 'elicitation/create':
      return {
        action: 'accept',
        content: { name: 'Ada', ok: true, color: 'blue', username: 'a', email: 'b', context: 'c' },
      }
    case 'sampling/createMessage':
      return { role: 'assistant', content: { type: 'text', text: 'Paris' }, model: 'm' }
    default:
      return { roots: [{ uri: 'file:///home' }] }
  }
}

/** Begins one, with the introduction that the era wants. */
export async function converse(
  endpoint: ServerEnd,
  era: ClientEra,
  capabilities: Json = everything,
): Promise<Conversation> {
  const input = new PassThrough()
  const output = new PassThrough()
  const served = serveStdio({ endpoint, input, output, drainSeconds: 0.1 })
  const waiting = new Map<unknown, (message: Json) => void>()
  const notifications: Json[] = []
  const asked: Json[] = []
  let wake = (): void => undefined
  let count = 0
  const send = (message: Json): void =>
    void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

  createInterface({ input: output }).on('line', (line) => {
    const message = JSON.parse(line) as Json // Each line is one message.
    const { id, method } = message
    if (method === undefined) waiting.get(id)?.(message)
    else if (id === undefined) notifications.push(message)
    else {
      asked.push({ method, params: message['params'] })
      send({ id, result: answerTo(method) })
    }
    wake()
  })

  const paramsOf = (params: Json, meta: Json): Json => {
    const envelope = {
      ...meta,
      ...(era === 'modern' && {
        [`${prefix}protocolVersion`]: '2026-07-28',
        [`${prefix}clientCapabilities`]: capabilities,
      }),
    }
    return Object.keys(envelope).length > 0 ? { ...params, _meta: envelope } : params
  }
  const begin = (method: string, params: Json = {}, meta: Json = {}): number => {
    count += 1
    send({ id: count, method, params: paramsOf(params, meta) })
    return count
  }
  const send1 = (method: string, params: Json, meta: Json): Promise<Json> =>
    new Promise((resolve) => waiting.set(begin(method, params, meta), resolve))

  async function request(method: string, params: Json = {}, meta: Json = {}): Promise<Told> {
    asked.length = 0
    const before = notifications.length
    let answer = await send1(method, params, meta)
    for (let round = 0; round < 5; round += 1) {
      const { resultType, inputRequests, requestState } = (answer['result'] ?? {}) as Json // An object, as MCP has it.
      if (resultType !== 'input_required') break
      const requests = Object.entries(inputRequests as Record<string, Json>) // As above.
      asked.push(...requests.map(([, one]) => ({ method: one['method'], params: one['params'] })))
      const inputResponses = Object.fromEntries(
        requests.map(([name, one]) => [name, answerTo(one['method'])]),
      )
      answer = await send1(method, { ...params, inputResponses, requestState }, meta)
    }
    const { id: _, jsonrpc: __, ...rest } = answer
    return { answer: rest, asked: [...asked], told: notifications.slice(before) }
  }

  if (era === 'legacy') {
    const clientInfo = { name: 'client', version: '1' }
    await request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo })
    send({ method: 'notifications/initialized' })
  }
  return {
    request,
    begin,
    notify: (method, params) => send({ method, params }),
    next: async (method) => {
      for (;;) {
        const index = notifications.findIndex((message) => message['method'] === method)
        if (index !== -1) return notifications.splice(index, 1)[0] ?? {}
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    close: async () => {
      input.end()
      await served
    },
  }
}
