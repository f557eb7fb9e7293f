/** How long to leave alone what has failed: not at all at first, then twice as long each time, up to half a minute. */
export class Backoff {
  readonly #nowMilliseconds: () => number
  #failures = 0
  #until = 0
  #failedAt = 0

  constructor(nowMilliseconds: () => number) {
    this.#nowMilliseconds = nowMilliseconds
  }

  /** Milliseconds until it may be tried again. */
  get left(): number {
    return Math.max(0, this.#until - this.#nowMilliseconds())
  }

  /** Whether the last failure is so long ago that it says nothing any more. */
  get isOver(): boolean {
    return this.#nowMilliseconds() - this.#failedAt > forgetMilliseconds
  }

  fail(): void {
    if (this.isOver) this.#failures = 0
    this.#failedAt = this.#nowMilliseconds()
    this.#until =
      this.#failedAt + (this.#failures === 0 ? 0 : Math.min(mostMilliseconds, 500 * 2 ** this.#failures))
    this.#failures += 1
  }
}

const mostMilliseconds = 30_000
const forgetMilliseconds = 60_000
