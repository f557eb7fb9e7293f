import { type Answer, oauthError } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { plainGrant } from '../tokens/issue-tokens.ts'
import { findCert, verifyClaims } from '../keys/signing.ts'
import { answerIssued } from '../tokens/token-answer.ts'
import { refuseSecret, type TokenRequest } from './token-request.ts'

const subjectTypes = ['access_token', 'jwt', 'id_token'].map(
  (name) => `urn:ietf:params:oauth:token-type:${name}`,
)

/** RFC 8693 for a client's own tokens. The audience and the resource that are asked for are not looked at. */
export async function answerExchange(instance: Instance, request: TokenRequest): Promise<Answer> {
  const refusal = refuseSecret(request, 'needed')
  if (refusal !== undefined) return refusal
  const { client, parameters, issuer, dpopThumbprint } = request
  const { subject_token: token = '', subject_token_type: type = subjectTypes[0] ?? '' } = parameters
  if (!subjectTypes.includes(type)) {
    return oauthError('invalid_request', `unsupported subject_token_type: ${type}`)
  }
  const cert = findCert(instance, client.application)
  const verified = await verifyClaims(token, cert, instance.nowSeconds())
  if (!verified.ok) return oauthError('invalid_grant', `invalid subject_token: ${verified.message}`)
  const { aud, azp, scope: held } = verified.claims
  const isOwn = azp === client.clientId || (Array.isArray(aud) && aud.includes(client.clientId))
  if (!isOwn) {
    const message = `subject_token audience does not include the requesting client '${client.clientId}'`
    return oauthError('invalid_grant', message)
  }
  const heldScope = typeof held === 'string' ? held : ''
  const scope = parameters['scope'] ?? heldScope
  const wider = scope.split(' ').find((name) => name !== '' && !heldScope.split(' ').includes(name))
  if (wider !== undefined) {
    return oauthError('invalid_scope', `requested scope '${wider}' is not in subject token's scope`)
  }
  const row = instance.tokens.byAccessToken(token)
  if (row === undefined || row.expiresIn <= 0) {
    return oauthError('invalid_grant', 'subject_token is invalid or revoked')
  }
  const user = instance.users.get(`${row.organization}/${row.user}`)
  if (user === undefined) return oauthError('invalid_grant', 'the user of the subject_token does not exist')
  return answerIssued(instance, { ...plainGrant, client, user, issuer, scope, dpopThumbprint })
}
