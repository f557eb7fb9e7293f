import type { ScopeDefinition } from './rule.ts'

/** Adds to granted scopes those that they imply. Gives the same set back when nothing is implied. */
export type ExpandScopes = (granted: ReadonlySet<string>) => ReadonlySet<string>

/**
 * Compiles the hierarchy of scopes.
 *
 * Only what is written implies anything: no prefixes, no wildcards (requirement E7). A cycle and an unknown name are
 * problems.
 */
export function compileScopeHierarchy(
  scopes: Readonly<Record<string, ScopeDefinition>>,
  problems: string[],
): ExpandScopes {
  const implied = new Map<string, readonly string[]>()
  for (const [name, { implies = [] }] of Object.entries(scopes)) {
    for (const target of implies) {
      if (!Object.hasOwn(scopes, target)) {
        problems.push(
          `scopes["${name}"].implies: "${target}" is not among the scopes. Add it, or correct the name.`,
        )
      }
    }
    if (implies.length > 0) implied.set(name, [...implies])
  }
  for (const name of implied.keys()) {
    if (closure([name], implied).passes(name)) {
      problems.push(`scopes["${name}"].implies: the scope implies itself. Remove one step of the cycle.`)
    }
  }
  if (implied.size === 0) return (granted) => granted
  return (granted) => closure(granted, implied).scopes
}

function closure(
  start: Iterable<string>,
  implied: ReadonlyMap<string, readonly string[]>,
): { readonly scopes: ReadonlySet<string>; readonly passes: (name: string) => boolean } {
  const scopes = new Set(start)
  const reached = new Set<string>()
  // A set may grow while it is walked; each member is visited once.
  for (const scope of scopes) {
    for (const target of implied.get(scope) ?? []) {
      reached.add(target)
      scopes.add(target)
    }
  }
  return { scopes, passes: (name) => reached.has(name) }
}
