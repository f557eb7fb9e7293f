import { createHash } from 'node:crypto'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import type { Store } from './store.ts'

export interface AdapterSettings {
  /** For so long after its first use a refresh token may be used again. */
  readonly reuseGraceSeconds: number
  readonly nowSeconds: () => number
}

/**
 * Keeps what oidc-provider hands out, and decides what a second use of it means.
 *
 * - A code works once. Whoever comes second, be it in the same millisecond, is refused, and what the first was given is
 *   revoked with it (RFC 6749 §4.1.2: two holders of one code are one too many).
 * - A refresh token works once, and again during the grace. After that oidc-provider finds it marked as consumed, and
 *   revokes the whole family (RFC 9700 §4.14.2).
 */
export function createAdapter(model: string, store: Store, settings: AdapterSettings): Adapter {
  if (model === 'Client') return createClientAdapter(store)

  return {
    async upsert(id, payload, expiresInSeconds) {
      store.put({
        model,
        id,
        payload: JSON.stringify(payload),
        grantId: payload.grantId,
        lookup: model === 'Session' ? payload.uid : undefined,
        expiresAt: expiresInSeconds === undefined ? undefined : settings.nowSeconds() + expiresInSeconds,
      })
    },

    async find(id) {
      // Access tokens are JWTs and not kept; what is kept is found by the name that issuedTokenName gave it.
      const entry = model === 'AccessToken' ? store.findByLookup(model, id) : store.find(model, id)
      if (entry === undefined) return undefined
      const payload = parsePayload(entry.payload)
      return isUsedUp(entry.consumedAt) ? { ...payload, consumed: entry.consumedAt } : payload
    },

    async findByUid(uid) {
      const entry = store.findByLookup(model, uid)
      return entry === undefined ? undefined : parsePayload(entry.payload)
    },

    async findByUserCode() {
      return undefined // The device flow is off.
    },

    async consume(id) {
      if (store.consume(model, id)) return
      const entry = store.find(model, id)
      if (entry !== undefined && !isUsedUp(entry.consumedAt)) return
      if (entry?.grantId !== undefined) store.removeGrant(entry.grantId)
      throw new errors.InvalidGrant('it was used by another request at the same time')
    },

    async destroy(id) {
      store.remove(model, id)
    },

    async revokeByGrantId(grantId) {
      store.removeOfGrant(model, grantId)
    },
  }

  function isUsedUp(consumedAt: number | undefined): boolean {
    if (consumedAt === undefined) return false
    return model !== 'RefreshToken' || settings.nowSeconds() - consumedAt > settings.reuseGraceSeconds
  }
}

/** Begins the name of every issued JWT; oidc-provider's own identifiers have no colon. */
const issuedPrefix = 'issued:'

/**
 * The name under which an issued JWT is kept. oidc-provider refuses to introspect and revoke JWTs, and knows none of
 * them; under this name it meets them as it meets opaque tokens.
 */
export function issuedTokenName(token: string): string {
  return `${issuedPrefix}${createHash('sha256').update(token).digest('base64url')}`
}

/** Turns the `token` of an introspection or revocation request into the name to look for. */
export function presentedTokenName(token: string): string {
  // A JWT has dots, an opaque token has none. A name itself is no credential: nobody may present one.
  if (token.includes('.') || token.startsWith(issuedPrefix)) return issuedTokenName(token)
  return token
}

/** Remembers a JWT access token, so that it can be introspected and revoked until it expires. */
export function rememberAccessToken(store: Store, token: string, grantId: string | undefined): void {
  const claims = decodeClaims(token)
  const { jti, iat, exp, sub, client_id: clientId, aud, scope } = claims
  if (typeof jti !== 'string' || typeof exp !== 'number') return
  const cnf = claims['cnf']
  const jkt = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? cnf.jkt : undefined
  const payload = { kind: 'AccessToken', jti, iat, exp, accountId: sub, clientId, aud, scope, grantId, jkt }
  store.put({
    model: 'AccessToken',
    id: jti,
    payload: JSON.stringify(payload),
    grantId,
    lookup: issuedTokenName(token),
    expiresAt: exp,
  })
}

/** Reads what we ourselves have just signed; proves nothing about anybody else's token. */
function decodeClaims(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.')
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return typeof claims === 'object' && claims !== null ? { ...claims } : {}
}

function createClientAdapter(store: Store): Adapter {
  const none = async (): Promise<undefined> => undefined
  return {
    async upsert(id, metadata) {
      if (store.putClient(id, JSON.stringify(metadata))) return
      const full = new errors.CustomOIDCProviderError(
        'temporarily_unavailable',
        'too many clients have registered in the last minutes; try again later',
      )
      throw Object.assign(full, { status: 503, statusCode: 503 })
    },
    async find(id) {
      const metadata = store.findClient(id)
      return metadata === undefined ? undefined : parsePayload(metadata)
    },
    async destroy(id) {
      store.removeClient(id)
    },
    findByUid: none,
    findByUserCode: none,
    consume: none,
    revokeByGrantId: none,
  }
}

function parsePayload(text: string): AdapterPayload {
  // Written by upsert or rememberAccessToken above, from a payload; nobody else writes to the store.
  return JSON.parse(text) as AdapterPayload
}
