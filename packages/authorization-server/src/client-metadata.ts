import { type ClientMetadata, errors } from 'oidc-provider'
import { isLoopbackRedirect, type RedirectPolicy, redirectUriProblem } from './redirect-uri.ts'

const knownGrantTypes = ['authorization_code', 'refresh_token']

/**
 * Brings what a client says about itself into the form that oidc-provider takes, before it judges it. RFC 7591 §2 lets
 * the server replace what it cannot do; refusing it would lock out clients that offer more than we use.
 *
 * @throws {errors.InvalidClientMetadata} `invalid_redirect_uri`, for a redirect URI that the policy refuses
 */
export function normalizeClientMetadata(metadata: ClientMetadata, policy: RedirectPolicy): void {
  // Some clients write null or "" for what they do not have.
  for (const [name, value] of Object.entries(metadata)) {
    if (value === null || value === '') delete metadata[name]
  }
  // Clients register the scopes of their first request. Kept, they would be the ceiling of every later one, and a
  // step-up would fail until the client forgets its registration.
  delete metadata.scope

  // oidc-provider has refused documents that name a method with a secret, so this is its default (RFC 7591 §2), which
  // a client without a registration cannot use.
  if (metadata.client_id.startsWith('https://') && metadata.client_secret === undefined) {
    if (metadata.token_endpoint_auth_method === 'client_secret_basic')
      metadata.token_endpoint_auth_method = 'none'
  }

  const redirectUris: unknown = metadata.redirect_uris
  if (Array.isArray(redirectUris)) {
    for (const uri of redirectUris) {
      const problem = typeof uri === 'string' ? redirectUriProblem(uri, policy) : 'is not a string'
      if (problem !== undefined) {
        throw new errors.InvalidClientMetadata(`redirect_uris: ${printable(uri)} ${problem}`)
      }
    }
    metadata.application_type = chooseApplicationType(redirectUris.filter((uri) => typeof uri === 'string'))
  }
  keepOnly(metadata, 'grant_types', knownGrantTypes)
  keepOnly(metadata, 'response_types', ['code'])
}

/**
 * oidc-provider lets only native clients have private-use schemes, and only web clients https on loopback. The type
 * means nothing else here: redirects are compared, and consent is asked, alike for both.
 */
function chooseApplicationType(redirectUris: readonly string[]): 'native' | 'web' {
  const secureLoopback = redirectUris.some(
    (uri) => uri.startsWith('https:') && isLoopbackRedirect(uri.replace(/^https:/, 'http:')),
  )
  return secureLoopback ? 'web' : 'native'
}

function keepOnly(
  metadata: ClientMetadata,
  name: 'grant_types' | 'response_types',
  known: readonly string[],
): void {
  const offered: unknown = metadata[name]
  if (!Array.isArray(offered)) return // Absent: the default. Of another type: oidc-provider says so.
  const kept = known.filter((value) => offered.includes(value))
  if (kept.length > 0) Object.assign(metadata, { [name]: kept })
}

function printable(uri: unknown): string {
  return JSON.stringify(String(uri).slice(0, 200))
}
