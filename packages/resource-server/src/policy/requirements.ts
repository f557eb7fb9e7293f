import type { Message } from '../action.ts'
import type { Identity } from '../identity/identity.ts'
import type { CompiledRule, ConditionContext } from './rule.ts'

/** What a caller is told to have, apart from arguments. */
export type Membership = Pick<Identity, 'roles' | 'groups' | 'clientId'>

/** Which list of memberships has none of the caller's, in the order in which they are judged. */
export function unmetMembership(
  { require }: CompiledRule,
  caller: Membership,
): 'anyRole' | 'anyGroup' | 'anyClient' | undefined {
  if (require?.anyRole?.some((role) => caller.roles.has(role)) === false) return 'anyRole'
  if (require?.anyGroup?.some((group) => caller.groups.has(group)) === false) return 'anyGroup'
  if (require?.anyClient?.includes(caller.clientId) === false) return 'anyClient'
  return undefined
}

export function contextOf(identity: Identity, message: Message): ConditionContext {
  const args = message.params['arguments']
  const given = typeof args === 'object' && args !== null ? args : {}
  // An object, so its members are unknown values by name.
  return { identity, message, arguments: given as Record<string, unknown> }
}

/** Why the condition does not hold; `undefined` when it does, or when there is none. */
export function unmetCondition({ when }: CompiledRule, context: ConditionContext): string | undefined {
  if (when === undefined) return undefined
  try {
    // A function from plain JavaScript may return anything; only true allows.
    const verdict: unknown = when(context)
    return verdict === true ? undefined : 'when'
  } catch {
    return 'when (it failed)'
  }
}

/** The scopes that a call must have, or why they cannot be told. */
export type NeededScopes =
  | { readonly ok: true; readonly scopes: readonly string[] }
  | { readonly ok: false; readonly unmet: string }

/** Those of the rule, and those that its function names for these arguments. */
export function neededScopes(
  { require }: CompiledRule,
  context: ConditionContext,
  isScope: (name: string) => boolean,
): NeededScopes {
  const scopes = require?.scopes ?? []
  if (require?.scopesFor === undefined) return { ok: true, scopes }
  try {
    // A function from plain JavaScript may return anything; only scopes of this resource can be asked for.
    const further: unknown = require.scopesFor(context)
    if (!Array.isArray(further) || !further.every((scope) => typeof scope === 'string' && isScope(scope))) {
      return { ok: false, unmet: 'scopesFor (it names no scopes of this resource)' }
    }
    // Every entry was seen to be a string.
    return { ok: true, scopes: [...new Set([...scopes, ...(further as readonly string[])])] }
  } catch {
    return { ok: false, unmet: 'scopesFor (it failed)' }
  }
}

/** The scopes of an operation, and those of them that the caller lacks. */
export interface ScopeNeed {
  readonly scopes: readonly string[]
  readonly missing: readonly string[]
}

const none: readonly string[] = []

/** Judges scopes: all of `scopes`, and one of the rule's alternatives. */
export function judgeScopes(
  { require }: CompiledRule,
  scopes: readonly string[],
  held: ReadonlySet<string>,
): ScopeNeed {
  const anyScope = require?.anyScope ?? none
  if (anyScope.length === 0 && scopes.every((scope) => held.has(scope))) return { scopes, missing: none }
  // The alternative that is held, so that whoever asks for just the challenge's scopes does not lose it.
  const alternative = anyScope.find((scope) => held.has(scope)) ?? anyScope[0]
  const needed = [...new Set(alternative === undefined ? scopes : [...scopes, alternative])]
  return { scopes: needed, missing: needed.filter((scope) => !held.has(scope)) }
}
