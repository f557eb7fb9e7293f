/** How many streams each caller has open. */
export class OpenStreams {
  readonly #most: number
  readonly #counts = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Counts one more, unless the caller has as many as may be. */
  take(callerKey: string): boolean {
    const count = this.#counts.get(callerKey) ?? 0
    if (count >= this.#most) return false
    this.#counts.set(callerKey, count + 1)
    return true
  }

  release(callerKey: string): void {
    const count = (this.#counts.get(callerKey) ?? 0) - 1
    if (count > 0) this.#counts.set(callerKey, count)
    else this.#counts.delete(callerKey)
  }
}
