import assert from 'node:assert/strict'
import type { Client as ClientOf2 } from '@modelcontextprotocol/client'
import type { Client as ClientOf1 } from '@modelcontextprotocol/sdk/client/index.js'
import type { Inbox, Json } from './inbox.ts'
import type { ObservedFetch } from './observed-fetch.ts'

/** What the host answers when the server asks; what is missing is not declared as a capability either. */
export interface Host {
  readonly elicit?: (params: Json) => Elicited | Promise<Elicited>
  readonly sample?: (params: Json) => Sampled
  readonly roots?: () => { readonly roots: { uri: string; name?: string }[] }
}

export type Elicited =
  | { action: 'accept'; content: Record<string, string | number | boolean | string[]> }
  | { action: 'decline' | 'cancel' }

// An interface would have no index signature, which the clients ask for.
export type Sampled = {
  role: 'assistant'
  model: string
  content: { type: 'text'; text: string }
}

export interface CallOptions {
  readonly onprogress?: (report: { progress: number; total?: number | undefined }) => void
  readonly signal?: AbortSignal
  /** Milliseconds. */
  readonly timeout?: number
}

export interface ToolResult {
  readonly content: readonly Json[]
  readonly structuredContent?: unknown
  readonly isError?: boolean | undefined
}

export interface Watching {
  /** What the server has promised to tell, where it says so. */
  readonly promised: unknown
  readonly stop: () => Promise<unknown>
}

/** Where the fixture is: at a URL with a token, or in a program to be started. */
export type Place =
  | { readonly url: string; readonly token: string }
  | { readonly command: string; readonly args: string[] }

/** A client that is connected to the fixture. */
export interface Connection {
  /** What both generations offer under the same names. */
  readonly client: ClientOf1 | ClientOf2
  /** What its notification handlers were given. */
  readonly inbox: Inbox
  /** What it sends; nothing over stdio. */
  readonly http: ObservedFetch
  /** The revision that was agreed on. */
  readonly revision: string | undefined
  readonly sessionId: () => string | undefined
  callTool(name: string, args?: Json, options?: CallOptions): Promise<ToolResult>
  /** The same, with the least important log messages that are wanted. */
  callToolWithLogs(name: string, level: 'debug' | 'error'): Promise<ToolResult>
  /** Wants to be told of changes: of one resource, and of two lists where that has to be said. */
  watch(uri: string): Promise<Watching>
  /** Ends the session, where there is one. */
  terminateSession(): Promise<void>
  close(): Promise<void>
}

/** The text of the only block. */
export function textOf({ content, isError }: ToolResult, failed = false): string {
  assert.equal(isError === true, failed, JSON.stringify(content))
  assert.equal(content.length, 1)
  const text = content[0]?.['text']
  assert.ok(typeof text === 'string', JSON.stringify(content))
  return text
}

export const identity = { name: 'clients-under-test', version: '1' }

/** The capabilities of a host that can do this much. */
export function capabilitiesOf({ elicit, sample, roots }: Host): {
  elicitation?: Record<string, never>
  sampling?: Record<string, never>
  roots?: Record<string, never>
} {
  return {
    ...(elicit !== undefined && { elicitation: {} }),
    ...(sample !== undefined && { sampling: {} }),
    ...(roots !== undefined && { roots: {} }),
  }
}

/** Options of the HTTP transport, which both generations share: the token as a header, and no patience. */
export function httpOptions(
  token: string,
  http: ObservedFetch,
): {
  requestInit: RequestInit
  fetch: ObservedFetch['fetch']
  reconnectionOptions: Record<
    'initialReconnectionDelay' | 'maxReconnectionDelay' | 'reconnectionDelayGrowFactor' | 'maxRetries',
    number
  >
} {
  return {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
    fetch: http.fetch,
    reconnectionOptions: {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 100,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 2,
    },
  }
}
