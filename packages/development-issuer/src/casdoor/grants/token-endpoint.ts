import { type Call, readParameters } from '../interface/call.ts'
import { readClient } from './client-authentication.ts'
import { findClient } from '../rows/clients.ts'
import { answerCode } from './code-grant.ts'
import { answerDevice } from './device-grant.ts'
import { paths } from '../interface/discovery.ts'
import { judgeProof } from './dpop.ts'
import { type Answer, failed, oauthError } from '../interface/envelope.ts'
import { answerExchange } from './exchange-grant.ts'
import type { Instance } from '../instance.ts'
import { answerClientCredentials, answerPassword } from './plain-grants.ts'
import { answerRefresh } from './refresh-grant.ts'
import type { TokenRequest } from './token-request.ts'

type AnswerGrant = (instance: Instance, request: TokenRequest) => Answer | Promise<Answer>

const codeGrant = 'authorization_code'

const grants: ReadonlyMap<string, AnswerGrant> = new Map<string, AnswerGrant>([
  [codeGrant, answerCode],
  ['refresh_token', answerRefresh],
  ['client_credentials', answerClientCredentials],
  ['password', answerPassword],
  ['urn:ietf:params:oauth:grant-type:device_code', answerDevice],
  ['urn:ietf:params:oauth:grant-type:token-exchange', answerExchange],
])

/** `POST /api/login/oauth/access_token`. Internal errors have status 200. */
export async function answerToken(instance: Instance, call: Call): Promise<Answer> {
  const parameters = readParameters(call)
  const presented = await readClient(instance, call, parameters)
  if (!presented.ok) return failed(presented.message)
  const client = findClient(instance, presented.clientId)
  if (client === undefined) return oauthError('invalid_client', 'client_id is invalid')

  const type = parameters['grant_type'] ?? ''
  const grant = grants.get(type)
  // A code can be exchanged whatever the application's list says.
  const isEnabled = type === codeGrant || (client.application.grantTypes ?? []).includes(type)
  if (grant === undefined || !isEnabled) {
    return oauthError('unsupported_grant_type', `grant_type: ${type} is not supported in this application`)
  }
  const proof = call.headers['dpop']
  let dpopThumbprint = ''
  if (proof !== undefined) {
    const url = call.issuer + paths.token
    const judged = await judgeProof(String(proof), call.method, url, instance.nowSeconds())
    if (!judged.ok) return oauthError('invalid_dpop_proof', judged.message)
    dpopThumbprint = judged.thumbprint
  }
  const { clientSecret, isProven } = presented
  return grant(instance, { client, clientSecret, isProven, parameters, issuer: call.issuer, dpopThumbprint })
}
