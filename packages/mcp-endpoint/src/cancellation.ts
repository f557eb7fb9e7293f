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

  /** One that ends with this one, but can also end alone. */
  branch(): Cancellation {
    const branch = new Cancellation()
    const { signal } = this
    const follow = (): void => branch.cancel(this.#reason ?? '')
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
    return branch
  }

  /** The first reason counts. */
  cancel(reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#controller?.abort(new Error(reason))
  }
}
