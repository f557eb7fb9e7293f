import type { Writable } from 'node:stream'
import type { Channel } from '../run-context.ts'

// What may wait in our memory for a client that does not read. Beyond it, what can be missed is.
const mostWaitingBytes = 1024 * 1024
const mostSubscriptions = 64

/** Standard output: one message a line, and nothing else. */
export class OutputLines {
  readonly #output: Writable
  #subscriptions = 0
  #gone = false
  #room: Promise<void> | undefined

  constructor(output: Writable) {
    this.#output = output
    const leave = (): void => {
      this.#gone = true
    }
    output.once('close', leave).on('error', leave)
  }

  /** Whether nobody reads any more. */
  get isGone(): boolean {
    return this.#gone
  }

  write(message: string): void {
    if (!this.#gone) this.#output.write(`${message}\n`)
  }

  /** Resolves when the client has read enough for another answer to be worth making, or is gone. */
  room(): Promise<void> {
    const output = this.#output
    if (this.#gone || !output.writableNeedDrain) return Promise.resolve()
    this.#room ??= new Promise((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'error']) output.removeListener(event, done)
        this.#room = undefined
        resolve()
      }
      for (const event of ['drain', 'close', 'error']) output.once(event, done)
    })
    return this.#room
  }

  /** The way to the client for one request. Only subscriptions stay open, so only they are counted. */
  channel(isSubscription: boolean): Channel & { readonly close: () => void } {
    let open = false
    return {
      open: () => {
        if (this.#gone) return 'gone'
        if (!isSubscription || open) return 'open'
        if (this.#subscriptions >= mostSubscriptions) return 'too_many'
        open = true
        this.#subscriptions += 1
        return 'open'
      },
      emit: (message) => {
        if (this.#output.writableLength <= mostWaitingBytes) this.write(message)
      },
      detach: () => undefined,
      close: () => {
        if (open) this.#subscriptions -= 1
        open = false
      },
    }
  }
}
