import type { IncomingMessage, ServerResponse } from 'node:http'
import { isThisMachine, readBody } from '@mcp-doorman/authorization-server'
import { equalTexts } from './users.ts'

const maxBodyBytes = 16_384

/**
 * Lets whoever holds the secret of the state folder in, on this machine only, and reads what they want: the members of
 * a JSON object, or none with GET.
 *
 * @returns undefined when the request is answered already
 */
export async function readOperatorRequest(
  request: IncomingMessage,
  response: ServerResponse,
  secret: string,
  methods: readonly string[],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (!isThisMachine(request.socket.remoteAddress ?? '')) {
    return refuse(response, 403, 'access_denied', 'this endpoint answers on loopback only')
  }
  if (!methods.includes(request.method ?? '')) {
    response.setHeader('allow', methods.join(', '))
    return refuse(response, 405, 'invalid_request', `use ${methods.join(' or ')}`)
  }
  const [scheme, presented, ...rest] = (request.headers.authorization ?? '').split(' ')
  if (scheme !== 'Bearer' || rest.length > 0 || !equalTexts(presented ?? '', secret)) {
    response.setHeader('www-authenticate', 'Bearer')
    return refuse(response, 401, 'invalid_token', 'send the secret of issuer.json as bearer token')
  }
  if (request.method === 'GET') return {}
  const body = await readBody(request, maxBodyBytes)
  if (!body.ok) {
    response.setHeader('connection', 'close')
    const reason = 'the body is too large or did not arrive whole'
    return refuse(response, body.status, 'invalid_request', reason)
  }
  const members = parseMembers(body.value.toString())
  return members ?? refuse(response, 400, 'invalid_request', 'the body is not a JSON object')
}

function parseMembers(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(text)
    const isObject = typeof document === 'object' && document !== null && !Array.isArray(document)
    return isObject ? { ...document } : undefined
  } catch {
    return undefined
  }
}

export function refuse(
  response: ServerResponse,
  status: number,
  error: string,
  description: string,
): undefined {
  sendDocument(response, status, { error, error_description: description })
}

export function sendDocument(response: ServerResponse, status: number, document: object): void {
  const body = JSON.stringify(document)
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(body),
    })
    .end(body)
}
