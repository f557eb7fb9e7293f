import type { Granted } from '../decision.ts'
import type { Identity } from '../identity/identity.ts'

/** A caller as the official SDK tells its handlers of one, in its versions 1.x and 2.x. */
export interface AuthInfo {
  /** Never the access token: its id ({@link Identity.tokenId}), which opens nothing anywhere. */
  token: string
  clientId: string
  /** What the token has here, implied scopes included, so that checks of the SDK's own agree with the rules. */
  scopes: string[]
  /** Epoch seconds. */
  expiresAt: number
  resource: URL
  /** Where the metadata stands. */
  resourceMetadataUrl: string
  extra: { readonly identity: Identity; readonly decision: string } & Record<string, unknown>
}

/** Which of these objects were made here, for a request that was granted. */
const genuine = new WeakMap<object, Identity>()

export function createAuthInfo(
  { identity, id }: Granted,
  scopes: ReadonlySet<string>,
  resource: string,
  metadataUrl: string,
): AuthInfo {
  const info: AuthInfo = {
    token: identity.tokenId,
    clientId: identity.clientId,
    scopes: [...scopes],
    expiresAt: identity.expiresAt,
    resource: new URL(resource),
    resourceMetadataUrl: metadataUrl,
    extra: { identity, decision: id },
  }
  genuine.set(info, identity)
  return info
}

/**
 * The caller behind the SDK's auth info, for tools that look further than the rules do.
 *
 * @throws {Error} when no guard of this package has granted the request: whoever forgot to mount it lets nobody in
 */
export function identityOf(authInfo: object | undefined): Identity {
  const identity = authInfo === undefined ? undefined : genuine.get(authInfo)
  if (identity === undefined) {
    throw new Error('No guard has let this request in. Serve the handler through protect() of an adapter.')
  }
  return identity
}
