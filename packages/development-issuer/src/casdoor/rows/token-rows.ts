import { createHash } from 'node:crypto'
import type { TokenRow } from './small-rows.ts'
import { idOf } from './table.ts'

/** How many grants are remembered; the oldest go first. */
const mostRows = 20_000

/** The grants of an instance, found by each of the texts that stand for one. */
export class TokenRows {
  readonly #rows = new Map<string, TokenRow>()
  readonly #byCode = new Map<string, string>()
  readonly #byAccessToken = new Map<string, string>()
  readonly #byRefreshToken = new Map<string, string>()

  put(row: TokenRow): void {
    const id = idOf(row)
    if (!this.#rows.has(id) && this.#rows.size >= mostRows) {
      const oldest = this.#rows.keys().next()
      if (oldest.done !== true) this.remove(oldest.value)
    }
    this.#rows.set(id, row)
    if (row.code !== '') this.#byCode.set(row.code, id)
    this.#byAccessToken.set(row.accessTokenHash, id)
    if (row.refreshToken !== '') this.#byRefreshToken.set(row.refreshTokenHash, id)
  }

  remove(id: string): TokenRow | undefined {
    const row = this.#rows.get(id)
    if (row === undefined) return undefined
    this.#rows.delete(id)
    this.#byCode.delete(row.code)
    this.#byAccessToken.delete(row.accessTokenHash)
    this.#byRefreshToken.delete(row.refreshTokenHash)
    return row
  }

  get(id: string): TokenRow | undefined {
    return this.#rows.get(id)
  }

  byCode(code: string): TokenRow | undefined {
    return this.#rows.get(this.#byCode.get(code) ?? '')
  }

  byAccessToken(token: string): TokenRow | undefined {
    return this.#rows.get(this.#byAccessToken.get(hashOf(token)) ?? '')
  }

  byRefreshToken(token: string): TokenRow | undefined {
    return this.#rows.get(this.#byRefreshToken.get(hashOf(token)) ?? '')
  }

  /** Newest first. */
  all(): readonly TokenRow[] {
    return [...this.#rows.values()].toReversed()
  }

  /** Ends the tokens of a user: they stay valid for whoever only looks at the signature. */
  endOf(userId: string): void {
    for (const row of this.#rows.values()) {
      if (`${row.organization}/${row.user}` === userId) this.put({ ...row, expiresIn: 0 })
    }
  }
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
