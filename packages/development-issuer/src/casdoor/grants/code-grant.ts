import { createHash } from 'node:crypto'
import { isSecretOf } from '../rows/clients.ts'
import { type Answer, oauthError } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import type { TokenRow } from '../rows/small-rows.ts'
import { idOf } from '../rows/table.ts'
import { formatTokens } from '../tokens/token-answer.ts'
import type { TokenRequest } from './token-request.ts'

/**
 * Exchanges a code. Casdoor looks neither at the redirect URI nor whether a challenge was sent: without one the secret is
 * needed, with one only a wrong secret is refused.
 */
export function answerCode(instance: Instance, request: TokenRequest): Answer {
  const { client, parameters, dpopThumbprint } = request
  const code = parameters['code'] ?? ''
  if (code === '') return oauthError('invalid_request', 'authorization code should not be empty')
  const row = instance.tokens.byCode(code)
  if (row === undefined) return oauthError('invalid_grant', `authorization code: [${code}] is invalid`)
  if (row.codeIsUsed) {
    return oauthError('invalid_grant', `authorization code has been used for token: [${idOf(row)}]`)
  }
  const refusal = judgeVerifier(row, parameters['code_verifier'] ?? '') ?? judgeSecret(row, request)
  if (refusal !== undefined) return refusal

  const { application } = client
  if (row.application !== application.name) return wrongApplication(application.name, row)
  const resource = parameters['resource'] ?? ''
  if (resource !== row.resource) {
    const message = `resource parameter does not match authorization request, expected: [${row.resource}], got: [${resource}]`
    return oauthError('invalid_grant', message)
  }
  const now = instance.nowSeconds()
  if (now > row.codeExpireIn) {
    const message = `authorization code has expired, nowUnix: [${now}], token.CodeExpireIn: [${row.codeExpireIn}]`
    return oauthError('invalid_grant', message)
  }
  const bound = dpopThumbprint === '' ? {} : { tokenType: 'DPoP', dPoPJkt: dpopThumbprint }
  const used: TokenRow = { ...row, ...bound, codeIsUsed: true }
  instance.tokens.put(used)
  // The whole lifetime, although the tokens were signed with the code.
  return formatTokens(used, Math.round(application.expireInHours * 3600))
}

function judgeVerifier({ codeChallenge }: TokenRow, verifier: string): Answer | undefined {
  if (codeChallenge === '') return undefined
  const answer = createHash('sha256').update(verifier).digest('base64url')
  if (answer === codeChallenge) return undefined
  const message = `verifier is invalid, challengeAnswer: [${answer}], token.CodeChallenge: [${codeChallenge}]`
  return oauthError('invalid_grant', message)
}

function judgeSecret(
  { codeChallenge }: TokenRow,
  { client, clientSecret, isProven }: TokenRequest,
): Answer | undefined {
  const mayLackSecret = codeChallenge !== '' && clientSecret === ''
  const { application } = client
  if (mayLackSecret || isProven || isSecretOf(application, clientSecret)) return undefined
  const challenge = codeChallenge === '' ? 'empty' : `[${codeChallenge}]`
  const message = `client_secret is invalid for application: [${idOf(application)}], token.CodeChallenge: ${challenge}`
  return oauthError('invalid_client', message)
}

/** Of a code or a refresh token that another application got. */
export function wrongApplication(name: string, row: TokenRow): Answer {
  const message = `the token is for wrong application (client_id), application.Name: [${name}], token.Application: [${row.application}]`
  return oauthError('invalid_grant', message)
}
