import type { IncomingMessage, ServerResponse } from 'node:http'
import { certificateThumbprint, type CertificateSource } from '../identity/client-certificate.ts'
import type { AuthInfo } from './auth-info.ts'
import type { Call } from './call.ts'
import type { Front, Reception } from './front.ts'
import { filterNodeResponse } from './node-answer.ts'
import { hideHeaders, readNodeBody } from './node-body.ts'

/** What a handler finds on the request that it is given. */
export interface Told {
  /** The caller, as the official SDK has it. */
  auth: AuthInfo
  /** The body that was judged, parsed; `undefined` where there is none. */
  body: unknown
  method: string
  url: string
}

export function receiveNode(
  front: Front,
  request: IncomingMessage,
  target: string,
  address: string | undefined,
): Promise<Reception> {
  return front.receive({
    method: request.method ?? '',
    target,
    rawHeaders: request.rawHeaders,
    address,
    // Where TLS ends here the socket has a certificate; a plain one lacks the method.
    certificateThumbprint: certificateThumbprint(request.socket as CertificateSource),
    readBody: (maxBytes) => readNodeBody(request, maxBytes),
  })
}

/** Runs a handler on a request that was granted. Never rejects: what the handler throws is told, and answered 500. */
export async function runNode<Request extends IncomingMessage>(
  front: Front,
  call: Call,
  request: Request,
  response: ServerResponse,
  handle: (granted: Request & Told, body: unknown) => unknown,
): Promise<void> {
  // `_body` tells the body parsers of Express that there is nothing left to read.
  const { method = '', url = '' } = request // A request that a server received has both.
  const told = { auth: call.authInfo, body: call.body, method, url, _body: true }
  let fail = (): unknown => response.destroy()
  try {
    hideHeaders(request, call.view)
    fail = filterNodeResponse(response, call)
    await handle(Object.assign(request, told), call.body)
  } catch (error) {
    front.onHandlerError(error)
    fail()
  }
}
