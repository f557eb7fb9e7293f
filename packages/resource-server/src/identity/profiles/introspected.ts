import type { TokenProfile } from './profile.ts'

/**
 * Tokens that only their issuer can read: the claims are the members of its answer (RFC 7662 §2.2).
 *
 * `typ` is how Keycloak names refresh, offline and ID tokens, which it calls active as well.
 */
export const introspected: TokenProfile = {
  name: 'introspected',
  algorithms: [],
  types: [],
  keyIdRequired: false,
  requiredClaims: ['client_id'],
  refusedClaims: [],
  refusedValues: { typ: ['refresh', 'offline', 'id'] },
  clientClaim: 'client_id',
  roleClaims: ['roles'],
  groupClaims: ['groups'],
  refusedKeys: [],
}
