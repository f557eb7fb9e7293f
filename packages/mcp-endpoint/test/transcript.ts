import assert from 'node:assert/strict'
import type { Json } from './messages.ts'
import { member } from './messages.ts'

export type Era = 'legacy' | 'modern'

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'
const serverInfoKey = 'io.modelcontextprotocol/serverInfo'
const ofACall = ['notifications/progress', 'notifications/message']

/** What a client knows of what may come. */
export interface Expectations {
  /** Ids of its requests that have no answer yet. Each is taken out with its answer. */
  readonly open: Set<unknown>
  /** Whether it has had the answer to `initialize`. */
  isInitialized: boolean
  /** The requests that its capabilities allow. */
  readonly mayBeAsked: readonly string[]
}

/**
 * Reads a transcript of standard output as a strict client of one era would, which shares no code with the server.
 * Throws at the first line that such a client could not take.
 */
export function checkTranscript(lines: readonly string[], era: Era, expectations: Expectations): void {
  assert.equal(lines.at(-1), '', 'the last line is whole')
  for (const line of lines.slice(0, -1)) {
    const message: unknown = JSON.parse(line)
    assert.ok(typeof message === 'object' && message !== null && !Array.isArray(message), line)
    // It is an object, so it has members by name.
    checkMessage(message as Json, era, expectations, line)
  }
}

function checkMessage(message: Json, era: Era, expectations: Expectations, line: string): void {
  assert.equal(message['jsonrpc'], '2.0', line)
  if (!('method' in message)) checkAnswer(message, era, expectations, line)
  else if ('id' in message) checkRequest(message, era, expectations, line)
  else checkNotification(message, era, line)
}

function checkAnswer(message: Json, era: Era, expectations: Expectations, line: string): void {
  assert.ok(expectations.open.delete(message['id']), `answers an open request, once: ${line}`)
  if ('error' in message) {
    assert.deepEqual(Object.keys(message), ['jsonrpc', 'id', 'error'])
    const { code, message: text } = member(message, 'error')
    assert.ok(Number.isInteger(code) && typeof text === 'string', line)
    return
  }
  assert.deepEqual(Object.keys(message), ['jsonrpc', 'id', 'result'])
  const result = member(message, 'result')
  if ('protocolVersion' in result) expectations.isInitialized = true
  if (era === 'modern') {
    assert.ok(['complete', 'input_required'].includes(String(result['resultType'])), line)
    assert.deepEqual(member(result, '_meta')[serverInfoKey], { name: 'busy', version: '1' }, line)
  } else {
    for (const key of ['resultType', 'ttlMs', 'cacheScope', '_meta']) assert.ok(!(key in result), line)
  }
}

/** I3: the server of the modern era asks nothing; the older one only a client that has said what it can do. */
function checkRequest(message: Json, era: Era, expectations: Expectations, line: string): void {
  assert.equal(era, 'legacy', line)
  assert.ok(expectations.isInitialized, line)
  assert.ok(expectations.mayBeAsked.includes(String(message['method'])), line)
  assert.deepEqual(Object.keys(message), ['jsonrpc', 'id', 'method', 'params'])
  assert.ok(['string', 'number'].includes(typeof message['id']), line)
}

function checkNotification(message: Json, era: Era, line: string): void {
  const { method } = message
  assert.match(String(method), /^notifications\//, line)
  assert.deepEqual(Object.keys(message), ['jsonrpc', 'method', 'params'])
  const meta = member(message, 'params')['_meta']
  const isTagged = typeof meta === 'object' && meta !== null && subscriptionKey in meta
  // What belongs to a call says so by its token or not at all; everything else belongs to a subscription.
  assert.equal(isTagged, era === 'modern' && !ofACall.includes(String(method)), line)
}

/** Which subscription a notification belongs to. */
export function subscriptionOf(message: Json): unknown {
  return member(member(message, 'params'), '_meta')[subscriptionKey]
}
