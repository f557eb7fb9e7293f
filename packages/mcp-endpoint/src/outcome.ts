import { unknownItemError, type Item, type JsonRpcError } from '@mcp-doorman/resource-server'
import type { Rounds } from './calls/call.ts'
import type { CallEnd } from './calls/run-call.ts'
import type { Fields } from './fields.ts'
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
      /** The result as the text of an object with at least one member, without those that a revision adds. */
      readonly json: string
      readonly cache?: Cacheable
      /** What stands in `_meta` besides what the revision itself puts there. */
      readonly meta?: Fields
      /** Whether a tool said that it failed. */
      readonly toolError?: boolean
    }
  | Failed
  /** Answers are needed before it can go on. */
  | {
      readonly kind: 'input'
      readonly requests: InputRequests
      /** What the next round is given, besides the answers. */
      readonly used: Rounds
      /** How it goes on when the client cannot be asked. Default: it does not, and the client is told why. */
      readonly refuse?: (reason: string) => Promise<Outcome>
    }
  | { readonly kind: 'cancelled' }

/**
 * An error of the protocol. Over HTTP a status below 500 belongs to the revision that has one for it, which is that of
 * 2026; one from 500 on says in every revision that what stands behind has failed. Default: 200.
 */
export interface Failed {
  readonly kind: 'error'
  readonly error: JsonRpcError
  readonly status?: number
}

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
export function unknown(item: Item | undefined, { era }: Pick<RunContext, 'era'>): Failed {
  return { kind: 'error', error: unknownItemError(item, era) }
}

/** The parameters are not what the method takes. */
export function invalid(message: string): Failed {
  return { kind: 'error', error: { code: -32602, message } }
}
