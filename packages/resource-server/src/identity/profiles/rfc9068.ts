import type { TokenProfile } from './profile.ts'

/** JWT access tokens by the standard: `at+jwt`, with every claim that RFC 9068 §2.2 asks for. */
export const rfc9068: TokenProfile = {
  name: 'rfc9068',
  algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  types: ['at+jwt'],
  keyIdRequired: false,
  requiredClaims: ['client_id', 'iat', 'jti'],
  refusedClaims: [],
  clientClaim: 'client_id',
  roleClaims: ['roles'],
  groupClaims: ['groups'],
  refusedKeys: [],
}
