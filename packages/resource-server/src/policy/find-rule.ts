import type { Item } from '../action.ts'
import { parseUriTemplate } from '../uri-template.ts'
import { nameMatches } from './name-pattern.ts'
import type { CompiledRule } from './rule.ts'

/** A rule, and the name or pattern of it that names the item. */
export interface FoundRule {
  readonly rule: CompiledRule
  readonly selector: string
}

export type FindRule = (item: Item) => FoundRule | undefined

const selectors = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const

/** Builds what finds the first rule that names an item. A rule that hides what it names is as good as none. */
export function createRuleFinder(rules: readonly CompiledRule[]): FindRule {
  const find = {
    tool: createKindFinder(rules, 'tool'),
    resource: createKindFinder(rules, 'resource'),
    prompt: createKindFinder(rules, 'prompt'),
  }
  return ({ kind, name }) => {
    const found = find[kind](name)
    return found?.rule.hidden === true ? undefined : found
  }
}

/** Exact names are looked up; only what has none is tried against the patterns. Earlier rules win either way. */
function createKindFinder(
  rules: readonly CompiledRule[],
  kind: Item['kind'],
): (name: string) => FoundRule | undefined {
  const patterns: { readonly found: FoundRule; readonly place: number; readonly judge: Judge }[] = []
  const exact = new Map<string, { readonly found: FoundRule; readonly place: number }>()
  for (const [place, rule] of rules.entries()) {
    for (const selector of rule[selectors[kind]] ?? []) {
      const found = { rule, selector }
      const judge = judgeOf(kind, selector)
      if (judge !== undefined) patterns.push({ found, place, judge })
      // A template is also the name of itself, in lists and completions.
      if (!selector.includes('*') && !exact.has(selector)) exact.set(selector, { found, place })
    }
  }
  return (name) => {
    const named = exact.get(name)
    for (const { found, place, judge } of patterns) {
      if (named !== undefined && named.place <= place) break
      const verdict = judge(name)
      if (verdict === 'named') return found
      // Or another spelling of what this rule names would be judged by a later one.
      if (verdict === 'misspelt') return undefined
    }
    return named?.found
  }
}

/** What a pattern says of a name; `undefined` for nothing. */
type Judge = (name: string) => 'named' | 'misspelt' | undefined

/** What a pattern names; `undefined` for an exact name. */
function judgeOf(kind: Item['kind'], selector: string): Judge | undefined {
  if (selector.includes('*')) return (name) => (nameMatches(selector, name) ? 'named' : undefined)
  if (kind !== 'resource' || !selector.includes('{')) return undefined
  const template = parseUriTemplate(selector)
  // What cannot be parsed was a problem when the rules were read; it names nothing.
  if (typeof template === 'string') return () => undefined
  return (name) => {
    if (template.match(name) !== undefined) return 'named'
    return template.resembles(name) ? 'misspelt' : undefined
  }
}
