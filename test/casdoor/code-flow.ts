/** A code exchanged by hand, where a test needs the tokens themselves. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'

export function pkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export interface CodeExchange {
  readonly clientId: string
  readonly verifier: string
  readonly resource: string
  readonly code: string
}

export async function exchangeCode(
  origin: string,
  { clientId, verifier, resource, code }: CodeExchange,
): Promise<{ readonly access_token: string; readonly refresh_token: string }> {
  const response = await fetch(`${origin}/api/login/oauth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      code_verifier: verifier,
      redirect_uri: 'http://127.0.0.1:9/cb',
      resource,
      code,
    }),
  })
  const tokens = (await response.json()) as { readonly access_token: string; readonly refresh_token: string }
  assert.equal(typeof tokens.access_token, 'string', JSON.stringify(tokens))
  return tokens
}
