import { type Call, readBasic, readForm } from './call.ts'
import { readClient } from '../grants/client-authentication.ts'
import { type Client, findClient, isSecretOf } from '../rows/clients.ts'
import { type Answer, oauthError } from './envelope.ts'
import type { Instance } from '../instance.ts'
import { findCert, verifyClaims } from '../keys/signing.ts'
import type { TokenRow } from '../rows/small-rows.ts'
import { decodeAsUser } from '../tokens/token-users.ts'

const inactive: Answer = { status: 200, body: { active: false } }

/**
 * `POST /api/login/oauth/introspect` (RFC 7662), form only. Tells about tokens of every audience, as long as the one who
 * asks shares the cert, and reads the format.
 */
export async function answerIntrospection(instance: Instance, call: Call): Promise<Answer> {
  const form = readForm(call)
  const isAuthenticated =
    readBasic(call) !== undefined || form['client_id'] !== undefined || form['client_assertion'] !== undefined
  if (!isAuthenticated) return oauthError('invalid_request')
  const presented = await readClient(instance, call, form)
  if (!presented.ok) return oauthError('invalid_client', presented.message)
  const client = findClient(instance, presented.clientId)
  const isKnown =
    client !== undefined && (presented.isProven || isSecretOf(client.application, presented.clientSecret))
  if (!isKnown) {
    return oauthError('invalid_client', 'Invalid application or wrong clientSecret')
  }
  return describeToken(instance, client, form['token'] ?? '', form['token_type_hint'] ?? '')
}

async function describeToken(
  instance: Instance,
  { application }: Client,
  token: string,
  hint: string,
): Promise<Answer> {
  const cert = findCert(instance, application)
  const verified = await verifyClaims(token, cert, instance.nowSeconds())
  if (!verified.ok) return inactive
  const { claims } = verified
  const decoded = decodeAsUser(claims, application.tokenFormat)
  if (!decoded.ok) return inactive
  const row = findRow(instance, token, hint === '' ? decoded.use : hint)
  if (row === undefined || row.expiresIn <= 0) return inactive
  return {
    status: 200,
    body: {
      active: true,
      ...(claims['scope'] !== undefined && claims['scope'] !== '' && { scope: claims['scope'] }),
      client_id: claims['azp'],
      ...(decoded.name !== '' && { username: decoded.name }),
      token_type: row.tokenType,
      ...pick(claims, ['exp', 'iat', 'nbf', 'sub', 'aud', 'iss', 'jti']),
      ...(row.dPoPJkt !== '' && { cnf: { jkt: row.dPoPJkt } }),
    },
  }
}

/** By the hint, or by what the token says of itself: refresh tokens of JWT-Custom say that they are access tokens. */
function findRow(instance: Instance, token: string, use: string): TokenRow | undefined {
  switch (use) {
    case 'access_token':
    case 'access-token':
      return instance.tokens.byAccessToken(token)
    case 'refresh_token':
    case 'refresh-token':
      return instance.tokens.byRefreshToken(token)
    default:
      return undefined
  }
}

function pick(claims: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  return Object.fromEntries(names.filter((name) => name in claims).map((name) => [name, claims[name]]))
}
