declare const proven: unique symbol

/**
 * A caller whose token was verified.
 *
 * Only the verifier of this package makes one; code that takes an `Identity` need not check again.
 * The key of a person is the pair ({@link Identity.issuer}, {@link Identity.subject}), never one of them alone.
 */
export interface Identity {
  readonly [proven]: true
  /** `iss`, as configured. */
  readonly issuer: string
  /** `sub`. */
  readonly subject: string
  /** The OAuth client the token was issued to. */
  readonly clientId: string
  /** `scope`, as the issuer granted it; nothing implied is added. */
  readonly scopes: ReadonlySet<string>
  readonly roles: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
  /** When the token ends, in epoch seconds. */
  readonly expiresAt: number
  /** `jti`, or the beginning of the token's hash. Names the token in records without revealing it. */
  readonly tokenId: string
  /** One string for issuer, subject and client: the key of limits and sessions. */
  readonly callerKey: string
  /** All verified claims. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Everything of an {@link Identity} but the proof. */
export type IdentityFacts = Omit<Identity, typeof proven>

/** Makes an {@link Identity}. Not exported from the package: to call it is to claim that a token was verified. */
export function provenIdentity(facts: IdentityFacts): Identity {
  // The brand exists in the type system only; this is the one place that grants it.
  return Object.freeze(facts) as Identity
}
