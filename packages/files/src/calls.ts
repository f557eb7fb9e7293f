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
  /** Tells whoever wants to know how many of something are done. */
  readonly report: (done: number, of: string) => void
}

/** A tool's work: returns at once where it can, as most reads do. Failures are thrown. */
export type Work<Args, Result = ToolResult> = (args: Args, call: Call) => Result | Promise<Result>

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
  /**
   * Puts identity, turns and time limit around work.
   *
   * @throws {FileFailure} what the work failed with, `busy`, `no_subject`; at once or later
   */
  readonly run: <Args, Result>(
    work: Work<Args, Result>,
    args: Args,
    context: FilesCallContext,
  ) => Result | Promise<Result>
  /** The same as the function behind a tool, whose failures are results. */
  readonly serve: <Args>(work: Work<Args>) => FilesTool['call']
  /** Refuses new calls, stops running ones, and resolves when the last has let go of its files. */
  readonly close: () => Promise<void>
}

export function createCalls(options: CallsOptions): Calls {
  const turns = createTurns({
    atOnce: options.maxConcurrentCallsPerCaller,
    waiting: options.maxWaitingCallsPerCaller,
  })
  const running = new Map<RunningCall, Promise<unknown>>()
  let closing = false

  function serve<Args>(work: Work<Args>): FilesTool['call'] {
    return (args: Args, context: FilesCallContext) => {
      try {
        const result = run(work, args, context)
        return result instanceof Promise ? result.catch(formatFailure) : result
      } catch (error) {
        return formatFailure(error)
      }
    }
  }

  function run<Args, Result>(
    work: Work<Args, Result>,
    args: Args,
    context: FilesCallContext,
  ): Result | Promise<Result> {
    if (closing) throw new FileFailure('busy', 'The server is shutting down. Try again later.')
    const call = new RunningCall(options.findRoot(context.caller), context, options)
    call.throwIfStopped()
    const key = keyOfCaller(context.caller)
    if (!turns.tryTake(key)) return follow(call, waitForTurn(work, args, call, key))
    return runWithTurn(work, args, call, key)
  }

  function runWithTurn<Args, Result>(
    work: Work<Args, Result>,
    args: Args,
    call: RunningCall,
    key: string,
  ): Result | Promise<Result> {
    let result: Result | Promise<Result>
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

  function begin<Args, Result>(
    work: Work<Args, Result>,
    args: Args,
    call: RunningCall,
  ): Result | Promise<Result> {
    const preparing = options.prepareRoot(call.root)
    if (preparing === undefined) return work(args, call)
    return preparing.then(() => {
      call.throwIfStopped()
      return work(args, call)
    })
  }

  async function waitForTurn<Args, Result>(
    work: Work<Args, Result>,
    args: Args,
    call: RunningCall,
    key: string,
  ): Promise<Result> {
    await turns.take(key, call.signal)
    try {
      call.throwIfStopped()
      return await begin(work, args, call)
    } finally {
      turns.give(key)
    }
  }

  /** Ends when the work ends or is stopped; a turn and open files stay with the work till it ends. */
  function follow<Result>(call: RunningCall, work: Promise<Result>): Promise<Result> {
    const ended = work.finally(() => {
      running.delete(call)
      call.end()
    })
    running.set(call, ended)
    return Promise.race([ended, call.whenStopped()])
  }

  async function close(): Promise<void> {
    closing = true
    for (const call of running.keys()) {
      call.stop(new FileFailure('busy', 'The server shut down before this call was done.'))
    }
    await Promise.allSettled(running.values())
  }

  return { run, serve, close }
}

function keyOfCaller(caller: Caller | undefined): string {
  return caller === undefined ? '' : `${caller.issuer}\0${caller.subject}`
}

class RunningCall implements Call {
  readonly root: Root
  readonly #context: FilesCallContext
  readonly #startedMs: number
  readonly #limits: Pick<CallsOptions, 'callTimeLimitMs' | 'nowMs'>
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(
    root: Root,
    context: FilesCallContext,
    limits: Pick<CallsOptions, 'callTimeLimitMs' | 'nowMs'>,
  ) {
    this.root = root
    this.#context = context
    this.#limits = limits
    this.#startedMs = limits.nowMs()
  }

  throwIfStopped(): void {
    this.#controller?.signal.throwIfAborted()
    if (this.#context.signal.aborted) throw cancelled()
    if (this.#leftMs() <= 0) throw tooLong(this.#limits.callTimeLimitMs)
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      const onTime = (): void => this.stop(tooLong(this.#limits.callTimeLimitMs))
      this.#timer = setTimeout(onTime, Math.max(0, this.#leftMs()))
      if (this.#context.signal.aborted) this.#onCancel()
      else this.#context.signal.addEventListener('abort', this.#onCancel)
    }
    return this.#controller.signal
  }

  report(done: number, of: string): void {
    this.#context.progress?.({ progress: done, message: `${done} ${of}` })
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
    this.#context.signal.removeEventListener('abort', this.#onCancel)
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
