import type { Identity } from './identity.ts'

/**
 * Which tokens of an issuer are no longer taken: those that fit every member which is there. With the issuer alone, all
 * of its tokens up to a time.
 */
export interface Revocation {
  /** `iss`, as configured. */
  readonly issuer: string
  /** `sub`. */
  readonly subject?: string
  /** The OAuth client. */
  readonly clientId?: string
  /** `jti`, or the beginning of the token's hash. Alone, or with nothing but the issuer. */
  readonly tokenId?: string
  /**
   * Tokens issued up to this time, in epoch seconds; one that does not say when it was issued fits every time. Has no
   * meaning beside `tokenId`.
   */
  readonly issuedUpTo: number
}

/**
 * Remembers revocations. Shared by all instances that serve one resource, and kept when they start again.
 *
 * To write one for a shared store: keep a copy in memory, since every request asks; throw from `revokes` as long as the
 * copy cannot be brought up to date, which denies requests (503).
 */
export interface RevocationStore {
  /** Whether a revocation fits. Asked for each request, so it must answer at once. */
  readonly revokes: (identity: Identity) => boolean
  /**
   * Adds a revocation; resolves when it holds and will hold after a restart.
   *
   * @throws {Error} (as a rejection) when it cannot be kept; then it does not hold
   */
  readonly add: (revocation: Revocation) => Promise<void>
  /** All that hold, in no certain order. */
  readonly list: () => readonly Revocation[]
  /** Calls the listener after a revocation begins to hold, whoever added it. Returns what ends that. */
  readonly onAdded: (listener: () => void) => () => void
  /** Lets go of files and connections. */
  readonly close: () => Promise<void>
}

/** A revocation as people ask for it: what is left out is filled in. */
export interface RevocationWish {
  /** Default: the only issuer of the resource. */
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  readonly clientId?: string | undefined
  readonly tokenId?: string | undefined
  /** Epoch seconds, not in the future. Default: now. */
  readonly issuedUpTo?: number | undefined
}

/**
 * Makes a revocation of a wish.
 *
 * @throws {TypeError} that says what is wrong with the wish
 */
export function completeRevocation(
  { issuer, subject, clientId, tokenId, issuedUpTo }: RevocationWish,
  issuers: readonly string[],
  nowSeconds: number,
): Revocation {
  const chosen = issuer ?? (issuers.length === 1 ? issuers[0] : undefined)
  if (chosen === undefined || !issuers.includes(chosen)) {
    const what = issuer === undefined ? 'Name the issuer' : `"${issuer}" is no issuer here. Name one`
    throw new TypeError(`${what}: ${issuers.join(', ')}.`)
  }
  for (const [name, value] of Object.entries({ subject, clientId, tokenId })) {
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.length > 1024)) {
      throw new TypeError(`"${name}" must be a string of 1 to 1024 characters.`)
    }
  }
  if (tokenId !== undefined) {
    if (subject !== undefined || clientId !== undefined || issuedUpTo !== undefined) {
      throw new TypeError('A token is named by its id alone. Leave out the subject, the client and the time.')
    }
    return { issuer: chosen, tokenId, issuedUpTo: 0 }
  }
  const upTo = issuedUpTo ?? nowSeconds
  // A text of digits compares as a number, and would be written as what cannot be read again.
  if (!(typeof upTo === 'number' && upTo >= 0 && upTo <= nowSeconds)) {
    throw new TypeError('The time must not lie in the future, in seconds since 1970.')
  }
  return {
    issuer: chosen,
    ...(subject !== undefined && { subject }),
    ...(clientId !== undefined && { clientId }),
    issuedUpTo: upTo,
  }
}

/** What is kept when there is no state: revocations that hold until the process ends. */
export function createMemoryRevocations(): RevocationStore {
  const index = new RevocationIndex()
  return {
    revokes: (identity) => index.revokes(identity),
    add: (revocation) => Promise.resolve().then(() => index.add(revocation)),
    list: () => index.list(),
    onAdded: (listener) => index.onAdded(listener),
    close: () => Promise.resolve(),
  }
}

/** More than a person ever types; so that whoever writes a script by mistake fills no memory. */
const maxRevocations = 100_000

interface OfIssuer {
  /** Up to when tokens are revoked: by subject, then by client. `undefined` stands for any. */
  readonly times: Map<string | undefined, Map<string | undefined, number>>
  readonly tokens: Set<string>
}

/** Revocations by what they name, so that a request costs a few look-ups however many there are. */
export class RevocationIndex {
  readonly #issuers = new Map<string, OfIssuer>()
  readonly #listeners = new Set<() => void>()
  #count = 0

  revokes({ issuer, subject, clientId, tokenId, tokenHash, issuedAt = 0 }: Identity): boolean {
    const known = this.#issuers.get(issuer)
    if (known === undefined) return false
    if (known.tokens.has(tokenId) || known.tokens.has(tokenHash)) return true
    for (const clients of [known.times.get(subject), known.times.get(undefined)]) {
      if (issuedAt <= (clients?.get(clientId) ?? -1) || issuedAt <= (clients?.get(undefined) ?? -1))
        return true
    }
    return false
  }

  /** @throws {RangeError} when there is no room */
  checkRoom({ issuer, subject, clientId, tokenId }: Revocation): void {
    const wholeIssuer = subject === undefined && clientId === undefined && tokenId === undefined
    if (this.#count < maxRevocations || wholeIssuer) return
    const known = this.#issuers.get(issuer)
    if (tokenId !== undefined && known?.tokens.has(tokenId) === true) return
    if (tokenId === undefined && known?.times.get(subject)?.has(clientId) === true) return
    throw new RangeError(
      `There is room for ${maxRevocations} revocations, and there are as many. Revoke by issuer and time, which covers many at once.`,
    )
  }

  /** @throws {RangeError} when there is no room */
  add(revocation: Revocation): void {
    this.checkRoom(revocation)
    const { issuer, subject, clientId, tokenId, issuedUpTo } = revocation
    let known = this.#issuers.get(issuer)
    if (known === undefined) this.#issuers.set(issuer, (known = { times: new Map(), tokens: new Set() }))
    if (tokenId !== undefined) {
      if (!known.tokens.has(tokenId)) this.#count += 1
      known.tokens.add(tokenId)
    } else {
      let clients = known.times.get(subject)
      if (clients === undefined) known.times.set(subject, (clients = new Map()))
      const before = clients.get(clientId)
      if (before === undefined) this.#count += 1
      // The later time holds: nothing is taken back by an older revocation.
      clients.set(clientId, Math.max(before ?? 0, issuedUpTo))
    }
    for (const listener of this.#listeners) tell(listener)
  }

  list(): readonly Revocation[] {
    const found: Revocation[] = []
    for (const [issuer, { times, tokens }] of this.#issuers) {
      for (const tokenId of tokens) found.push({ issuer, tokenId, issuedUpTo: 0 })
      for (const [subject, clients] of times) {
        for (const [clientId, issuedUpTo] of clients) {
          found.push({
            issuer,
            ...(subject !== undefined && { subject }),
            ...(clientId !== undefined && { clientId }),
            issuedUpTo,
          })
        }
      }
    }
    return found
  }

  onAdded(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

/** One stream that cannot be ended must not keep the others open, nor undo the revocation. */
function tell(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error))
  }
}
