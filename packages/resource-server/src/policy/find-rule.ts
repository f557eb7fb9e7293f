import type { Item } from '../action.ts'
import { nameMatches } from './name-pattern.ts'
import type { CompiledRule } from './rule.ts'

/** A rule, and the name or pattern of it that names the item. */
export interface FoundRule {
  readonly rule: CompiledRule
  readonly selector: string
}

export type FindRule = (item: Item) => FoundRule | undefined

const selectors = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const

/** Builds what finds the first rule that names an item. */
export function createRuleFinder(rules: readonly CompiledRule[]): FindRule {
  const find = {
    tool: createKindFinder(rules, 'tool'),
    resource: createKindFinder(rules, 'resource'),
    prompt: createKindFinder(rules, 'prompt'),
  }
  return ({ kind, name }) => find[kind](name)
}

/** Exact names are looked up; only what has none is tried against the patterns. Earlier rules win either way. */
function createKindFinder(
  rules: readonly CompiledRule[],
  kind: Item['kind'],
): (name: string) => FoundRule | undefined {
  const patterns: { readonly found: FoundRule; readonly place: number }[] = []
  const exact = new Map<string, { readonly found: FoundRule; readonly place: number }>()
  for (const [place, rule] of rules.entries()) {
    for (const selector of rule[selectors[kind]] ?? []) {
      const found = { rule, selector }
      if (selector.includes('*')) patterns.push({ found, place })
      else if (!exact.has(selector)) exact.set(selector, { found, place })
    }
  }
  return (name) => {
    const named = exact.get(name)
    for (const { found, place } of patterns) {
      if (named !== undefined && named.place <= place) break
      if (nameMatches(found.selector, name)) return found
    }
    return named?.found
  }
}
