import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IssuerEngine } from './engine.ts'
import { readOperatorRequest, refuse, sendDocument } from './operator-request.ts'

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

const longestSeconds = 86_400
const memberNames = ['user', 'scope', 'resource', 'ttlSeconds', 'client_id']

/** `POST /development/token`: an access token for whoever holds the secret of the state folder. */
export async function answerTokenRequest(
  parts: TokenEndpointParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const members = await readOperatorRequest(request, response, parts.secret, ['POST'])
  if (members === undefined) return
  const asked = readTokenRequest(members, parts)
  if (typeof asked === 'string') return refuse(response, 400, 'invalid_request', asked)

  const scopes = asked.scope.split(' ').filter((scope) => scope !== '')
  const minted = await parts.engine.mintAccessToken({
    subject: asked.user,
    clientId: asked.clientId,
    resource: asked.resource,
    scopes,
    ...(asked.ttlSeconds !== undefined && { seconds: asked.ttlSeconds }),
  })
  if (!minted.ok) return refuse(response, 400, 'invalid_request', minted.problem)
  sendDocument(response, 200, {
    access_token: minted.accessToken,
    token_type: 'Bearer',
    expires_in: minted.expiresInSeconds,
    scope: scopes.join(' '),
  })
}

/** @returns the request, or what is wrong with it */
function readTokenRequest(
  members: Readonly<Record<string, unknown>>,
  parts: TokenEndpointParts,
): TokenRequest | string {
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
