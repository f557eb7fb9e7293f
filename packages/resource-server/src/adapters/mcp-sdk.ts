import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthInfo } from '../front/auth-info.ts'
import type { Granted } from '../front/web-answer.ts'

export { identityOf, type AuthInfo } from '../front/auth-info.ts'

/** What is used of a handler of the official SDK 2.x, as `createMcpHandler` makes one. */
export interface McpHandler {
  readonly fetch: (
    request: Request,
    options: { authInfo?: AuthInfo; parsedBody?: unknown },
  ) => Response | Promise<Response>
}

/**
 * A handler of the official SDK 2.x for `protect` of the adapters `web` and `hono`.
 *
 * Those on Node take `toNodeHandler(handler)` of `@modelcontextprotocol/node` as it is.
 */
export function fromMcpHandler(
  handler: McpHandler,
): (from: Request | { readonly req: { readonly raw: Request } }, granted: Granted) => Promise<Response> {
  return async (from, { authInfo, parsedBody }) =>
    handler.fetch('req' in from ? from.req.raw : from, {
      authInfo,
      ...(parsedBody !== undefined && { parsedBody }),
    })
}

/** What is used of a streamable HTTP transport for Node of the official SDK, 1.x or 2.x. */
export interface NodeTransport {
  handleRequest(request: never, response: ServerResponse, body?: unknown): Promise<void>
  close(): Promise<void>
}

/**
 * A handler for `protect` of the adapters `node`, `express` and `fastify`, that serves each request by a transport of
 * its own: the stateless way of the official SDK 1.x.
 *
 * @param open - makes a server and a transport, connects them, and gives the transport back; it is closed with the
 *   response. A transport that outlives its request, as one with sessions does, is called by a handler of your own.
 */
export function fromTransport(
  open: () => NodeTransport | Promise<NodeTransport>,
): (request: IncomingMessage, response: ServerResponse, body: unknown) => Promise<void> {
  return async (request, response, body) => {
    const transport = await open()
    response.once('close', () => {
      // The answer is over, so a transport that cannot be closed concerns whoever runs the server alone.
      transport.close().catch((error: unknown) => {
        process.emitWarning(error instanceof Error ? error : String(error))
      })
    })
    // What it takes is an IncomingMessage with auth info of its own making, which the adapters put there.
    await transport.handleRequest(request as never, response, body)
  }
}
