import type { JsonRpcId, Message } from '@mcp-doorman/resource-server'
import type { Cancellation } from '../cancellation.ts'

/** Requests of one client that have no answer yet, so that the client can cancel them by their ids. */
export class RequestsUnderWay {
  readonly #cancellations = new Map<JsonRpcId, Cancellation>()
  readonly #unwanted = new WeakSet<Cancellation>()

  /** @returns whether the id is free; one that is taken stands for the earlier request until that has its answer */
  begin(id: JsonRpcId, cancellation: Cancellation): boolean {
    if (this.#cancellations.has(id)) return false
    this.#cancellations.set(id, cancellation)
    return true
  }

  get count(): number {
    return this.#cancellations.size
  }

  end(id: JsonRpcId): void {
    this.#cancellations.delete(id)
  }

  /** Handles `notifications/cancelled`. A request that is not there has been answered. */
  cancel({ params }: Message): void {
    const { requestId } = params
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return
    const cancellation = this.#cancellations.get(requestId)
    if (cancellation === undefined) return
    this.#unwanted.add(cancellation)
    cancellation.cancel('the client cancelled')
  }

  /** Whether the client itself has cancelled it, and so wants no answer. */
  isUnwanted(cancellation: Cancellation): boolean {
    return this.#unwanted.has(cancellation)
  }

  cancelAll(reason: string): void {
    for (const cancellation of this.#cancellations.values()) cancellation.cancel(reason)
  }
}
