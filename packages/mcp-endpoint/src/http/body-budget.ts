/** What the bodies of all requests under way may still take together. */
export interface BodyBudget {
  leftBytes: number
}

// What an ordinary call has. A connection reads one body at a time, so the number of connections bounds these.
const uncountedBytes = 65_536

/**
 * One request's part of the budget, from before its body is read until its answer is written.
 *
 * Bodies of up to 64 KiB are not counted, so that large ones that stall cannot keep ordinary calls out.
 */
export class BodyShare {
  readonly #budget: BodyBudget
  #bytes = 0

  constructor(budget: BodyBudget) {
    this.#budget = budget
  }

  /** Whether a body may have so many bytes. If so they are taken, with those that were taken before. */
  covers(bytes: number): boolean {
    if (bytes <= uncountedBytes || bytes <= this.#bytes) return true
    const more = bytes - this.#bytes
    if (more > this.#budget.leftBytes) return false
    this.#budget.leftBytes -= more
    this.#bytes = bytes
    return true
  }

  /** Whether the body is so large that it counts. */
  get isCounted(): boolean {
    return this.#bytes > 0
  }

  release(): void {
    this.#budget.leftBytes += this.#bytes
    this.#bytes = 0
  }
}
