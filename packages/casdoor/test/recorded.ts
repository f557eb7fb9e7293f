/** What a Casdoor 3.158 was asked and answered. */
import { readFileSync } from 'node:fs'
import type { Outbound, OutboundAnswer, OutboundRequest } from '@mcp-doorman/outbound'

export interface Exchange {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Readonly<Record<string, unknown>>
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string | readonly string[]>>
    readonly body: unknown
  }
}

/** @param name - a file of `test/fixtures/casdoor`, as `provisioning/add-cert` */
export function recorded(name: string): Exchange {
  return readFixture(name) as Exchange // The form is that of the fixtures' README.
}

export function readFixture(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../../test/fixtures/casdoor/${name}.json`, import.meta.url), 'utf8'),
  )
}

/** `data` of a recorded answer: an application, a certificate, a user. */
export function recordedData(name: string): Record<string, unknown> {
  return (recorded(name).response.body as { readonly data: Record<string, unknown> }).data
}

/** The answer as an outbound gives it. */
export function answerOf({ status, headers, body }: Exchange['response']): OutboundAnswer {
  const joined = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')])
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { ok: true, status, headers: Object.fromEntries(joined), body: Buffer.from(text) }
}

export const json = (body: unknown, status = 200): OutboundAnswer =>
  answerOf({ status, headers: { 'content-type': 'application/json; charset=utf-8' }, body })

export interface Watched extends Outbound {
  readonly requests: readonly OutboundRequest[]
}

/** A network of one function, which keeps what it was asked. */
export function watched(answer: (request: OutboundRequest) => OutboundAnswer): Watched {
  const requests: OutboundRequest[] = []
  return {
    requests,
    request: (request) => {
      requests.push(request)
      return Promise.resolve(answer(request))
    },
    close: () => undefined,
  }
}

export const origin = 'http://127.0.0.1:18123'
