/**
 * What an issuer's access tokens look like: data that the one verifier reads, not code of its own.
 *
 * A profile only narrows what RFC 7515 to 7519 allow; signature, issuer, audience and times are always checked.
 */
export interface TokenProfile {
  readonly name: string
  /** Accepted `alg` values, exact; asymmetric only. */
  readonly algorithms: readonly string[]
  /** Accepted `typ` values in lower case, without `application/`; `undefined` stands for an absent `typ`. */
  readonly types: readonly (string | undefined)[]
  /** Whether a token without `kid` is refused outright. */
  readonly keyIdRequired: boolean
  /** Claims that must be there, besides `iss`, `sub`, `aud` and `exp`, which always must. */
  readonly requiredClaims: readonly string[]
  /** Claims that mark another kind of token. */
  readonly refusedClaims: readonly string[]
  /** Values of claims that mark another kind of token, in lower case; compared without regard to case. */
  readonly refusedValues?: Readonly<Record<string, readonly string[]>>
  /** The claim that names the OAuth client. */
  readonly clientClaim: string
  /** The claim that names the organization a user belongs to, where there is one. */
  readonly ownerClaim?: string
  /**
   * A claim that says what the token is for. Every claim of that name, in whatever case, must have this value,
   * and there must be at least one.
   */
  readonly tokenUse?: { readonly claim: string; readonly value: string }
  /** Claims that list roles, as strings or as objects with a `name`. */
  readonly roleClaims: readonly string[]
  /** Claims that list groups, in the same two forms. */
  readonly groupClaims: readonly string[]
  /** RFC 7638 thumbprints of keys that everybody knows the private half of. */
  readonly refusedKeys: readonly string[]
}
