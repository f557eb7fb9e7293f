import { createOutbound } from '@mcp-doorman/outbound'
import { readIssuerSecret } from '@mcp-doorman/development-issuer'
import { UsageError } from './failure.ts'

export interface TokenWish {
  /** The state folder of the issuer that runs. */
  readonly state: string
  /** To make sure that it is this one. */
  readonly issuer?: string
  readonly user: string
  readonly scope: string
  readonly resource?: string
  readonly ttlSeconds: number
}

/**
 * Gets an access token from the running development issuer, with the secret in its state folder.
 *
 * @throws {Error} when none runs there, or when it refuses; the message says what to change
 */
export async function issueToken({ state, issuer: wanted, ...wish }: TokenWish): Promise<string> {
  const { issuer, secret } = readIssuerSecret(state)
  if (wanted !== undefined && wanted !== issuer) {
    throw new UsageError(
      `The issuer that uses ${state} is ${issuer}, not ${wanted}. Name its own folder with --state.`,
    )
  }
  const outbound = createOutbound({ trustedOrigins: [new URL(issuer).origin] })
  const answer = await outbound
    .request({
      url: `${issuer}/development/token`,
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(wish),
    })
    .finally(() => outbound.close())
  if (!answer.ok) throw new Error(`${issuer} does not answer. Start it with "doorman dev". ${answer.message}`)
  const members = parseMembers(answer.body)
  const { access_token: token, error_description: reason } = members
  if (answer.status === 200 && typeof token === 'string') return token
  throw new Error(
    `${issuer} issued no token: ${typeof reason === 'string' ? reason : `it answered ${answer.status}`}.`,
  )
}

function parseMembers(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
