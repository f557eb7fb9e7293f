/** How long to leave alone what has failed: not at all at first, then twice as long each time, up to a limit. */
export class Backoff {
  readonly #mostMilliseconds: number
  readonly #nowMilliseconds: () => number
  #failures = 0
  #until = 0
  #failedAt = 0

  constructor(mostSeconds: number, nowMilliseconds: () => number) {
    this.#mostMilliseconds = mostSeconds * 1000
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
      this.#failedAt +
      (this.#failures === 0 ? 0 : Math.min(this.#mostMilliseconds, 500 * 2 ** this.#failures))
    this.#failures += 1
  }
}

const forgetMilliseconds = 60_000
