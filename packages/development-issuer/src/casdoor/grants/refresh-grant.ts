import { wrongApplication } from './code-grant.ts'
import { type Answer, failed, oauthError } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { issueTokens, plainGrant } from '../tokens/issue-tokens.ts'
import { grantScope } from '../tokens/scope.ts'
import { findCert, verifyClaims } from '../keys/signing.ts'
import { idOf } from '../rows/table.ts'
import { formatTokens } from '../tokens/token-answer.ts'
import { decodeAsUser } from '../tokens/token-users.ts'
import { invalidScope, refuseSecret, type TokenRequest } from './token-request.ts'

/** RFC 6749 section 6: new tokens for a refresh token, once; the old ones are forgotten. */
export async function answerRefresh(instance: Instance, request: TokenRequest): Promise<Answer> {
  const refusal = refuseSecret(request, 'may be missing')
  if (refusal !== undefined) return refusal
  const { client, parameters, issuer } = request
  const { application } = client
  const token = parameters['refresh_token'] ?? ''
  const row = instance.tokens.byRefreshToken(token)
  if (row === undefined) return unknownToken()
  if (row.application !== application.name) return wrongApplication(application.name, row)
  // What ended the tokens of a user is told as if time had.
  if (row.expiresIn <= 0) return oauthError('invalid_grant', 'refresh token is expired')

  const verified = await verifyClaims(token, findCert(instance, application), instance.nowSeconds())
  const decoded = verified.ok ? decodeAsUser(verified.claims, application.tokenFormat) : verified
  if (!decoded.ok) return oauthError('invalid_grant', `parse refresh token error: ${decoded.message}`)

  const resource = parameters['resource'] ?? ''
  if (resource !== '' && resource !== row.resource) {
    const message = `resource parameter does not match the original grant, expected: [${row.resource}], got: [${resource}]`
    return oauthError('invalid_grant', message)
  }
  const user = instance.users.get(`${row.organization}/${row.user}`)
  if (user === undefined) {
    return oauthError('invalid_grant', `The user: ${row.organization}/${row.user} doesn't exist`)
  }
  const asked = parameters['scope'] ?? ''
  const scope = asked === '' ? row.scope : grantScope(application.scopes, asked)
  if (scope === undefined) return invalidScope()
  const dpopThumbprint = request.dpopThumbprint === '' ? row.dPoPJkt : request.dpopThumbprint
  const grant = { ...plainGrant, client, user, issuer, scope, resource: row.resource, dpopThumbprint }
  // Taken away before anything is waited for: of several at a time, one gets new tokens.
  if (instance.tokens.remove(idOf(row)) === undefined) return unknownToken()
  const issued = await issueTokens(instance, grant)
  if (issued.ok) return formatTokens(issued.row, issued.row.expiresIn)
  instance.tokens.put(row)
  return failed(issued.message)
}

function unknownToken(): Answer {
  return oauthError('invalid_grant', 'refresh token is invalid or revoked')
}
