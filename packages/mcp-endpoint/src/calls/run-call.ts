import type { Item, Message } from '@mcp-doorman/resource-server'
import type { CallContext } from '../call-context.ts'
import { CallerError } from '../caller-error.ts'
import type { Cancellation } from '../cancellation.ts'
import type { InputRequests } from '../input.ts'
import type { RunContext } from '../run-context.ts'
import { Call, InputNeeded, type Rounds } from './call.ts'

/** How a run of an author's function ended. */
export type CallEnd<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  /** It cannot go on without these answers. */
  | { readonly kind: 'input'; readonly requests: InputRequests; readonly used: Rounds }
  /** It has something to say to the caller in place of what was asked for. */
  | { readonly kind: 'told'; readonly message: string }
  /** It threw, or took too long. What it threw is not for the caller. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' }

/** An author's function, and what is made of what it returns. What `finish` throws is a failure of the function too. */
export interface Runnable<Args, Output, Value> {
  readonly item: Item
  readonly timeoutSeconds: number | undefined
  readonly run: (args: Args, context: CallContext) => Output | Promise<Output>
  readonly finish: (output: Output, args: Args) => Value
}

/**
 * Runs an author's function: within a time limit, until it is cancelled, and with every exception caught.
 *
 * Ends at once where the function does. Never throws, and its promise never rejects.
 */
export type RunCall = <Args, Output, Value>(
  runnable: Runnable<Args, Output, Value>,
  args: Args,
  message: Message,
  context: RunContext,
  rounds: Rounds,
) => CallEnd<Value> | Promise<CallEnd<Value>>

export interface RunCallOptions {
  readonly callTimeoutSeconds: number
  /** Whether log messages are passed on to clients. */
  readonly logs: boolean
  /** Told what a function threw. */
  readonly onFailure: (item: Item, error: unknown) => void
}

const cancelled = { kind: 'cancelled' } as const

export function createRunCall(options: RunCallOptions): RunCall {
  return (
    { item, timeoutSeconds = options.callTimeoutSeconds, run, finish },
    args,
    message,
    context,
    rounds,
  ) => {
    const { cancellation } = context
    if (cancellation.cancelled) return cancelled
    const call = new Call(message, context, rounds, options.logs)
    try {
      const output = run(args, call)
      return output instanceof Promise
        ? waitFor(
            item,
            output.then((returned) => finish(returned, args)),
            timeoutSeconds,
            call,
            cancellation,
          )
        : { kind: 'done', value: finish(output, args) }
    } catch (error) {
      return endOf(item, error, call)
    }
  }

  async function waitFor<Value>(
    item: Item,
    pending: Promise<Value>,
    timeoutSeconds: number,
    call: Call,
    cancellation: Cancellation,
  ): Promise<CallEnd<Value>> {
    let timer: NodeJS.Timeout | undefined
    const stopped = new Promise<CallEnd<Value>>((resolve) => {
      cancellation.signal.addEventListener('abort', () => resolve(cancelled), { once: true })
    })
    const late = new Promise<CallEnd<Value>>((resolve) => {
      timer = setTimeout(() => {
        resolve({ kind: 'failed', message: `The ${item.kind} took longer than ${timeoutSeconds} seconds.` })
        cancellation.cancel('the time limit of the call is over')
      }, timeoutSeconds * 1000)
    })
    const ended = pending.then(
      (value): CallEnd<Value> => ({ kind: 'done', value }),
      (error: unknown): CallEnd<Value> => (cancellation.cancelled ? cancelled : endOf(item, error, call)),
    )
    try {
      return await Promise.race([ended, late, stopped])
    } finally {
      clearTimeout(timer)
    }
  }

  function endOf(item: Item, error: unknown, call: Call): CallEnd<never> {
    if (error instanceof CallerError) return { kind: 'told', message: error.message }
    if (error instanceof InputNeeded) return { kind: 'input', requests: error.requests, used: call.used }
    try {
      options.onFailure(item, error)
    } catch {
      // A report that fails is not the caller's matter, and there is nobody left to report to.
    }
    return {
      kind: 'failed',
      message: `The ${item.kind} failed. The operator can find the reason in the server's log.`,
    }
  }
}
