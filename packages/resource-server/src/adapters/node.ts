import type { IncomingMessage, ServerResponse } from 'node:http'
import { createFront, failedHere, nothingHere } from '../front/front.ts'
import { receiveNode, runNode, type Told } from '../front/node-call.ts'
import { writeNodeAnswer } from '../front/node-answer.ts'
import type { FrontOptions } from '../front/options.ts'
import type { ResourceServer } from '../resource-server.ts'

export { identityOf, type AuthInfo } from '../front/auth-info.ts'
export type { FrontOptions } from '../front/options.ts'

/** A request that was granted: without credentials, with its caller, and its body parsed. */
export type GrantedRequest = IncomingMessage & Told

/** Runs what was granted; the official SDK's handlers have this shape. The stream of the request has been read. */
export type NodeHandler = (request: GrantedRequest, response: ServerResponse, body: unknown) => unknown

/** How a protected resource is served on `node:http`. */
export interface NodeOptions extends FrontOptions {
  /**
   * The peer's address, for records and for the limit of failed authentication. Take it from a header only where a
   * proxy of your own sets that header. Default: the socket's.
   */
  readonly addressOf?: (request: IncomingMessage) => string | undefined
  /** Answers for every other path; what it throws is answered 500 and told to `onHandlerError`. Default: 404. */
  readonly elsewhere?: (request: IncomingMessage, response: ServerResponse) => unknown
}

/**
 * Puts a resource server in front of a handler for `node:http`; the result is a request listener.
 *
 * Answers the metadata documents, preflights and whatever is denied itself.
 *
 * @throws {TypeError} listing everything that is wrong with the options
 */
export function protect(
  resourceServer: ResourceServer,
  handler: NodeHandler,
  options: NodeOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { addressOf, elsewhere, ...frontOptions } = options
  const front = createFront(resourceServer, frontOptions)

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = addressOf === undefined ? request.socket.remoteAddress : addressOf(request)
    const reception = await receiveNode(front, request, request.url ?? '/', address)
    switch (reception.kind) {
      case 'elsewhere':
        if (elsewhere === undefined) writeNodeAnswer(response, nothingHere)
        else await elsewhere(request, response)
        return
      case 'answer':
        return writeNodeAnswer(response, reception.answer)
      case 'run':
        return runNode(front, reception.call, request, response, (granted, body) =>
          handler(granted, response, body),
        )
    }
  }

  return async (request, response) => {
    try {
      await serve(request, response)
    } catch (error) {
      // `node:http` waits for no listener, so a rejection would end the process.
      front.onHandlerError(error)
      if (response.headersSent) response.destroy()
      else writeNodeAnswer(response, failedHere)
    }
  }
}
