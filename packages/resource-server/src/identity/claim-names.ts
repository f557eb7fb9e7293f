/**
 * Where a claim stands: its exact name, or a JSON Pointer to it, which begins with a slash.
 *
 * A pointer, because names with dots and slashes in them are common (`https://example.com/roles`), and so are roles
 * further down (`/realm_access/roles`).
 *
 * @see RFC 6901
 */
export type ClaimPlace = string

const pointer = /^(?:\/(?:[^~/]|~[01])*)+$/

/** Adds to `problems` the places that are none. */
export function checkClaimPlaces(
  name: string,
  places: readonly ClaimPlace[] | undefined,
  problems: string[],
): void {
  for (const place of places ?? []) {
    if (place === '' || (place.startsWith('/') && !pointer.test(place))) {
      problems.push(
        `${name}: "${place}" is no place of a claim. Write its name, or a JSON Pointer such as /realm_access/roles.`,
      )
    }
  }
}

/** The value at a place; `undefined` where there is none. Only a claim's own members are looked at. */
export function claimAt(claims: Readonly<Record<string, unknown>>, place: ClaimPlace): unknown {
  if (!place.startsWith('/')) return Object.hasOwn(claims, place) ? claims[place] : undefined
  let value: unknown = claims
  for (const step of place.slice(1).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name] // Object.hasOwn has seen that it is there.
  }
  return value
}

/** The names in lists of strings, or of objects with a `name`; whatever else stands there names nothing. */
export function namesIn(
  claims: Readonly<Record<string, unknown>>,
  places: readonly ClaimPlace[],
): ReadonlySet<string> {
  const found = new Set<string>()
  for (const place of places) {
    const value = claimAt(claims, place)
    if (!Array.isArray(value)) continue
    for (const entry of value as readonly unknown[]) {
      if (typeof entry === 'string') found.add(entry)
      else if (
        typeof entry === 'object' &&
        entry !== null &&
        'name' in entry &&
        typeof entry.name === 'string'
      ) {
        found.add(entry.name)
      }
    }
  }
  return found
}
