import type { Item, Message } from '../action.ts'
import type { Identity } from '../identity/identity.ts'
import { checkRate } from '../limits.ts'
import { nameMatches } from './name-pattern.ts'
import { ruleKinds, type Rule, type ScopeDefinition } from './rule.ts'
import { compileScopeHierarchy } from './scope-hierarchy.ts'

/** What the policy says of one message. */
export type Verdict =
  /** `scopes` are those that the operation needed. */
  | { readonly outcome: 'allow'; readonly rule: CompiledRule | undefined; readonly scopes: readonly string[] }
  /** Only scopes are missing: `scopes` are all that the operation needs, held ones included. */
  | {
      readonly outcome: 'challenge'
      readonly rule: CompiledRule
      readonly scopes: readonly string[]
      readonly missing: readonly string[]
    }
  | { readonly outcome: 'refuse'; readonly rule: CompiledRule; readonly unmet: string }
  | { readonly outcome: 'hide'; readonly rule: CompiledRule | undefined; readonly unmet: string }

export interface CompiledRule extends Rule {
  readonly id: string
}

export interface Policy {
  /** Judges one message of a proven caller. Pure, and never throws. */
  readonly decide: (identity: Identity, message: Message) => Verdict
  /** Whether this caller may be told of the item without asking for it: as reading it would be judged. */
  readonly allows: (identity: Identity, item: Item) => boolean
  /** Whether a list shows the item to this caller: everything that a call would not hide. */
  readonly shows: (identity: Identity, item: Item) => boolean
}

export interface PolicyOptions {
  readonly scopes: Readonly<Record<string, ScopeDefinition>>
  readonly rules: readonly Rule[]
}

const allowed: Verdict = { outcome: 'allow', rule: undefined, scopes: [] }
const unnamed: Verdict = { outcome: 'hide', rule: undefined, unmet: 'no rule names it' }
const selectors = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const

/**
 * Compiles the rules.
 *
 * Requirements other than scopes are judged first, because no login can mend them; then scopes.
 * Messages that name no item (the protocol's own methods and the lists) need only a valid token.
 *
 * @param problems - receives every mistake found; the result must not be used when there is one
 */
export function compilePolicy(options: PolicyOptions, problems: string[]): Policy {
  const expand = compileScopeHierarchy(options.scopes, problems)
  const rules = options.rules.map((rule, index) => compileRule(rule, index, options.scopes, problems))
  checkIds(rules, problems)
  const effective = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>()

  const find = {
    tool: createFinder(rules, 'tool'),
    resource: createFinder(rules, 'resource'),
    prompt: createFinder(rules, 'prompt'),
  }

  function scopesOf(identity: Identity): ReadonlySet<string> {
    let scopes = effective.get(identity.scopes)
    if (scopes === undefined) effective.set(identity.scopes, (scopes = expand(identity.scopes)))
    return scopes
  }

  function decide(identity: Identity, message: Message): Verdict {
    if (message.subscribes !== undefined) return decideSubscription(identity, message, message.subscribes)
    if (message.item === undefined) return allowed
    return decideItem(identity, message, message.item)
  }

  function decideItem(identity: Identity, message: Message, item: Item): Verdict {
    const rule = find[item.kind](item.name)
    if (rule === undefined) return unnamed
    const unmet = unmetRequirement(rule, identity, message)
    if (unmet !== undefined) return { outcome: rule.otherwise ?? 'refuse', rule, unmet }
    return judgeScopes(rule, scopesOf(identity))
  }

  /**
   * One challenge for all that is named. What is refused or hidden does not stop the rest: whoever runs the
   * subscription leaves it out ({@link Policy.allows}), as it leaves out what does not exist.
   */
  function decideSubscription(identity: Identity, message: Message, items: readonly Item[]): Verdict {
    const verdicts = items.map((item) => decideItem(identity, message, item))
    const challenged = verdicts.find((verdict) => verdict.outcome === 'challenge')
    if (challenged === undefined) return allowed
    const scopes = verdicts.flatMap((verdict) => ('scopes' in verdict ? verdict.scopes : []))
    const missing = verdicts.flatMap((verdict) => ('missing' in verdict ? verdict.missing : []))
    return { ...challenged, scopes: [...new Set(scopes)], missing: [...new Set(missing)] }
  }

  return {
    decide,
    allows: (identity, item) => decideItem(identity, readOf(item), item).outcome === 'allow',
    shows: (identity, item) => {
      const rule = find[item.kind](item.name)
      if (rule === undefined) return false
      // A condition looks at arguments, which a list does not have: it cannot hide the item from the list.
      return rule.otherwise !== 'hide' || unmetMembership(rule, identity) === undefined
    },
  }
}

const reads = { tool: 'tools/call', resource: 'resources/read', prompt: 'prompts/get' } as const

/** What a condition sees where nobody asked: the item by its name, without arguments. */
function readOf(item: Item): Message {
  const { kind, name } = item
  const params = kind === 'resource' ? { uri: name } : { name }
  return { kind: 'request', id: 0, method: reads[kind], params, item, subscribes: undefined }
}

