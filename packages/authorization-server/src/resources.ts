/** A protected resource that tokens are issued for. */
export interface ProtectedResource {
  /** The identifier; the `aud` of its tokens, byte for byte. */
  readonly resource: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly defaultScopes: readonly string[]
  /** Scope → a sentence for the person who is asked to allow it. */
  readonly scopeDescriptions: Readonly<Record<string, string>>
}

/** The protected resources of this authorization server. */
export interface Resources {
  readonly all: readonly ProtectedResource[]
  /** The one to use when a request names none: there must be exactly one (RFC 8707 §2 leaves it to us). */
  readonly byDefault: ProtectedResource | undefined
  /** Finds by the identifier, byte for byte. */
  find(identifier: string): ProtectedResource | undefined
  /**
   * The registered spelling of an identifier; an unknown identifier stays as it is.
   *
   * Only the root of an origin has two spellings, with and without the slash: URL parsers add it (RFC 3986 §6.2.3).
   */
  canonical(identifier: string): string
}

export function createResources(all: readonly ProtectedResource[]): Resources {
  const byIdentifier = new Map(all.map((resource) => [resource.resource, resource]))
  return {
    all,
    byDefault: all.length === 1 ? all[0] : undefined,
    find: (identifier) => byIdentifier.get(identifier),
    canonical(identifier) {
      if (byIdentifier.has(identifier)) return identifier
      const other = otherRootSpelling(identifier)
      return other !== undefined && byIdentifier.has(other) ? other : identifier
    },
  }
}

function otherRootSpelling(identifier: string): string | undefined {
  if (!URL.canParse(identifier)) return undefined
  const { origin } = new URL(identifier)
  if (identifier === origin) return `${origin}/`
  return identifier === `${origin}/` ? origin : undefined
}

/** Scopes that belong to no resource; a client that asks for these alone has not said what it wants to do. */
const openIdScopes: ReadonlySet<string> = new Set([
  'openid',
  'offline_access',
  'profile',
  'email',
  'address',
  'phone',
])

export type CompletedScope =
  | { readonly ok: true; readonly scope: string }
  | { readonly ok: false; readonly unknown: readonly string[] }

/**
 * What a request for `scope` asks for, at these resources.
 *
 * Unknown scopes are dropped beside known ones. When no scope of a resource is named (none at all, an empty parameter,
 * OpenID scopes only), its default scopes are added (RFC 6749 §3.3). When every named scope is unknown, the request is
 * wrong: a client that asked for something else must not be given the defaults in its place.
 */
export function completeScope(
  scope: string | undefined,
  resources: readonly ProtectedResource[],
): CompletedScope {
  const asked = (scope ?? '').split(' ').filter((name) => name !== '')
  const known = new Set(resources.flatMap((resource) => resource.scopes))
  const ofResources = asked.filter((name) => known.has(name))
  const unknown = asked.filter((name) => !known.has(name) && !openIdScopes.has(name))
  if (ofResources.length === 0 && unknown.length > 0) return { ok: false, unknown }

  const openId = asked.filter((name) => name === 'openid' || name === 'offline_access')
  const granted =
    ofResources.length > 0 ? ofResources : resources.flatMap((resource) => resource.defaultScopes)
  return { ok: true, scope: [...new Set([...openId, ...granted])].join(' ') }
}
