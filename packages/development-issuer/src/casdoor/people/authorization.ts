import { randomBytes } from 'node:crypto'
import type { AuthorizationRequest } from './authorization-request.ts'
import { type Client, findClient } from '../rows/clients.ts'
import type { Instance } from '../instance.ts'
import { type Issued, issueTokens, plainGrant } from '../tokens/issue-tokens.ts'
import { mayRedirect } from './redirect-uri.ts'
import { grantScope } from '../tokens/scope.ts'
import { idOf } from '../rows/table.ts'
import type { UserRow } from '../rows/user-row.ts'

export type JudgedRequest =
  | { readonly ok: true; readonly client: Client; readonly scope: string }
  /** With the client, where the request named one. */
  | { readonly ok: false; readonly message: string; readonly client?: Client }

export const codeResponse = 'code'
/** The implicit answers, which an application must have among its grants. */
export const implicitResponses: readonly string[] = ['token', 'id_token']

/** Whether the request is one that its application may make: what the anonymous probe tells. */
export function judgeRequest(instance: Instance, request: AuthorizationRequest): JudgedRequest {
  const client = findClient(instance, request.clientId)
  if (![codeResponse, ...implicitResponses].includes(request.responseType)) {
    return {
      ok: false,
      message: `Grant_type: ${request.responseType} is not supported in this application`,
    }
  }
  if (client === undefined) return { ok: false, message: 'Invalid client_id' }
  if (!mayRedirect(client.application.redirectUris, request.redirectUri)) {
    return { ok: false, message: redirectRefusal(request.redirectUri), client }
  }
  const scope = grantScope(client.application.scopes, request.scope)
  if (scope === undefined) return { ok: false, message: 'Invalid scope', client }
  return { ok: true, client, scope }
}

export function redirectRefusal(uri: string): string {
  return `Redirect URI: ${uri} doesn't exist in the allowed Redirect URI list`
}

/** Judges the request and issues what it asks for. */
export async function authorize(
  instance: Instance,
  request: AuthorizationRequest,
  user: UserRow,
  issuer: string,
): Promise<Issued> {
  const judged = judgeRequest(instance, request)
  if (!judged.ok) return { ok: false, message: judged.message, fault: 'request' }
  const { resource, nonce, codeChallenge } = request
  if (resource !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(resource)) {
    return { ok: false, message: 'resource must be an absolute URI', fault: 'request' }
  }
  return issueTokens(instance, {
    ...plainGrant,
    client: judged.client,
    user,
    issuer,
    scope: judged.scope,
    resource,
    nonce,
    codeChallenge,
    signinMethod: 'Password',
    code: randomBytes(10).toString('hex'),
  })
}

/** The scopes of a request that its user must still consent to. */
export function missingConsent(client: Client, scope: string, user: UserRow): readonly string[] {
  const { application } = client
  const wanted = new Set((application.customScopes ?? []).map((row) => row.scope))
  const granted =
    (user.applicationScopes ?? []).find((row) => row.application === idOf(application))?.grantedScopes ?? []
  return scope.split(' ').filter((name) => wanted.has(name) && !granted.includes(name))
}

/** Remembers a consent, beside what was consented to before. */
export function rememberConsent(user: UserRow, application: string, scopes: readonly string[]): UserRow {
  const others = (user.applicationScopes ?? []).filter((row) => row.application !== application)
  const before = (user.applicationScopes ?? []).find((row) => row.application === application)
  const grantedScopes = [...new Set([...(before?.grantedScopes ?? []), ...scopes])]
  return { ...user, applicationScopes: [...others, { application, grantedScopes }] }
}

/** The state is appended as it came: Casdoor does not encode it. */
export function redirectLocation(redirectUri: string, parameters: string): string {
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${parameters}`
}
