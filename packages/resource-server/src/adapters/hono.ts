import { createFront } from '../front/front.ts'
import type { FrontOptions } from '../front/options.ts'
import { filterWebResponse, webAnswer, type Granted } from '../front/web-answer.ts'
import { handedRequest, rawHeadersOf, readWebBody } from '../front/web-body.ts'
import type { ResourceServer } from '../resource-server.ts'

export { identityOf, type AuthInfo } from '../front/auth-info.ts'
export type { Granted } from '../front/web-answer.ts'
export type { FrontOptions } from '../front/options.ts'

/** What is used of Hono's `Context`. */
export interface HonoContext {
  readonly req: { raw: Request }
  readonly env: unknown
}

/** How a protected resource is served in Hono. */
export interface HonoOptions<Context extends HonoContext = HonoContext> extends FrontOptions {
  /**
   * The peer's address, for records and for the limit of failed authentication.
   * Default: the socket's, where Hono runs on Node (`@hono/node-server`); else unknown.
   */
  readonly addressOf?: (context: Context) => string | undefined
}

/**
 * Puts a resource server in front of a Hono 4 handler; the result is a middleware: `app.use(protect(…))`.
 *
 * The context's `req` has the body that was judged and no credentials; the second argument is the one that the official
 * SDK's `fetch` takes. Every other path goes on to the application.
 *
 * @throws {TypeError} listing everything that is wrong with the options
 */
export function protect<Context extends HonoContext>(
  resourceServer: ResourceServer,
  handler: (context: Context, granted: Granted) => Response | Promise<Response>,
  options: HonoOptions<Context> = {},
): (context: Context, next: () => Promise<void>) => Promise<Response | void> {
  const { addressOf = socketAddress, ...frontOptions } = options
  const front = createFront(resourceServer, frontOptions)
  return async (context, next) => {
    const request = context.req.raw
    const { pathname, search } = new URL(request.url)
    const reception = await front.receive({
      method: request.method,
      target: pathname + search,
      rawHeaders: rawHeadersOf(request.headers),
      address: addressOf(context),
      readBody: (maxBytes) => readWebBody(request, maxBytes),
    })
    if (reception.kind === 'elsewhere') return next()
    if (reception.kind === 'answer') return webAnswer(reception.answer, request.method)
    const { call } = reception
    context.req.raw = handedRequest(request, call)
    const granted = { authInfo: call.authInfo, parsedBody: call.body }
    return filterWebResponse(call, () => handler(context, granted), front.onHandlerError)
  }
}

interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } }
}

function socketAddress({ env }: HonoContext): string | undefined {
  // What @hono/node-server puts there; elsewhere it is something without such members.
  return (env as NodeBindings | undefined)?.incoming?.socket?.remoteAddress
}
