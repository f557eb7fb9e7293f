import { createOutbound } from '@mcp-doorman/outbound'
import { readIssuerSecret } from '@mcp-doorman/development-issuer'
import { UsageError } from './failure.ts'

export interface IssuerAnswer {
  readonly issuer: string
  readonly status: number
  /** Of the JSON object that it answered with. */
  readonly members: Readonly<Record<string, unknown>>
  /** Why it refused, in its words. */
  readonly reason: string
}

/**
 * Asks the running development issuer for something that only its operator gets, with the secret in its state folder.
 *
 * @param path - below the issuer
 * @param wish - posted as JSON; without it, the request is a GET
 * @param wanted - the issuer that it must be
 * @throws {Error} when none runs there
 * @throws {UsageError} when another one runs there
 */
export async function askIssuer(
  state: string,
  path: string,
  wish?: object,
  wanted?: string,
): Promise<IssuerAnswer> {
  const { issuer, secret } = readIssuerSecret(state)
  if (wanted !== undefined && wanted !== issuer) {
    throw new UsageError(
      `The issuer that uses ${state} is ${issuer}, not ${wanted}. Name its own folder with --state.`,
    )
  }
  const outbound = createOutbound({ trustedOrigins: [new URL(issuer).origin] })
  const answer = await outbound
    .request({
      url: `${issuer.replace(/\/$/, '')}/${path}`,
      method: wish === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      ...(wish !== undefined && { body: JSON.stringify(wish) }),
    })
    .finally(() => outbound.close())
  if (!answer.ok) throw new Error(`${issuer} does not answer. Start it with "doorman dev". ${answer.message}`)
  const members = parseMembers(answer.body)
  const { error_description: reason } = members
  return {
    issuer,
    status: answer.status,
    members,
    reason: typeof reason === 'string' ? reason : `it answered ${answer.status}`,
  }
}

function parseMembers(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
