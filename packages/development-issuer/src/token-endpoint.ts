import type { IncomingMessage, ServerResponse } from 'node:http'
import { isThisMachine, readBody } from '@mcp-doorman/authorization-server'
import type { IssuerEngine } from './engine.ts'
import { equalTexts } from './users.ts'

export interface TokenEndpointParts {
  readonly engine: IssuerEngine
  readonly secret: string
  readonly clientId: string
  /** For requests that name none; undefined when there are several. */
  readonly defaultResource: string | undefined
}

interface TokenRequest {
  readonly user: string
  readonly scope: string
  readonly resource: string
  readonly clientId: string
  readonly ttlSeconds: number | undefined
}

const maxBodyBytes = 16_384
const longestSeconds = 86_400
const memberNames = ['user', 'scope', 'resource', 'ttlSeconds', 'client_id']

/** `POST /development/token`: an access token for whoever holds the secret of the state folder. */
export async function answerTokenRequest(
  parts: TokenEndpointParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isThisMachine(request.socket.remoteAddress ?? '')) {
    return send(response, 403, refusal('access_denied', 'this endpoint answers on loopback only'))
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST')
    return send(response, 405, refusal('invalid_request', 'use POST'))
  }
  const [scheme, presented, ...rest] = (request.headers.authorization ?? '').split(' ')
  if (scheme !== 'Bearer' || rest.length > 0 || !equalTexts(presented ?? '', parts.secret)) {
    response.setHeader('www-authenticate', 'Bearer')
    return send(response, 401, refusal('invalid_token', 'send the secret of issuer.json as bearer token'))
  }
  const body = await readBody(request, maxBodyBytes)
  if (!body.ok) {
    response.setHeader('connection', 'close')
    return send(
      response,
      body.status,
      refusal('invalid_request', 'the body is too large or did not arrive whole'),
    )
  }
  const asked = readTokenRequest(body.value.toString(), parts)
  if (typeof asked === 'string') return send(response, 400, refusal('invalid_request', asked))

  const scopes = asked.scope.split(' ').filter((scope) => scope !== '')
  const minted = await parts.engine.mintAccessToken({
    subject: asked.user,
    clientId: asked.clientId,
    resource: asked.resource,
    scopes,
    ...(asked.ttlSeconds !== undefined && { seconds: asked.ttlSeconds }),
  })
  if (!minted.ok) return send(response, 400, refusal('invalid_request', minted.problem))
  send(response, 200, {
    access_token: minted.accessToken,
    token_type: 'Bearer',
    expires_in: minted.expiresInSeconds,
    scope: scopes.join(' '),
  })
}

/** @returns the request, or what is wrong with it */
function readTokenRequest(text: string, parts: TokenEndpointParts): TokenRequest | string {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    document = undefined
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    return 'the body is not a JSON object'
  const members: Readonly<Record<string, unknown>> = { ...document }
  const unknown = Object.keys(members).find((name) => !memberNames.includes(name))
  if (unknown !== undefined)
    return `unknown member ${JSON.stringify(unknown.slice(0, 100))}; known: ${memberNames.join(', ')}`

  const {
    user,
    scope,
    resource = parts.defaultResource,
    ttlSeconds,
    client_id: clientId = parts.clientId,
  } = members
  if (typeof user !== 'string' || user === '') return 'user: name one of the users of this issuer'
  if (typeof scope !== 'string') return 'scope: name the scopes, separated by spaces'
  if (resource === undefined) return 'resource: there are several; say which one the token is for'
  if (typeof resource !== 'string') return 'resource: must be a string'
  if (typeof clientId !== 'string') return 'client_id: must be a string'
  if (ttlSeconds === undefined) return { user, scope, resource, clientId, ttlSeconds }
  if (
    typeof ttlSeconds !== 'number' ||
    !Number.isInteger(ttlSeconds) ||
    ttlSeconds < 1 ||
    ttlSeconds > longestSeconds
  ) {
    return `ttlSeconds: must be a whole number from 1 to ${longestSeconds}`
  }
  return { user, scope, resource, clientId, ttlSeconds }
}

function refusal(error: string, description: string): object {
  return { error, error_description: description }
}

function send(response: ServerResponse, status: number, document: object): void {
  const body = JSON.stringify(document)
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(body),
    })
    .end(body)
}
