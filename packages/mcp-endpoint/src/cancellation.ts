/**
 * The end of a call before its time. Costs nothing until somebody looks at the signal, which small tools never do.
 */
export class Cancellation {
  #controller: AbortController | undefined
  #reason: string | undefined

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(new Error(this.#reason))
    }
    return this.#controller.signal
  }

  get cancelled(): boolean {
    return this.#reason !== undefined
  }

  /** The first reason counts. */
  cancel(reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#controller?.abort(new Error(reason))
  }
}