function judgeScopes(rule: CompiledRule, held: ReadonlySet<string>): Verdict {
  const { scopes = [], anyScope = [] } = rule.require ?? {}
  if (anyScope.length === 0 && scopes.every((scope) => held.has(scope)))
    return { outcome: 'allow', rule, scopes }
  // The alternative that is held, so that whoever asks for just the challenge's scopes does not lose it.
  const alternative = anyScope.find((scope) => held.has(scope)) ?? anyScope[0]
  const needed = [...new Set(alternative === undefined ? scopes : [...scopes, alternative])]
  const missing = needed.filter((scope) => !held.has(scope))
  return missing.length === 0
    ? { outcome: 'allow', rule, scopes: needed }
    : { outcome: 'challenge', rule, scopes: needed, missing }
}

function unmetRequirement(rule: CompiledRule, identity: Identity, message: Message): string | undefined {
  const unmet = unmetMembership(rule, identity)
  if (unmet !== undefined || rule.when === undefined) return unmet
  try {
    const args = message.params['arguments']
    const given = typeof args === 'object' && args !== null ? args : {}
    // An object, so its members are unknown values by name.
    const context = { identity, message, arguments: given as Record<string, unknown> }
    // A function from plain JavaScript may return anything; only true allows.
    const verdict: unknown = rule.when(context)
    return verdict === true ? undefined : 'when'
  } catch {
    return 'when (it failed)'
  }
}

function unmetMembership(rule: CompiledRule, identity: Identity): string | undefined {
  const { anyRole, anyGroup, anyClient } = rule.require ?? {}
  if (anyRole?.some((role) => identity.roles.has(role)) === false) return 'anyRole'
  if (anyGroup?.some((group) => identity.groups.has(group)) === false) return 'anyGroup'
  if (anyClient?.includes(identity.clientId) === false) return 'anyClient'
  return undefined
}

/** Exact names are looked up; only what has none is tried against the patterns. Earlier rules win either way. */
function createFinder(
  rules: readonly CompiledRule[],
  kind: Item['kind'],
): (name: string) => CompiledRule | undefined {
  const patterns: { readonly pattern: string; readonly rule: CompiledRule; readonly place: number }[] = []
  const exact = new Map<string, { readonly rule: CompiledRule; readonly place: number }>()
  for (const [place, rule] of rules.entries()) {
    for (const name of rule[selectors[kind]] ?? []) {
      if (name.includes('*')) patterns.push({ pattern: name, rule, place })
      else if (!exact.has(name)) exact.set(name, { rule, place })
    }
  }
  return (name) => {
    const named = exact.get(name)
    for (const { pattern, rule, place } of patterns) {
      if (named !== undefined && named.place <= place) break
      if (nameMatches(pattern, name)) return rule
    }
    return named?.rule
  }
}

function compileRule(
  rule: Rule,
  index: number,
  scopes: Readonly<Record<string, ScopeDefinition>>,
  problems: string[],
): CompiledRule {
  const place = `rules[${index}]`
  const names = [...(rule.tools ?? []), ...(rule.resources ?? []), ...(rule.prompts ?? [])]
  if (names.length === 0) problems.push(`${place}: names nothing. Give it tools, resources or prompts.`)
  for (const scope of [...(rule.require?.scopes ?? []), ...(rule.require?.anyScope ?? [])]) {
    if (!Object.hasOwn(scopes, scope)) {
      problems.push(
        `${place}.require: scope "${scope}" is not among the scopes. Add it, or correct the name.`,
      )
    }
  }
  for (const list of ['anyScope', 'anyRole', 'anyGroup', 'anyClient'] as const) {
    if (rule.require?.[list]?.length === 0) {
      problems.push(`${place}.require.${list}: is empty, which nobody can meet. Name one, or remove it.`)
    }
  }
  if (rule.limit !== undefined) checkRate(`${place}.limit`, rule.limit, problems)
  return { ...structuredCloneRule(rule), id: rule.id ?? place }
}

/** A rule is found again by its id: by its limit, and by whoever reads the records. */
function checkIds(rules: readonly CompiledRule[], problems: string[]): void {
  const places = new Map<string, number>()
  for (const [place, { id }] of rules.entries()) {
    const earlier = places.get(id)
    if (id === '') problems.push(`rules[${place}].id: is empty. Give it a name, or remove it.`)
    if (earlier !== undefined) {
      problems.push(`rules[${place}].id: "${id}" is also the id of rules[${earlier}]. Give each its own.`)
    }
    places.set(id, place)
  }
}

/** A copy that later changes to the options cannot reach. */
function structuredCloneRule(rule: Rule): Rule {
  const { when, ...data } = rule
  // An unknown option has been said already; its value could be something that cannot be copied.
  const known = Object.entries(data).filter(([name]) => Object.hasOwn(ruleKinds, name))
  return { ...structuredClone(Object.fromEntries(known)), ...(when !== undefined && { when }) }
}
