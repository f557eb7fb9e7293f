import { type Client, isSecretOf } from '../rows/clients.ts'
import { type Answer, oauthError } from '../interface/envelope.ts'

/** A request to the token endpoint whose client exists and may use the grant. */
export interface TokenRequest {
  readonly client: Client
  /** As it was sent, wrong or right; empty when it was not. */
  readonly clientSecret: string
  /** By an assertion, in place of a secret. */
  readonly isProven: boolean
  readonly parameters: Readonly<Record<string, string>>
  readonly issuer: string
  /** Of the proof's key; empty without a proof. */
  readonly dpopThumbprint: string
}

/** Refuses a wrong secret. Where it may be missing, only one that was sent is looked at. */
export function refuseSecret(
  { client, clientSecret, isProven }: TokenRequest,
  need: 'needed' | 'may be missing',
): Answer | undefined {
  if (isProven || (need === 'may be missing' && clientSecret === '')) return undefined
  return isSecretOf(client.application, clientSecret)
    ? undefined
    : oauthError('invalid_client', 'client_secret is invalid')
}

export function invalidScope(): Answer {
  return oauthError('invalid_scope', 'the requested scope is invalid or not defined in the application')
}
