import type { SenderBinding } from './sender.ts'

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
  /** When the token was issued, in epoch seconds, if it says so. */
  readonly issuedAt?: number
  /** `jti`, or {@link Identity.tokenHash}. Names the token in records without revealing it. */
  readonly tokenId: string
  /** The first 16 characters of the token's SHA-256 as base64url: names an opaque token for those who only hold it. */
  readonly tokenHash: string
  /** One string for issuer, subject and client: the key of limits and sessions. */
  readonly callerKey: string
  /** What the token is bound to (`cnf`). It was proven for the request that this identity came with. */
  readonly binding?: SenderBinding
  /** All verified claims, frozen with all that is in them: one identity serves every request of its token. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Everything of an {@link Identity} but the proof. */
export type IdentityFacts = Omit<Identity, typeof proven>

/**
 * Makes an {@link Identity}, which nobody can change: it is remembered for the next requests of its token.
 *
 * Not exported from the package: to call it is to claim that a token was verified.
 */
export function provenIdentity(facts: IdentityFacts): Identity {
  const { scopes, roles, groups } = facts
  for (const names of [scopes, roles, groups]) freezeSet(names)
  freezeDeeply(facts)
  // The brand exists in the type system only; this is the one place that grants it.
  return facts as Identity
}

/** `Object.freeze` does not reach what is inside of a set. */
function freezeSet(names: ReadonlySet<string>): void {
  for (const method of ['add', 'delete', 'clear'])
    Object.defineProperty(names, method, { value: refuseChange })
  Object.freeze(names)
}

function refuseChange(): never {
  throw new TypeError('An identity cannot be changed: it says what the issuer has granted.')
}

/** Without recursion, since a token may be nested as deep as it is long. */
function freezeDeeply(value: object): void {
  const left: object[] = [value]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    Object.freeze(next)
    for (const member of Object.values(next) as readonly unknown[]) {
      if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) left.push(member)
    }
  }
}
