import type { Action, Item, Message } from '../action.ts'
import type { Identity, IdentityFacts } from '../identity/identity.ts'
import type { FindRule } from './find-rule.ts'
import { meetsAuthentication } from './authentication.ts'
import { contextOf, neededScopes, unmetCondition } from './requirements.ts'
import type { CompiledRule, Requirements } from './rule.ts'

/** One requirement of a rule, and how a caller stands to it. */
export interface Check {
  readonly requirement:
    | 'anyRole'
    | 'anyGroup'
    | 'anyClient'
    | 'when'
    | 'scopesFor'
    | 'authentication'
    | 'scopes'
    | 'anyScope'
  readonly met: boolean
  /** The names that it asks for; empty for functions and times, and for `authentication` its `acrValues`. For `scopes`, with those that `scopesFor` named. */
  readonly wanted: readonly string[]
  /** Those of them that the caller has, implied scopes included. */
  readonly held: readonly string[]
  /** What a function of the rule did wrong. */
  readonly detail?: string
}

/** Why the policy says what it says of one item. */
export interface Explanation {
  readonly outcome: 'allow' | 'challenge' | 'refuse' | 'hide'
  readonly method: string
  /** `undefined` for what names no item, which needs only a valid token. */
  readonly item: Item | undefined
  /** The id of the first rule that names the item; `undefined` when none does. */
  readonly rule: string | undefined
  /** The name or pattern by which the rule names it. */
  readonly selector: string | undefined
  /** Every requirement of the rule, in the order in which they are judged; the first that is unmet decides. */
  readonly checks: readonly Check[]
  /**
   * What the caller would have to get, as requirements; `undefined` when allowed, or when nothing that a caller can
   * get would help: no rule names the item, or a function of the rule says no to these arguments.
   */
  readonly unlock: Requirements | undefined
}

/**
 * Explains every item of an action, each resource of a subscription for itself. Decides nothing: the caller may be
 * made up.
 */
export type Explain = (caller: IdentityFacts, action: Action) => readonly Explanation[]

export interface ExplainParts {
  readonly find: FindRule
  readonly scopesOf: (caller: Pick<Identity, 'scopes'>) => ReadonlySet<string>
  readonly isScope: (name: string) => boolean
  readonly nowSeconds: () => number
}

export function createExplainer(parts: ExplainParts): Explain {
  return (caller, { messages }) =>
    messages.flatMap((message) =>
      (message.subscribes ?? [message.item]).map((item) => explainItem(caller, message, item, parts)),
    )
}

function explainItem(
  caller: IdentityFacts,
  message: Message,
  item: Item | undefined,
  parts: ExplainParts,
): Explanation {
  const { method } = message
  const bare = { method, item, rule: undefined, selector: undefined, checks: [], unlock: undefined }
  if (item === undefined) return { ...bare, outcome: 'allow' }
  const found = parts.find(item)
  if (found === undefined) return { ...bare, outcome: 'hide' }
  const { rule, selector } = found
  const checks = checkAll(rule, caller, message, parts)
  return {
    outcome: outcomeOf(rule, checks),
    method,
    item,
    rule: rule.id,
    selector,
    checks,
    unlock: unlockOf(rule, checks),
  }
}

function checkAll(
  rule: CompiledRule,
  caller: IdentityFacts,
  message: Message,
  { scopesOf, isScope, nowSeconds }: ExplainParts,
): readonly Check[] {
  const { anyRole, anyGroup, anyClient, scopesFor, authentication, anyScope } = rule.require ?? {}
  const scopes = scopesOf(caller)
  const checks: Check[] = []
  const any = (
    requirement: Check['requirement'],
    wanted: readonly string[] | undefined,
    has: (name: string) => boolean,
  ): void => {
    if (wanted === undefined) return
    const held = wanted.filter(has)
    checks.push({ requirement, met: held.length > 0, wanted, held })
  }
  any('anyRole', anyRole, (role) => caller.roles.has(role))
  any('anyGroup', anyGroup, (group) => caller.groups.has(group))
  any('anyClient', anyClient, (client) => client === caller.clientId)

  // Conditions are told facts; nothing runs on the strength of an explanation, so these need no proof.
  const context = contextOf(caller as Identity, message)
  if (rule.when !== undefined) checks.push(checkOf('when', unmetCondition(rule, context)))
  const needed = neededScopes(rule, context, isScope)
  if (scopesFor !== undefined) checks.push(checkOf('scopesFor', needed.ok ? undefined : needed.unmet))
  if (authentication !== undefined) {
    const met = meetsAuthentication(caller, authentication, nowSeconds())
    checks.push({ requirement: 'authentication', met, wanted: authentication.acrValues ?? [], held: [] })
  }
  const wanted = needed.ok ? needed.scopes : (rule.require?.scopes ?? [])
  if (wanted.length > 0) {
    const held = wanted.filter((scope) => scopes.has(scope))
    checks.push({ requirement: 'scopes', met: held.length === wanted.length, wanted, held })
  }
  any('anyScope', anyScope, (scope) => scopes.has(scope))
  return checks
}

function checkOf(requirement: 'when' | 'scopesFor', unmet: string | undefined): Check {
  const detail = unmet === undefined || unmet === requirement ? {} : { detail: unmet }
  return { requirement, met: unmet === undefined, wanted: [], held: [], ...detail }
}

/** What a login can mend. */
const challenged: ReadonlySet<Check['requirement']> = new Set(['authentication', 'scopes', 'anyScope'])

function outcomeOf(rule: CompiledRule, checks: readonly Check[]): Explanation['outcome'] {
  const first = checks.find(({ met }) => !met)
  if (first === undefined) return 'allow'
  return challenged.has(first.requirement) ? 'challenge' : (rule.otherwise ?? 'refuse')
}

function unlockOf({ require }: CompiledRule, checks: readonly Check[]): Requirements | undefined {
  const unmet = checks.filter(({ met }) => !met)
  if (unmet.length === 0) return undefined
  if (unmet.some(({ requirement }) => requirement === 'when' || requirement === 'scopesFor')) return undefined
  return Object.fromEntries(
    unmet.map(({ requirement, wanted }) => [
      requirement,
      requirement === 'authentication' ? require?.authentication : wanted,
    ]),
  )
}
