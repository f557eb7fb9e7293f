/**
 * Whether a token's `aud` names this resource.
 *
 * Compares code point by code point: a prefix, a parent, another case or another port is another resource.
 *
 * @see RFC 9068 §4, RFC 7519 §4.1.3
 */
export function audienceMatches(audience: unknown, accepted: ReadonlySet<string>): boolean {
  if (typeof audience === 'string') return accepted.has(audience)
  if (!Array.isArray(audience) || audience.length === 0) return false
  return audience.every((entry) => typeof entry === 'string') && audience.some((entry) => accepted.has(entry))
}

/**
 * The spellings of a resource identifier that are accepted as audience.
 *
 * The identifier itself, the configured aliases, and for a resource without a path also the form with the
 * root slash, which URL parsers add (requirement C16).
 */
export function acceptedAudiences(resource: string, aliases: readonly string[]): ReadonlySet<string> {
  const accepted = new Set([resource, ...aliases])
  const url = new URL(resource)
  if (url.pathname === '/' && url.search === '') accepted.add(url.origin).add(`${url.origin}/`)
  return accepted
}
