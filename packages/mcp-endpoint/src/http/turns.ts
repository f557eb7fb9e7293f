import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Handles a request as soon as its answer could be sent. */
export type TakeTurn = (request: IncomingMessage, response: ServerResponse, handle: () => void) => void

// Clients that pipeline at all send a few.
const mostWaiting = 64

/**
 * Requests that a client sends ahead, on one connection, are handled one after the other: each when the answer before
 * it has been taken by the system. Otherwise a client that reads nothing has us hold as many answers as it likes.
 *
 * A connection on which more than 64 wait is closed. What waits on a connection that closes is never handled.
 *
 * @see RFC 9112 §9.3.2
 */
export function createTurns(): TakeTurn {
  const waiting = new WeakMap<Socket, number>() // Only of connections that do send ahead.
  return (request, response, handle) => {
    // Node gives the socket to the one response that may write.
    if (response.socket !== null) {
      handle()
      return
    }
    const { socket } = request
    const count = (waiting.get(socket) ?? 0) + 1
    waiting.set(socket, count)
    if (count > mostWaiting) {
      socket.destroy()
      return
    }
    response.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 0) - 1)
      process.nextTick(handle) // Node is not yet done with the response.
    })
  }
}
