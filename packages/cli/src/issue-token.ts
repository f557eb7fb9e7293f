import { askIssuer } from './issuer-client.ts'

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
  const { issuer, status, members, reason } = await askIssuer(state, 'development/token', wish, wanted)
  const token = members['access_token']
  if (status === 200 && typeof token === 'string') return token
  throw new Error(`${issuer} issued no token: ${reason}.`)
}
