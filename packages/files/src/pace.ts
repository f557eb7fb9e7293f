import { setImmediate } from 'node:timers/promises'

/** Work in stretches of a few milliseconds: each `yield` is a place where others may go first. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Something that may be told to stop. */
export interface Stoppable {
  /** Throws the reason once it was told to. */
  readonly throwIfStopped: () => void
}

/**
 * Runs the work: in one go if it never yields, else with a turn of the event loop between stretches.
 *
 * After every pause the call is asked whether to go on; what it throws is thrown into the work, so that its
 * `finally` blocks close what is open.
 */
export function runSteps<T>(steps: Steps<T>, call: Stoppable): T | Promise<T> {
  const first = steps.next()
  return first.done === true ? first.value : continueSteps(steps, call)
}

async function continueSteps<T>(steps: Steps<T>, call: Stoppable): Promise<T> {
  for (;;) {
    await setImmediate()
    try {
      call.throwIfStopped()
    } catch (error) {
      steps.throw(error)
    }
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
