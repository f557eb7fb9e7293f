import type { IncomingMessage, ServerResponse } from 'node:http'
import { createFront, nothingHere } from '../front/front.ts'
import { receiveNode, runNode, type Told } from '../front/node-call.ts'
import { writeNodeAnswer } from '../front/node-answer.ts'
import type { FrontOptions } from '../front/options.ts'
import type { ResourceServer } from '../resource-server.ts'

export { identityOf, type AuthInfo } from '../front/auth-info.ts'
export type { FrontOptions } from '../front/options.ts'

/** What is used of a Fastify request. */
export interface FastifyRequest {
  readonly raw: IncomingMessage
  readonly ip: string
}

/** What is used of a Fastify reply. */
export interface FastifyReply {
  readonly raw: ServerResponse
  hijack(): unknown
}

/** What is used of a Fastify application; its own types have more forms of these than one type can name. */
export interface FastifyApp {
  removeAllContentTypeParsers: () => unknown
  addContentTypeParser: (...args: never) => unknown
  all: (...args: never) => unknown
}

interface Routes {
  addContentTypeParser: (
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ) => unknown
  all: (path: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<void>) => unknown
}

/** Runs what was granted, on the raw request and response, as the official SDK's transports do. */
export type FastifyHandler = (
  request: IncomingMessage & Told,
  response: ServerResponse,
  body: unknown,
) => unknown

/**
 * Puts a resource server in front of a handler in Fastify 5; the result is a plugin: `app.register(protect(…))`.
 *
 * The handler gets the raw request, with `auth` (the official SDK's auth info), `body` (the one that was judged,
 * parsed) and no credentials, and the raw response. The plugin's routes read bodies themselves, once their sender is
 * known; those of the application are left alone.
 *
 * @throws {TypeError} listing everything that is wrong with the options
 */
export function protect(
  resourceServer: ResourceServer,
  handler: FastifyHandler,
  options: FrontOptions = {},
): (app: FastifyApp) => Promise<void> {
  const front = createFront(resourceServer, options)

  async function serve(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.hijack()
    const { raw, ip } = request
    const reception = await receiveNode(front, raw, raw.url ?? '/', ip)
    if (reception.kind !== 'run') {
      return writeNodeAnswer(reply.raw, reception.kind === 'answer' ? reception.answer : nothingHere)
    }
    return runNode(front, reception.call, raw, reply.raw, (granted, body) =>
      handler(granted, reply.raw, body),
    )
  }

  return async (app) => {
    const routes = app as unknown as Routes // One of the forms that these have in Fastify 5.
    app.removeAllContentTypeParsers()
    routes.addContentTypeParser('*', (_request, _payload, done) => done(null))
    // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Fastify awaits its handlers
    for (const path of front.paths) routes.all(path, serve)
  }
}
