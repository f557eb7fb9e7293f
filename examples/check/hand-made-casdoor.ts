/** What Casdoor publishes of an application, and its tokens, with a key that the test holds; the double gives none out. */
import {
  publicJwk,
  signToken,
  type Documents,
  type SigningKey,
} from '../../test/end-to-end/hand-made-issuer.ts'
import type { Json } from '../../test/end-to-end/mcp-wire.ts'

export const application = 'mcp-notes'
export const clientId = '0f4fd1f7a3c3b1d2e9a1'

export const casdoorDocuments: Documents = (issuer, key) => ({
  [`/api/get-application?id=admin/${application}`]: {
    status: 'ok',
    msg: '',
    sub: '',
    name: '',
    data: { owner: 'admin', name: application, organization: 'acme', clientId, cert: '***', grantTypes: [] },
    data2: null,
  },
  [`/.well-known/${application}/openid-configuration`]: {
    issuer,
    authorization_endpoint: `${issuer}/login/oauth/authorize`,
    token_endpoint: `${issuer}/api/login/oauth/access_token`,
    jwks_uri: `${issuer}${keysPath}`,
    id_token_signing_alg_values_supported: ['RS256', 'RS512', 'ES256', 'ES384', 'ES512'],
    code_challenge_methods_supported: ['S256'],
  },
  [keysPath]: { keys: [publicJwk(key)] },
})

export const keysPath = `/.well-known/${application}/jwks`

/** A token of the format JWT-Custom with the claims owner, name and permissionNames. */
export function signCasdoorToken(
  key: SigningKey,
  claims: Json & { readonly iss: string; readonly aud: string | readonly string[] },
  header: Json = {},
): string {
  const now = Math.floor(Date.now() / 1000)
  const usual = {
    sub: 'db8fa0ff-31c8-4bd3-ac7c-44b4fb42f1e2',
    azp: clientId,
    client_id: undefined,
    nbf: now,
    jti: 'admin/7bba5a3c-b407-4a57-a51e-b898af9d1e70',
    owner: 'acme',
    name: 'alice',
    permissionNames: [],
    scope: 'files:read files:list',
    tokenType: 'access-token',
  }
  return signToken(key, { ...usual, ...claims }, { typ: 'JWT', ...header })
}
