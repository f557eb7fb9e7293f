import { type Answer, failed } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { type Grant, issueTokens } from './issue-tokens.ts'
import type { TokenRow } from '../rows/small-rows.ts'

/** The tokens of a row. The ID token is the access token, whatever its audience. */
export function formatTokens(row: TokenRow, expiresIn: number): Answer {
  return {
    status: 200,
    body: {
      access_token: row.accessToken,
      id_token: row.accessToken,
      refresh_token: row.refreshToken,
      token_type: row.tokenType,
      expires_in: expiresIn,
      scope: row.scope,
    },
  }
}

/** Issues tokens that no code stood for. */
export async function answerIssued(instance: Instance, grant: Grant): Promise<Answer> {
  const issued = await issueTokens(instance, grant)
  if (!issued.ok) return failed(issued.message)
  return formatTokens(issued.row, issued.row.expiresIn)
}
