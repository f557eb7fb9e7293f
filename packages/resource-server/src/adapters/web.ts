import { createFront, nothingHere } from '../front/front.ts'
import type { FrontOptions } from '../front/options.ts'
import { filterWebResponse, webAnswer, type Granted } from '../front/web-answer.ts'
import { handedRequest, rawHeadersOf, readWebBody } from '../front/web-body.ts'
import type { ResourceServer } from '../resource-server.ts'

export { identityOf, type AuthInfo } from '../front/auth-info.ts'
export type { FrontOptions } from '../front/options.ts'
export type { Granted } from '../front/web-answer.ts'

/** Runs what was granted. The request has the body that was judged, and no credentials. */
export type WebHandler = (request: Request, granted: Granted) => Response | Promise<Response>

/** How a protected resource is served as a `fetch` handler. */
export interface WebOptions extends FrontOptions {
  /**
   * The peer's address, for records and for the limit of failed authentication. Take it from a header only where a
   * proxy of your own sets that header. Default: unknown, so that failed authentication is not limited.
   */
  readonly addressOf?: (request: Request) => string | undefined
  /** Answers for every other path. Default: 404. */
  readonly elsewhere?: (request: Request) => Response | Promise<Response>
}

/**
 * Puts a resource server in front of a web-standard handler; the result is a `fetch` handler.
 *
 * Answers the metadata documents, preflights and whatever is denied itself. A header that was sent twice comes joined
 * by commas on this way, which the guard refuses all the same.
 *
 * @throws {TypeError} listing everything that is wrong with the options
 */
export function protect(
  resourceServer: ResourceServer,
  handler: WebHandler,
  options: WebOptions = {},
): (request: Request) => Promise<Response> {
  const { addressOf, elsewhere, ...frontOptions } = options
  const front = createFront(resourceServer, frontOptions)
  return async (request) => {
    const { method, headers } = request
    const { pathname, search } = new URL(request.url)
    const reception = await front.receive({
      method,
      target: pathname + search,
      rawHeaders: rawHeadersOf(headers),
      address: addressOf?.(request),
      readBody: (maxBytes) => readWebBody(request, maxBytes),
    })
    switch (reception.kind) {
      case 'elsewhere':
        return elsewhere?.(request) ?? webAnswer(nothingHere, method)
      case 'answer':
        return webAnswer(reception.answer, method)
      case 'run': {
        const { call } = reception
        const granted = { authInfo: call.authInfo, parsedBody: call.body }
        return filterWebResponse(
          call,
          () => handler(handedRequest(request, call), granted),
          front.onHandlerError,
        )
      }
    }
  }
}
