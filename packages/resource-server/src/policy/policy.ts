import type { Item, Message } from '../action.ts'
import type { Identity } from '../identity/identity.ts'
import { meetsAuthentication } from './authentication.ts'
import { compileRules } from './compile-rule.ts'
import { createExplainer, type Explain } from './explain.ts'
import { createRuleFinder } from './find-rule.ts'
import { contextOf, judgeScopes, neededScopes, unmetCondition, unmetMembership } from './requirements.ts'
import type { AuthenticationRequirement, CompiledRule, Rule, ScopeDefinition } from './rule.ts'
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
  /** The user must log in once more, in the way that the rule asks for; `scopes` as above. */
  | {
      readonly outcome: 'authenticate'
      readonly rule: CompiledRule
      readonly scopes: readonly string[]
      readonly authentication: AuthenticationRequirement
      readonly unmet: string
    }
  | { readonly outcome: 'refuse'; readonly rule: CompiledRule; readonly unmet: string }
  | { readonly outcome: 'hide'; readonly rule: CompiledRule | undefined; readonly unmet: string }

export interface Policy {
  /** Judges one message of a proven caller. Pure, and never throws. */
  readonly decide: (identity: Identity, message: Message) => Verdict
  /** Whether this caller may be told of the item without asking for it: as reading it would be judged. */
  readonly allows: (identity: Identity, item: Item) => boolean
  /** Whether a list shows the item to this caller: everything that a call would not hide. */
  readonly shows: (identity: Identity, item: Item) => boolean
  /** The scopes of a token with those that they imply here. The same set each time for one identity. */
  readonly scopesOf: (identity: Pick<Identity, 'scopes'>) => ReadonlySet<string>
  readonly explain: Explain
}

export interface PolicyOptions {
  readonly scopes: Readonly<Record<string, ScopeDefinition>>
  readonly rules: readonly Rule[]
  /** Epoch seconds, for how long ago a user has logged in. Default: the machine's clock. */
  readonly nowSeconds?: () => number
}

const allowed: Verdict = { outcome: 'allow', rule: undefined, scopes: [] }
const unnamed: Verdict = { outcome: 'hide', rule: undefined, unmet: 'no rule names it' }

/**
 * Compiles the rules.
 *
 * Requirements other than scopes are judged first, because no login can mend them; then scopes.
 * Messages that name no item (the protocol's own methods and the lists) need only a valid token.
 *
 * @param problems - receives every mistake found; the result must not be used when there is one
 */
export function compilePolicy(options: PolicyOptions, problems: string[]): Policy {
  const { nowSeconds = () => Date.now() / 1000 } = options
  const expand = compileScopeHierarchy(options.scopes, problems)
  const rules = compileRules(options.rules, options.scopes, problems)
  const find = createRuleFinder(rules)
  const scopeNames = new Set(Object.keys(options.scopes))
  const isScope = (name: string): boolean => scopeNames.has(name)
  const effective = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>()

  function scopesOf({ scopes: granted }: Pick<Identity, 'scopes'>): ReadonlySet<string> {
    let scopes = effective.get(granted)
    if (scopes === undefined) effective.set(granted, (scopes = expand(granted)))
    return scopes
  }

  function decide(identity: Identity, message: Message): Verdict {
    if (message.subscribes !== undefined) return decideSubscription(identity, message, message.subscribes)
    if (message.item === undefined) return allowed
    return decideItem(identity, message, message.item)
  }

  function decideItem(identity: Identity, message: Message, item: Item): Verdict {
    const rule = find(item)?.rule
    if (rule === undefined) return unnamed
    const outcome = rule.otherwise ?? 'refuse'
    const strange = unmetMembership(rule, identity)
    if (strange !== undefined) return { outcome, rule, unmet: strange }

    let needed = rule.require?.scopes ?? []
    if (rule.when !== undefined || rule.require?.scopesFor !== undefined) {
      const context = contextOf(identity, message)
      const unmet = unmetCondition(rule, context)
      if (unmet !== undefined) return { outcome, rule, unmet }
      const told = neededScopes(rule, context, isScope)
      if (!told.ok) return { outcome, rule, unmet: told.unmet }
      needed = told.scopes
    }
    const { scopes, missing } = judgeScopes(rule, needed, scopesOf(identity))
    const { authentication } = rule.require ?? {}
    // Before scopes, and with them in its challenge, so that one login can mend both.
    if (authentication !== undefined && !meetsAuthentication(identity, authentication, nowSeconds())) {
      return { outcome: 'authenticate', rule, scopes, authentication, unmet: 'authentication' }
    }
    return missing.length === 0
      ? { outcome: 'allow', rule, scopes }
      : { outcome: 'challenge', rule, scopes, missing }
  }

  /**
   * One challenge for all that is named. What is refused or hidden does not stop the rest: whoever runs the
   * subscription leaves it out ({@link Policy.allows}), as it leaves out what does not exist.
   */
  function decideSubscription(identity: Identity, message: Message, items: readonly Item[]): Verdict {
    const verdicts = items.map((item) => decideItem(identity, message, item))
    const weak = verdicts.find((verdict) => verdict.outcome === 'authenticate')
    if (weak !== undefined) return weak
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
      const rule = find(item)?.rule
      if (rule === undefined) return false
      // A condition looks at arguments, which a list does not have: it cannot hide the item from the list.
      return rule.otherwise !== 'hide' || unmetMembership(rule, identity) === undefined
    },
    scopesOf,
    explain: createExplainer({ find, scopesOf, isScope, nowSeconds }),
  }
}

const reads = { tool: 'tools/call', resource: 'resources/read', prompt: 'prompts/get' } as const

/** What a condition sees where nobody asked: the item by its name, without arguments. */
function readOf(item: Item): Message {
  const { kind, name } = item
  const params = kind === 'resource' ? { uri: name } : { name }
  return { kind: 'request', id: 0, method: reads[kind], params, item, subscribes: undefined }
}
