import type { TokenProfile } from './profile.ts'

/**
 * Casdoor's access tokens, of each of its four formats.
 *
 * Casdoor signs refresh and logout tokens with the same key, issuer and audience, and calls all of them `JWT`.
 * What tells them apart: a key id (refresh tokens have none), `tokenType` (the custom format's refresh token says
 * `access-token` there and the truth in `TokenType`), and `events` (logout tokens).
 */
export const casdoor: TokenProfile = {
  name: 'casdoor',
  algorithms: ['RS256', 'RS512', 'ES256', 'ES384', 'ES512'],
  types: ['jwt', undefined],
  keyIdRequired: true,
  requiredClaims: ['azp', 'iat'],
  refusedClaims: ['events'],
  clientClaim: 'azp',
  ownerClaim: 'owner',
  tokenUse: { claim: 'tokentype', value: 'access-token' },
  roleClaims: ['roles', 'role_names'],
  groupClaims: ['groups'],
  // The key pair in Casdoor's own source tree: an instance started from there signs with it.
  refusedKeys: ['KikP8HIWMxFExJUuKXl8KOws9iLU8E7MiM8jVlJWyLI'],
}
