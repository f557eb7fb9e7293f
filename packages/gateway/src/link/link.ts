import type { Fields, RpcNotification, RpcRequest, RpcResponse } from '../rpc-message.ts'

/** How messages get to a server and back. Knows JSON-RPC and nothing of MCP but its framing. */
export interface Link {
  /** Rejects with an `UpstreamFailure`, or with the reason of the signal. */
  readonly request: (outgoing: OutgoingRequest) => Promise<RpcResponse>
  /** Sends what has no answer. Never rejects: whoever does not get it could not have done anything about it. */
  readonly send: (message: Fields) => Promise<void>
  /**
   * Opens the stream of what belongs to no request, and reads it to its end. Resolves at once on a link whose every
   * message comes on one stream anyway, and where the server has no such stream.
   */
  readonly openStream: (signal: AbortSignal) => Promise<void>
  /** From now on the server is spoken with in this revision; `undefined` before there is one. */
  readonly agree: (version: string | undefined) => void
  /** Whether it is HTTP: requests have headers, and in the revision of 2026 to leave one is to cancel it. */
  readonly hasHeaders: boolean
  /** Ends it, with everything that belongs to it. Never rejects. */
  readonly close: () => Promise<void>
}

export interface OutgoingRequest {
  /** Unique on this link. */
  readonly id: string
  readonly method: string
  readonly params: Fields
  /** Headers of this request, on a link that has them. */
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Whether the answer comes only when somebody has enough of what comes before it. */
  readonly staysOpen?: boolean
  /** Takes what comes before the response, on a link that knows to which request it belongs. */
  readonly receive: ReceiveMessage
  /** Told when the server has ended the way of the answer, to have it asked for again after a time. */
  readonly onDetach: (retryMilliseconds: number) => void
}

export type ReceiveMessage = (message: RpcRequest | RpcNotification) => void

/** What a link tells of by itself. */
export interface LinkEvents {
  /** A message that cannot be told to belong to any request. */
  readonly receive: ReceiveMessage
  /** The link has ended without having been closed, and what was under way with it. */
  readonly ended: () => void
}
