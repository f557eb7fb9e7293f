import type { Caller, ToolResult } from '@mcp-doorman/mcp-endpoint'
import { FileFailure, formatFailure } from './failure.ts'
import type { FilesCallContext, FilesTool } from './files-tool.ts'
import type { Stoppable } from './pace.ts'
import type { FindRoot, PrepareRoot } from './roots.ts'
import { createTurns } from './turns.ts'
import type { Root } from './walk/walk.ts'

/** What the work behind a tool knows of the call besides its arguments. */
export interface Call extends Stoppable {
  readonly root: Root
  /** Aborted with the same failure; for waits. Costs a timer, so it is made on first use. */
  readonly signal: AbortSignal
}

/** A tool's work: returns at once where it can, as most reads do. Failures are thrown. */
export type Work<Args> = (args: Args, call: Call) => ToolResult | Promise<ToolResult>

export interface CallsOptions {
  readonly findRoot: FindRoot
  readonly prepareRoot: PrepareRoot
  readonly maxConcurrentCallsPerCaller: number
  readonly maxWaitingCallsPerCaller: number
  readonly callTimeLimitMs: number
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number
}

export interface Calls {
  /** Puts identity, turns, time limit and the wording of failures around a tool's work. */
  readonly serve: <Args>(work: Work<Args>) => FilesTool['call']
  /** Refuses new calls, stops running ones, and resolves when the last has let go of its files. */
  readonly close: () => Promise<void>
}

export function createCalls(options: CallsOptions): Calls {
  const turns = createTurns({
    atOnce: options.maxConcurrentCallsPerCaller,
    waiting: options.maxWaitingCallsPerCaller,
  })
  const running = new Map<RunningCall, Promise<ToolResult>>()
  let closing = false

  function serve<Args>(work: Work<Args>): FilesTool['call'] {
    return (args: Args, context: FilesCallContext) => {
      try {
        if (closing) throw new FileFailure('busy', 'The server is shutting down. Try again later.')
        const call = new RunningCall(options.findRoot(context.caller), context.signal, options)
        call.throwIfStopped()
        const key = keyOfCaller(context.caller)
        if (!turns.tryTake(key)) return follow(call, waitForTurn(work, args, call, key))
        return runWithTurn(work, args, call, key)
      } catch (error) {
        return formatFailure(error)
      }
    }
  }

  function runWithTurn<Args>(work: Work<Args>, args: Args, call: RunningCall, key: string) {
    let result: ToolResult | Promise<ToolResult>
    try {
      result = begin(work, args, call)
    } catch (error) {
      turns.give(key)
      throw error
    }
    if (!(result instanceof Promise)) {
      turns.give(key)
      return result
    }
    return follow(
      call,
      result.finally(() => turns.give(key)),
    )
  }

  function begin<Args>(work: Work<Args>, args: Args, call: RunningCall): ToolResult | Promise<ToolResult> {
    const preparing = options.prepareRoot(call.root)
    if (preparing === undefined) return work(args, call)
    return preparing.then(() => {
      call.throwIfStopped()
      return work(args, call)
    })
  }

  async function waitForTurn<Args>(work: Work<Args>, args: Args, call: RunningCall, key: string) {
    await turns.take(key, call.signal)
    try {
      call.throwIfStopped()
      return await begin(work, args, call)
    } finally {
      turns.give(key)
    }
  }

  /** Answers when the work ends or is stopped; a turn and open files stay with the work till it ends. */
  async function follow(call: RunningCall, work: Promise<ToolResult>): Promise<ToolResult> {
    const ended = work.finally(() => {
      running.delete(call)
      call.end()
    })
    running.set(call, ended)
    try {
      return await Promise.race([ended, call.whenStopped()])
    } catch (error) {
      return formatFailure(error)
    }
  }

  async function close(): Promise<void> {
    closing = true
    for (const call of running.keys()) {
      call.stop(new FileFailure('busy', 'The server shut down before this call was done.'))
    }
    await Promise.allSettled(running.values())
  }

  return { serve, close }
}

function keyOfCaller(caller: Caller | undefined): string {
  return caller === undefined ? '' : `${caller.issuer}\0${caller.subject}`
}

class RunningCall implements Call {
  readonly root: Root
  readonly #context: AbortSignal
  readonly #startedMs: number
  readonly #limits: Pick<CallsOptions, 'callTimeLimitMs' | 'nowMs'>
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(root: Root, context: AbortSignal, limits: Pick<CallsOptions, 'callTimeLimitMs' | 'nowMs'>) {
    this.root = root
    this.#context = context
    this.#limits = limits
    this.#startedMs = limits.nowMs()
  }

  throwIfStopped(): void {
    this.#controller?.signal.throwIfAborted()
    if (this.#context.aborted) throw cancelled()
    if (this.#leftMs() <= 0) throw tooLong(this.#limits.callTimeLimitMs)
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      const onTime = (): void => this.stop(tooLong(this.#limits.callTimeLimitMs))
      this.#timer = setTimeout(onTime, Math.max(0, this.#leftMs()))
      if (this.#context.aborted) this.#onCancel()
      else this.#context.addEventListener('abort', this.#onCancel)
    }
    return this.#controller.signal
  }

  stop(failure: FileFailure): void {
    this.end()
    this.#controller?.abort(failure)
  }

  /** Rejects when the call is stopped; stays pending if it ends by itself. */
  whenStopped(): Promise<never> {
    const { signal } = this
    return new Promise((_, reject) => {
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#context.removeEventListener('abort', this.#onCancel)
  }

  readonly #onCancel = (): void => this.stop(cancelled())

  #leftMs(): number {
    return this.#startedMs + this.#limits.callTimeLimitMs - this.#limits.nowMs()
  }
}

function cancelled(): FileFailure {
  return new FileFailure('busy', 'The call was cancelled.')
}

function tooLong(limitMs: number): FileFailure {
  const advice = 'Ask for less at a time. If it was a write, look with list_files whether it was done.'
  return new FileFailure('busy', `The call took longer than ${limitMs / 1000} s and was stopped. ${advice}`)
}
