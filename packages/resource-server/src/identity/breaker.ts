const failuresBeforePause = 3
const longestPauseSeconds = 30

/**
 * Leaves alone what fails: after three failures in a row for a second, then for twice as long each time up to half a
 * minute, and then it is tried once.
 */
export class Breaker {
  /** How many tries have not ended; kept by whoever tries. */
  underWay = 0
  #failures = 0
  #retryAt = Number.NEGATIVE_INFINITY

  /** Whether it has to be left alone now. */
  isOpen(nowSeconds: number): boolean {
    return this.#failures >= failuresBeforePause && (nowSeconds < this.#retryAt || this.underWay > 0)
  }

  /** Whether nothing is to be remembered of it. */
  get isIdle(): boolean {
    return this.underWay === 0 && this.#failures === 0
  }

  /** In how many seconds it may be tried again; at least one. */
  retryAfterSeconds(nowSeconds: number): number {
    return Math.max(1, Math.ceil(this.#retryAt - nowSeconds))
  }

  succeed(): void {
    this.#failures = 0
  }

  fail(nowSeconds: number): void {
    this.#failures += 1
    const pause = this.#failures < failuresBeforePause ? 0 : 2 ** (this.#failures - failuresBeforePause)
    this.#retryAt = nowSeconds + Math.min(longestPauseSeconds, pause)
  }
}
