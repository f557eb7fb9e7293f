import type { IncomingMessage, ServerResponse } from 'node:http'
import { createFront } from '../front/front.ts'
import { receiveNode, runNode, type Told } from '../front/node-call.ts'
import { writeNodeAnswer } from '../front/node-answer.ts'
import type { FrontOptions } from '../front/options.ts'
import type { ResourceServer } from '../resource-server.ts'

export { identityOf, type AuthInfo } from '../front/auth-info.ts'
export type { FrontOptions } from '../front/options.ts'

/** What is used of an Express request. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string
  /** The peer's, or what `trust proxy` says of it. */
  readonly ip?: string | undefined
}

/**
 * Puts a resource server in front of a handler of Express 5 or 4; the result is a middleware: `app.use(protect(…))`.
 *
 * Mount it before any body parser, so that no body is read before its sender is known; a body that was parsed already
 * is taken as it was parsed. The handler's request has `auth` (the official SDK's auth info), `body` (the one that was
 * judged, parsed) and no credentials. What the handler throws is answered 500 here and does not reach the error
 * handlers of the application. Every other path goes on to the application.
 *
 * @throws {TypeError} listing everything that is wrong with the options
 */
export function protect<Request extends ExpressRequest, Response extends ServerResponse>(
  resourceServer: ResourceServer,
  handler: (request: Request & Told, response: Response, body: unknown) => unknown,
  options: FrontOptions = {},
): (request: Request, response: Response, next: (error?: unknown) => void) => Promise<void> {
  const front = createFront(resourceServer, options)
  return async (request, response, next) => {
    const reception = await receiveNode(front, request, request.originalUrl, request.ip)
    switch (reception.kind) {
      case 'elsewhere':
        return next()
      case 'answer':
        return writeNodeAnswer(response, reception.answer)
      case 'run':
        return runNode(front, reception.call, request, response, (granted, body) =>
          handler(granted, response, body),
        )
    }
  }
}
