import { setImmediate } from 'node:timers/promises'

/** Work in small steps: each `yield` offers a place where others may go first. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Something that may be told to stop. */
export interface Stoppable {
  /** Throws the reason once it was told to. */
  readonly throwIfStopped: () => void
}

/** How long work goes on before it takes up the next offer. */
const stretchMs = 2

/**
 * Runs the work: in one go if it is short, else with a turn of the event loop after each stretch.
 *
 * After every pause the call is asked whether to go on; what it throws is thrown into the work, so that its
 * `finally` blocks close what is open.
 */
export function runSteps<T>(steps: Steps<T>, call: Stoppable): T | Promise<T> {
  const ended = runStretch(steps)
  return ended === undefined ? continueSteps(steps, call) : ended.value
}

async function continueSteps<T>(steps: Steps<T>, call: Stoppable): Promise<T> {
  for (;;) {
    await setImmediate()
    try {
      call.throwIfStopped()
    } catch (error) {
      steps.throw(error)
    }
    const ended = runStretch(steps)
    if (ended !== undefined) return ended.value
  }
}

/** Undefined if the work is not done. */
function runStretch<T>(steps: Steps<T>): { readonly value: T } | undefined {
  const startedMs = performance.now()
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step
    if (performance.now() - startedMs >= stretchMs) return undefined
  }
}
