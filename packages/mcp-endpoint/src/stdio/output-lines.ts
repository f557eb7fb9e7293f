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
  #whenRoom: (() => void) | undefined

  constructor(output: Writable) {
    this.#output = output
    const leave = (): void => {
      this.#gone = true
      this.stopWaiting()
    }
    output.on('error', leave).on('close', leave)
    output.on('drain', () => this.stopWaiting())
  }

  /** Whether nobody reads any more. */
  get isGone(): boolean {
    return this.#gone
  }

  write(message: string): void {
    if (!this.#gone) this.#output.write(`${message}\n`)
  }

  /** Resolves when the client has read enough for another answer to be worth making, or is gone. One may wait at a time. */
  async room(): Promise<void> {
    if (this.#gone || !this.#output.writableNeedDrain) return
    await new Promise<void>((resolve) => (this.#whenRoom = resolve))
  }

  /** Lets go who waits for room, for there is something else to do. */
  stopWaiting(): void {
    this.#whenRoom?.()
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
