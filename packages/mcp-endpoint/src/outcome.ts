import { unknownItemError, type Item, type JsonRpcError } from '@mcp-doorman/resource-server'
import type { Rounds } from './calls/call.ts'
import type { CallEnd } from './calls/run-call.ts'
import type { InputRequests } from './input.ts'
import type { RunContext } from './run-context.ts'

/** How long, and by whom, a result may be kept. */
export interface Cacheable {
  readonly ttlMs: number
  readonly cacheScope: 'public' | 'private'
}

/** What a method came to, before a revision of the protocol puts it into words. */
export type Outcome =
  | {
      readonly kind: 'result'
      /** The result as the text of an object. */
      readonly json: string
      readonly cache?: Cacheable
      /** Whether a tool said that it failed. */
      readonly toolError?: boolean
    }
  /** `status` is the one over HTTP in the revision that has one for it; otherwise 200. */
  | { readonly kind: 'error'; readonly error: JsonRpcError; readonly status?: number }
  /** Answers are needed before it can go on. */
  | { readonly kind: 'input'; readonly requests: InputRequests; readonly used: Rounds }
  | { readonly kind: 'cancelled' }

const cancelled: Outcome = { kind: 'cancelled' }

/** What the end of a run comes to. */
export function outcomeOfEnd<Value>(end: CallEnd<Value>, outcomeOf: (value: Value) => Outcome): Outcome {
  switch (end.kind) {
    case 'done':
      return outcomeOf(end.value)
    case 'input':
      return end
    case 'told':
    case 'failed':
      return { kind: 'error', error: { code: -32603, message: end.message } }
    case 'cancelled':
      return cancelled
  }
}

/** The same of a run that may not have ended yet. */
export function outcomeOfRun<Value>(
  run: CallEnd<Value> | Promise<CallEnd<Value>>,
  outcomeOf: (value: Value) => Outcome,
): Outcome | Promise<Outcome> {
  return run instanceof Promise
    ? run.then((end) => outcomeOfEnd(end, outcomeOf))
    : outcomeOfEnd(run, outcomeOf)
}

/** There is no such item, as far as this caller can know. */
export function unknown(item: Item | undefined, { era }: RunContext): Outcome {
  return { kind: 'error', error: unknownItemError(item, era) }
}

/** The parameters are not what the method takes. */
export function invalid(message: string): Outcome {
  return { kind: 'error', error: { code: -32602, message } }
}
