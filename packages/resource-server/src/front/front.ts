import type { Granted, RequestForm } from '../decision.ts'
import type { DenialCode } from '../denials.ts'
import { readHeaders } from '../presented-headers.ts'
import type { ResourceServer } from '../resource-server.ts'
import { createCall, type Call } from './call.ts'
import { handedOn } from './handed-on.ts'
import { readFrontOptions, type FrontOptions } from './options.ts'
import {
  createDocumentAnswers,
  originAllowed,
  originRefused,
  pageHeaders,
  plainError,
  preflightAnswer,
  type PlainAnswer,
} from './public-answers.ts'
import { createSessions } from './sessions.ts'

/** A request as an adapter reads it off its framework. */
export interface FrontRequest {
  readonly method: string
  /** Path and query, as they came. */
  readonly target: string
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[]
  /** The peer's address, as far as the framework may trust it. */
  readonly address: string | undefined
  /** From the socket on which TLS ends; see `AccessRequest`. */
  readonly certificateThumbprint?: string | undefined
  /** Reads the body, bounded, or says why it cannot. Called at most once. */
  readonly readBody: (maxBytes: number) => Promise<Buffer | DenialCode>
}

/** What an adapter does with a request. */
export type Reception =
  /** It is for another part of the application. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'answer'; readonly answer: PlainAnswer }
  /** The handler runs, and sees this and no more. */
  | { readonly kind: 'run'; readonly call: Call }

/** What stands before a handler, in no framework's terms. */
export interface Front {
  /** Every path that is answered here, for frameworks that want routes. */
  readonly paths: readonly string[]
  readonly receive: (request: FrontRequest) => Promise<Reception>
  /** Told what a handler threw. */
  readonly onHandlerError: (error: unknown) => void
}

/** For a path that is nobody's, where there is no other part of the application. */
export const nothingHere: PlainAnswer = plainError(404, 'not_found', 'There is nothing at this address.')

/** For what threw outside of a handler: nothing of why. */
export const failedHere: PlainAnswer = plainError(500, 'server_error', 'The request could not be handled.')

const elsewhere: Reception = { kind: 'elsewhere' }
const json = { 'content-type': 'application/json', 'cache-control': 'no-store' }
const unknownSession = '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}'

/**
 * Builds what stands before the handler of a resource: public documents, pages, the guard, and what the handler is told.
 *
 * The handler is reached through it alone: a path that is spelled in another way is `elsewhere`, however lenient the
 * router of the framework is.
 *
 * @throws {TypeError} listing everything that is wrong with the options
 */
export function createFront(resourceServer: ResourceServer, options: FrontOptions): Front {
  const resource = new URL(resourceServer.metadata.document.resource)
  const settings = readFrontOptions(options, resource)
  const documents = createDocumentAnswers(resourceServer.metadata, settings.path)
  const sessions = createSessions()
  const bare = settings.path.replace(/\/$/, '')
  const ownPaths = new Set([bare === '' ? '/' : bare, `${bare}/`])

  async function receive(request: FrontRequest): Promise<Reception> {
    const { method, target, rawHeaders } = request
    const path = target.split('?', 1)[0] ?? ''
    const document = documents.answer(method, path)
    if (document !== undefined) return { kind: 'answer', answer: document }
    if (!ownPaths.has(path)) return elsewhere

    const origin = headerOf(rawHeaders, 'origin')
    if (origin !== undefined && !originAllowed(origin, settings.allowedOrigins, resource)) {
      return { kind: 'answer', answer: originRefused }
    }
    // A page asks before it sends a token, so this is answered before one is looked for.
    if (method === 'OPTIONS' && origin !== undefined) {
      return { kind: 'answer', answer: preflightAnswer(origin) }
    }
    return receiveGuarded(request, origin === undefined ? {} : pageHeaders(origin))
  }

  async function receiveGuarded(
    request: FrontRequest,
    page: Readonly<Record<string, string>>,
  ): Promise<Reception> {
    const { method, target, rawHeaders, address, certificateThumbprint } = request
    const session = headerOf(rawHeaders, 'mcp-session-id')
    let bytes: Buffer | undefined
    const decision = await resourceServer.guard({
      form: formOf(method, session !== undefined && sessions.knows(session)),
      method,
      target,
      headers: readHeaders(rawHeaders),
      address,
      certificateThumbprint,
      readBody: async (most = settings.maxBodyBytes) => {
        const read = await request.readBody(Math.min(most, settings.maxBodyBytes))
        if (typeof read !== 'string') bytes = read
        return read
      },
    })
    if (!decision.granted) {
      const denied = resourceServer.formatDenial(decision)
      return { kind: 'answer', answer: { ...denied, headers: { ...denied.headers, ...page } } }
    }
    return run(decision, bytes, { ...page, ...decision.headers }, session)
  }

  function run(
    granted: Granted,
    bytes: Buffer | undefined,
    page: Readonly<Record<string, string>>,
    session: string | undefined,
  ): Reception {
    const { identity, action } = granted
    const handed = handedOn(granted, bytes, (item) => resourceServer.allows(identity, item))
    const call = createCall(resourceServer, granted, handed, page, session, sessions, settings.onHandlerError)
    // The newer era has no sessions; a header that is left of one means nothing there, and is not handed on.
    if (
      session !== undefined &&
      action.era === 'legacy' &&
      !sessions.belongsTo(session, identity.callerKey)
    ) {
      call.end(404)
      return { kind: 'answer', answer: { status: 404, headers: { ...json, ...page }, body: unknownSession } }
    }
    if (!handed.empty) return { kind: 'run', call }
    // Every message was refused in its place: there is nothing to run.
    const { inPlace } = call.filter
    const status = inPlace.length === 0 ? 202 : 200
    call.end(status)
    const body = inPlace.length === 0 ? '' : JSON.stringify(inPlace)
    return { kind: 'answer', answer: { status, headers: { ...json, ...page }, body } }
  }

  return {
    paths: [...ownPaths, ...documents.paths],
    receive,
    onHandlerError: settings.onHandlerError,
  }
}

/** Only a session that was opened here has a stream, and an end. */
function formOf(method: string, hasSession: boolean): RequestForm {
  if (hasSession && method === 'GET') return 'mcp-stream'
  return hasSession && method === 'DELETE' ? 'mcp-end' : 'mcp'
}

/** Fields of one name as one value, joined as everybody joins them: none of these may come twice. */
function headerOf(rawHeaders: readonly string[], wanted: string): string | undefined {
  const values = rawHeaders.filter(
    (_value, place) => place % 2 === 1 && rawHeaders[place - 1]?.toLowerCase() === wanted,
  )
  return values.length === 0 ? undefined : values.join(', ')
}
