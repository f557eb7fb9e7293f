import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Channel } from '../run-context.ts'

// What may wait in our memory for a client that does not read. Beyond it, what can be missed is.
const mostWaitingBytes = 1024 * 1024
const mostSubscriptions = 64

/** Standard output: one message a line, and nothing else. */
export class OutputLines {
  readonly #output: Writable
  #subscriptions = 0

  constructor(output: Writable) {
    this.#output = output
    // A reader that has gone away ends the input too; until then there is nobody to tell.
    output.on('error', () => undefined)
  }

  write(message: string): void {
    this.#output.write(`${message}\n`)
  }

  /** Resolves when the client has read enough for another answer to be worth making. */
  async room(): Promise<void> {
    if (this.#output.writableNeedDrain)
      await Promise.race([once(this.#output, 'drain'), once(this.#output, 'close')])
  }

  /** The way to the client for one request. Only subscriptions stay open, so only they are counted. */
  channel(isSubscription: boolean): Channel & { readonly close: () => void } {
    let open = false
    return {
      open: () => {
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
