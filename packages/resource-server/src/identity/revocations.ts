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
  /** `jti`, or what records name the token by. Alone, or with nothing but the issuer. */
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
  if (!(upTo >= 0 && upTo <= nowSeconds)) {
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
    // Not `async` alone: a mistake in the revocation is a rejection, too.
    add: async (revocation) => {
      await Promise.resolve()
      index.add(revocation)
    },
    list: () => index.list(),
    onAdded: (listener) => index.onAdded(listener),
    close: () => Promise.resolve(),
  }
}

/** More than a person ever types; so that whoever writes a script by mistake fills no memory. */
const maxRevocations = 100_000

type Times = Map<string, number>

interface OfIssuer {
  all: number
  readonly subjects: Times
  readonly clients: Times
  /** By subject and client. */
  readonly pairs: Map<string, Times>
  readonly tokens: Set<string>
}

/** Revocations by what they name, so that a request costs a few look-ups however many there are. */
export class RevocationIndex {
  readonly #issuers = new Map<string, OfIssuer>()
  readonly #listeners = new Set<() => void>()
  #count = 0

  revokes({ issuer, subject, clientId, tokenId, issuedAt = 0 }: Identity): boolean {
    const known = this.#issuers.get(issuer)
    if (known === undefined) return false
    return (
      issuedAt <= known.all ||
      issuedAt <= (known.subjects.get(subject) ?? -1) ||
      issuedAt <= (known.clients.get(clientId) ?? -1) ||
      issuedAt <= (known.pairs.get(subject)?.get(clientId) ?? -1) ||
      known.tokens.has(tokenId)
    )
  }

  /** @throws {RangeError} when there is no room */
  add(revocation: Revocation): void {
    const { issuer, subject, clientId, tokenId, issuedUpTo } = revocation
    let known = this.#issuers.get(issuer)
    if (known === undefined) {
      known = { all: -1, subjects: new Map(), clients: new Map(), pairs: new Map(), tokens: new Set() }
      this.#issuers.set(issuer, known)
    }
    if (tokenId !== undefined) {
      this.#makeRoom(known.tokens.has(tokenId))
      known.tokens.add(tokenId)
    } else if (subject !== undefined && clientId !== undefined) {
      const pairs = known.pairs.get(subject) ?? new Map<string, number>()
      known.pairs.set(subject, pairs)
      this.#put(pairs, clientId, issuedUpTo)
    } else if (subject !== undefined) {
      this.#put(known.subjects, subject, issuedUpTo)
    } else if (clientId !== undefined) {
      this.#put(known.clients, clientId, issuedUpTo)
    } else {
      known.all = Math.max(known.all, issuedUpTo)
    }
    for (const listener of this.#listeners) listener()
  }

  list(): readonly Revocation[] {
    return [...this.#issuers].flatMap(([issuer, { all, subjects, clients, pairs, tokens }]) => [
      ...(all < 0 ? [] : [{ issuer, issuedUpTo: all }]),
      ...[...subjects].map(([subject, issuedUpTo]) => ({ issuer, subject, issuedUpTo })),
      ...[...clients].map(([clientId, issuedUpTo]) => ({ issuer, clientId, issuedUpTo })),
      ...[...pairs].flatMap(([subject, times]) =>
        [...times].map(([clientId, issuedUpTo]) => ({ issuer, subject, clientId, issuedUpTo })),
      ),
      ...[...tokens].map((tokenId) => ({ issuer, tokenId, issuedUpTo: 0 })),
    ])
  }

  onAdded(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The later time holds: a revocation is never taken back by an older one. */
  #put(times: Times, name: string, issuedUpTo: number): void {
    const before = times.get(name)
    this.#makeRoom(before !== undefined)
    times.set(name, Math.max(before ?? -1, issuedUpTo))
  }

  #makeRoom(known: boolean): void {
    if (known) return
    if (this.#count >= maxRevocations) {
      throw new RangeError(
        `There is room for ${maxRevocations} revocations, and there are as many. Revoke by issuer and time, which covers many at once.`,
      )
    }
    this.#count += 1
  }
}
