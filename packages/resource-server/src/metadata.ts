/** The protected resource metadata document, with the member names of RFC 9728 §2. */
export interface ProtectedResourceMetadataDocument {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly dpop_bound_access_tokens_required?: true
  readonly resource_name?: string
  readonly resource_documentation?: string
}

/** The document, and every path at which it is served. */
export interface ProtectedResourceMetadata {
  readonly document: ProtectedResourceMetadataDocument
  /** The path-inserted address of RFC 9728 §3.1; what challenges point to. */
  readonly url: string
  /**
   * Paths on the resource's own origin: path-inserted, the root (for clients that try only that), and appended.
   * Each is also to be served with a final slash.
   */
  readonly paths: readonly string[]
}

export interface MetadataOptions {
  readonly resource: string
  readonly authorizationServers: readonly string[]
  readonly scopes: readonly string[]
  /** `undefined` when proofs of possession are not taken. */
  readonly dpop: { readonly algorithms: readonly string[]; readonly required: boolean } | undefined
  readonly resourceName: string | undefined
  readonly documentation: string | undefined
}

const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * Builds the metadata. Everything in it comes from configuration; nothing from a request.
 *
 * Members without a value are left out (RFC 9728 §3.2), and so is `offline_access`, which is the issuer's matter.
 */
export function createMetadata(options: MetadataOptions): ProtectedResourceMetadata {
  const url = new URL(options.resource)
  const path = url.pathname === '/' ? '' : url.pathname
  const scopes = options.scopes.filter((scope) => scope !== 'offline_access')
  return {
    document: {
      resource: options.resource,
      authorization_servers: options.authorizationServers,
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
      ...(options.dpop !== undefined && { dpop_signing_alg_values_supported: options.dpop.algorithms }),
      ...(options.dpop?.required === true && { dpop_bound_access_tokens_required: true as const }),
      ...(options.resourceName !== undefined && { resource_name: options.resourceName }),
      ...(options.documentation !== undefined && { resource_documentation: options.documentation }),
    },
    url: `${url.origin}${wellKnown}${path}`,
    paths: [...new Set([`${wellKnown}${path}`, wellKnown, `${path}${wellKnown}`])],
  }
}
