import { randomUUID } from 'node:crypto'
import { type Call, readForm } from '../interface/call.ts'
import { findClient } from '../rows/clients.ts'
import { deviceFolder } from '../people/device-page.ts'
import { deviceSeconds } from './devices.ts'
import { type Answer, oauthError } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { plainGrant } from '../tokens/issue-tokens.ts'
import { grantScope } from '../tokens/scope.ts'
import { judgeUser } from '../people/sign-in.ts'
import { answerIssued } from '../tokens/token-answer.ts'
import type { TokenRequest } from './token-request.ts'

/** `POST /api/device-auth` (RFC 8628 section 3.1), whose errors have status 200. */
export function answerDeviceAuthorization(instance: Instance, call: Call): Answer {
  const { client_id: clientId = '', scope = '' } = readForm(call)
  const client = findClient(instance, clientId)
  if (client === undefined) return refuse('Invalid client_id', 'Invalid client_id')
  const { application } = client
  if (!(application.signinMethods ?? []).some(({ name }) => name === 'Device login')) {
    return refuse('unauthorized_client', 'device login is not enabled for this application')
  }
  const granted = grantScope(application.scopes, scope)
  if (granted === undefined) return refuse('invalid_scope', 'Invalid scope')
  const { deviceCode, userCode } = instance.devices.add(application.name, granted, instance.nowSeconds())
  return {
    status: 200,
    body: {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: `${call.issuer}${deviceFolder}${userCode}?cancelToken=${randomUUID()}`,
      expires_in: deviceSeconds,
      interval: 5,
    },
  }
}

function refuse(error: string, description: string): Answer {
  return { status: 200, body: { error, error_description: description } }
}

/** RFC 8628 section 3.4. How often the device asks is not looked at. */
export function answerDevice(instance: Instance, request: TokenRequest): Answer | Promise<Answer> {
  const { client, parameters, issuer, dpopThumbprint } = request
  const device = instance.devices.byDeviceCode(parameters['device_code'] ?? '')
  if (device === undefined || device.application !== client.application.name) {
    return oauthError('expired_token', 'token is expired')
  }
  if (device.used) return oauthError('access_denied', 'device_code has already been used')
  if (instance.nowSeconds() >= device.endsAt) return oauthError('expired_token', 'token is expired')
  if (device.approvedBy === undefined) return oauthError('authorization_pending', 'authorization pending')
  const approver = instance.users.get(device.approvedBy)
  if (approver === undefined) return oauthError('access_denied', 'the user does not exist')
  const judged = judgeUser(instance, client, approver)
  if (!judged.ok) return oauthError('access_denied', judged.message)
  instance.devices.put({ ...device, used: true })
  const { scope } = device
  const { user } = judged
  return answerIssued(instance, { ...plainGrant, client, user, issuer, scope, dpopThumbprint })
}
