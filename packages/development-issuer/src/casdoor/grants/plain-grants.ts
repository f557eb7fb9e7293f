import { type Answer, oauthError } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { plainGrant } from '../tokens/issue-tokens.ts'
import { grantScope } from '../tokens/scope.ts'
import { judgePassword, judgeUser } from '../people/sign-in.ts'
import { answerIssued } from '../tokens/token-answer.ts'
import { invalidScope, refuseSecret, type TokenRequest } from './token-request.ts'

/** The application speaks for itself (RFC 6749 section 4.4): no refresh token, but an empty text in its place. */
export function answerClientCredentials(instance: Instance, request: TokenRequest): Answer | Promise<Answer> {
  const refusal = refuseSecret(request, 'needed')
  if (refusal !== undefined) return refusal
  const { client, parameters, issuer, dpopThumbprint } = request
  const scope = grantScope(client.application.scopes, parameters['scope'] ?? '')
  if (scope === undefined) return invalidScope()
  return answerIssued(instance, { ...plainGrant, client, user: undefined, issuer, scope, dpopThumbprint })
}

/** RFC 6749 section 4.3, without the client's secret. */
export function answerPassword(instance: Instance, request: TokenRequest): Answer | Promise<Answer> {
  const refusal = refuseSecret(request, 'may be missing')
  if (refusal !== undefined) return refusal
  const { client, parameters, issuer, dpopThumbprint } = request
  const { application, organization } = client
  const { username = '', password = '' } = parameters
  const known = judgePassword(instance, application, organization, username, password)
  if (!known.ok) return oauthError('invalid_grant', `invalid username or password: ${known.message}`)
  const judged = judgeUser(instance, client, known.user)
  if (!judged.ok) return oauthError('invalid_grant', judged.message)
  const scope = grantScope(application.scopes, parameters['scope'] ?? '')
  if (scope === undefined) return invalidScope()
  const { user } = judged
  return answerIssued(instance, { ...plainGrant, client, user, issuer, scope, dpopThumbprint })
}
