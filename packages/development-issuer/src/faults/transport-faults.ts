import { setTimeout as wait } from 'node:timers/promises'
import type { Endpoint } from '@mcp-doorman/authorization-server'
import { type Answer, type Exchange, type Interceptor, jsonAnswer } from '../interception/exchange.ts'
import { defineFault, everywhere, type FaultKind } from './fault-kind.ts'

const page = Buffer.from(
  '<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>',
)

export const slow: FaultKind = defineFault({
  group: 'answers',
  title: 'takes its time to answer',
  causes: ['CF39'],
  parameters: {
    at: everywhere,
    seconds: { kind: 'number', from: 0.01, to: 600, initial: 5, says: 'how long' },
  },
  open: ({ at, seconds }, { signal }) => ({
    async ask(exchange) {
      if (isAt(at, exchange)) await wait(seconds * 1000, undefined, { signal, ref: false }).catch(() => {})
      return { exchange }
    },
  }),
})

export const hanging: FaultKind = defineFault({
  group: 'answers',
  title: 'takes the request and never answers',
  causes: ['CF39'],
  parameters: { at: everywhere },
  open: ({ at }) => ({ ask: (exchange) => (isAt(at, exchange) ? 'silence' : { exchange }) }),
})

export const serverError: FaultKind = defineFault({
  group: 'answers',
  title: 'answers with an error status',
  causes: ['CF39'],
  parameters: {
    at: everywhere,
    status: { kind: 'number', from: 400, to: 599, initial: 500, says: 'the status, such as 429 or 503' },
  },
  open: ({ at, status }) =>
    answering(at, () =>
      jsonAnswer(
        Math.trunc(status),
        { error: 'server_error', error_description: 'a fault is on' },
        status === 429 || status === 503 ? { 'retry-after': '1' } : {},
      ),
    ),
})

export const html: FaultKind = defineFault({
  group: 'answers',
  title: 'answers with a page where JSON should be',
  causes: ['CF7', 'CF17'],
  parameters: {
    at: everywhere,
    status: {
      kind: 'choice',
      values: ['200', '403'],
      initial: '200',
      says: 'the status; 403 as of a firewall',
    },
  },
  open: ({ at, status }) =>
    answering(at, () => ({
      status: Number(status),
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: page,
    })),
})

export const empty: FaultKind = defineFault({
  group: 'answers',
  title: 'does what it is asked and answers with nothing',
  causes: ['CF7'],
  parameters: { at: everywhere },
  open: ({ at }) => replacing(at, (answer) => ({ ...answer, body: Buffer.alloc(0) })),
})

export const huge: FaultKind = defineFault({
  group: 'answers',
  title: 'answers with far too much: the same JSON, with blanks after it',
  causes: ['CF39'],
  parameters: {
    at: everywhere,
    mebibytes: { kind: 'number', from: 1, to: 256, initial: 16, says: 'how much' },
  },
  open: ({ at, mebibytes }) => {
    const blanks = Math.trunc(mebibytes) * 2 ** 20
    return replacing(at, (answer) => ({ ...answer, blanks }))
  },
})

export const redirecting: FaultKind = defineFault({
  group: 'answers',
  title: 'redirects to another place',
  causes: ['CF8'],
  parameters: {
    at: everywhere,
    to: { kind: 'text', initial: 'http://internal.invalid/', says: 'the address' },
  },
  open: ({ at, to }) =>
    answering(at, () => ({
      status: 302,
      headers: { location: to.replaceAll(' ', '%20') },
      body: Buffer.alloc(0),
    })),
})

export const cut: FaultKind = defineFault({
  group: 'answers',
  title: 'ends the connection in the middle of the answer',
  causes: ['CF7'],
  parameters: { at: everywhere },
  open: ({ at }) => replacing(at, (answer) => ({ ...answer, cut: true })),
})

function isAt(at: readonly Endpoint[], { endpoint }: Exchange): boolean {
  return endpoint !== undefined && at.includes(endpoint)
}

/** Answers in the engine's place, which does not hear of the request. */
function answering(at: readonly Endpoint[], answer: () => Answer): Interceptor {
  return { ask: (exchange) => (isAt(at, exchange) ? { answer: answer() } : { exchange }) }
}

/** Lets the engine do what it does, and changes the answer. */
function replacing(at: readonly Endpoint[], change: (answer: Answer) => Answer): Interceptor {
  return { answer: (answer, exchange) => (isAt(at, exchange) ? change(answer) : answer) }
}
