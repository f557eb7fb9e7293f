import type { IssuerDocuments, LoadIssuer } from './issuer-documents.ts'
import { readVerificationKeys, type VerificationKey } from './verification-keys.ts'

/** How long an issuer's keys are used and how often they are asked for, in seconds. */
export interface KeyTimes {
  /** A removed key is out of use after this long. */
  readonly maxAge: number
  /** While the issuer cannot be reached, its last keys are used for this long. */
  readonly staleLimit: number
  /** After a burst of two, unknown keys cause one fetch in this time. */
  readonly cooldown: number
}

export const defaultKeyTimes: KeyTimes = { maxAge: 600, staleLimit: 3600, cooldown: 30 }

const refetchBurst = 2
const firstRetrySeconds = 1
const lastRetrySeconds = 30

export type KeysState = { readonly ok: true } | { readonly ok: false; readonly retryAfterSeconds: number }

/**
 * The keys of one issuer: fetched once, kept, replaced whole.
 *
 * A class, because it has a lifetime: a generation number tells which identities were proven by which keys.
 */
export class IssuerKeys {
  /** The published keys, and those that are kept past their removal. */
  keys: readonly VerificationKey[] = []
  application: IssuerDocuments['application']
  /** Grows whenever the keys change; an identity proven under another number must be proven again. */
  generation = 0
  /** How many fetches have worked. Tells a token's check whether the keys it saw are still the newest. */
  loads = 0
  /** Why the last fetch failed; `undefined` after one that worked. */
  failure: string | undefined

  readonly #load: LoadIssuer
  readonly #refusedKeys: readonly string[]
  readonly #times: KeyTimes
  readonly #keepRemovedSeconds: number
  readonly #nowSeconds: () => number
  #loadedAt = Number.NEGATIVE_INFINITY
  #freshUntil = Number.NEGATIVE_INFINITY
  #retryAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #budget = refetchBurst
  #budgetAt: number
  #fetching: Promise<void> | undefined
  #published: readonly VerificationKey[] = []
  #removed: readonly RemovedKey[] = []
  /** When the first of the removed keys ends. */
  #keptUntil = Number.POSITIVE_INFINITY

  /** @param keepRemovedSeconds - how long a key that is no longer published goes on verifying; 0 for not at all */
  constructor(
    load: LoadIssuer,
    refusedKeys: readonly string[],
    times: KeyTimes,
    nowSeconds: () => number,
    keepRemovedSeconds = 0,
  ) {
    this.#load = load
    this.#keepRemovedSeconds = keepRemovedSeconds
    this.#refusedKeys = refusedKeys
    this.#times = times
    this.#nowSeconds = nowSeconds
    this.#budgetAt = nowSeconds()
  }

  /** Whether the keys may be used without asking. Starts a fetch in the background when they are about to age. */
  fresh(now: number): boolean {
    if (now >= this.#freshUntil) return false
    if (now >= this.#keptUntil) this.#replace(this.#published, this.application, now)
    if (now >= this.#loadedAt + this.#times.maxAge * 0.8 && now >= this.#retryAt) void this.#fetch()
    return true
  }

  /** Makes the keys usable, or says when to try again. One fetch serves all who wait. */
  async ensure(): Promise<KeysState> {
    const now = this.#nowSeconds()
    if (this.fresh(now)) return { ok: true }
    if (now >= this.#retryAt || this.#fetching !== undefined) await this.#fetch()
    const after = this.#nowSeconds()
    if (this.fresh(after)) return { ok: true }
    return { ok: false, retryAfterSeconds: Math.max(1, Math.ceil(this.#retryAt - after)) }
  }

  /**
   * Asks again because a token names a key that is not here, or is not signed by the one it names: providers add
   * keys and also replace them in place. At most two fetches at once, then one in each cooldown, so that made-up
   * key ids cannot drive traffic (requirement C27).
   *
   * @param seenLoads - {@link IssuerKeys.loads} when the keys were looked at
   * @returns whether newer keys than those are here now
   */
  async refetch(seenLoads: number): Promise<boolean> {
    if (this.loads !== seenLoads) return true
    if (this.#fetching === undefined) {
      const now = this.#nowSeconds()
      const elapsed = Math.max(0, now - this.#budgetAt) // A clock that is set back takes nothing away.
      this.#budget = Math.min(refetchBurst, this.#budget + elapsed / this.#times.cooldown)
      this.#budgetAt = now
      if (this.#budget < 1) return false
      this.#budget -= 1
    }
    await this.#fetch()
    return this.failure === undefined
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#loadOnce().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #loadOnce(): Promise<void> {
    const result = await this.#load().catch(() => ({ ok: false as const, reason: 'the loader failed' }))
    const keys = result.ok ? await readVerificationKeys(result.documents.keys, this.#refusedKeys) : []
    const now = this.#nowSeconds()
    if (!result.ok || keys.length === 0) {
      this.failure = result.ok ? 'the key set has no usable key' : result.reason
      this.#failures += 1
      this.#retryAt = now + Math.min(lastRetrySeconds, firstRetrySeconds * 2 ** (this.#failures - 1))
      // Good keys outlive an outage up to the stale limit; retries go on behind the requests that they serve.
      this.#freshUntil = Math.max(this.#freshUntil, this.#loadedAt + this.#times.staleLimit)
      return
    }
    this.failure = undefined
    this.loads += 1
    this.#failures = 0
    this.#retryAt = Number.NEGATIVE_INFINITY
    this.#loadedAt = now
    this.#freshUntil = now + this.#times.maxAge
    this.#replace(keys, result.documents.application, now)
  }

  #replace(
    published: readonly VerificationKey[],
    application: IssuerDocuments['application'],
    now: number,
  ): void {
    const gone = this.#published.filter((key) => !published.some((other) => sameKey(key, other)))
    const endsAt = now + this.#keepRemovedSeconds
    this.#removed = [...this.#removed, ...gone.map((key) => ({ key, endsAt }))]
      .filter(({ key, endsAt }) => now < endsAt && !published.some((other) => sameKey(key, other)))
      .slice(-maxRemovedKeys)
    this.#keptUntil = Math.min(...this.#removed.map((removed) => removed.endsAt)) // Infinite for none.
    this.#published = published
    const keys = [...published, ...this.#removed.map(({ key }) => key)]
    if (fingerprint(keys, application) === fingerprint(this.keys, this.application)) return
    this.keys = keys
    this.application = application
    this.generation += 1
  }
}

interface RemovedKey {
  readonly key: VerificationKey
  readonly endsAt: number
}

// A provider that changes its keys at every fetch must not make us keep all of them.
const maxRemovedKeys = 16

function sameKey(one: VerificationKey, other: VerificationKey): boolean {
  return one.thumbprint === other.thumbprint && one.jwk.kid === other.jwk.kid && one.jwk.alg === other.jwk.alg
}

function fingerprint(keys: readonly VerificationKey[], application: IssuerDocuments['application']): string {
  return JSON.stringify([
    keys.map(({ jwk, thumbprint }) => JSON.stringify([jwk.kid, jwk.alg, thumbprint])).sort(),
    application?.clientId,
    application?.owner,
  ])
}
