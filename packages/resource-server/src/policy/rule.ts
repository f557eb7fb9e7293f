import type { Message } from '../action.ts'
import type { Identity } from '../identity/identity.ts'
import type { Rate } from '../limits.ts'
import {
  callable,
  checkKeys,
  flag,
  members,
  number,
  oneOf,
  text,
  texts,
  type Kinds,
} from '../unknown-keys.ts'

/** What a rule's `when` may look at. */
export interface ConditionContext {
  readonly identity: Identity
  readonly message: Message
  /** The arguments of a tool or prompt; empty for others. */
  readonly arguments: Readonly<Record<string, unknown>>
}

/**
 * What a caller must have. Within one list of `any…` one entry is enough; the lists all apply.
 *
 * Compared exactly, case included. Roles and groups are those that the issuer's options map
 * ({@link StandardIssuerOptions.roleClaims}).
 */
export interface Requirements {
  /** All of these. Missing ones end in a challenge. */
  readonly scopes?: readonly string[]
  /** One of these. None ends in a challenge for the first. */
  readonly anyScope?: readonly string[]
  /**
   * Further scopes that depend on the arguments: all of those that it returns, in the same challenge as the others.
   *
   * Each must be a scope of this resource. Anything else that is returned, and an exception, denies as `otherwise`
   * says. Lists do not ask it: it can hide nothing from them.
   */
  readonly scopesFor?: (context: ConditionContext) => readonly string[]
  readonly anyRole?: readonly string[]
  readonly anyGroup?: readonly string[]
  /** OAuth client ids. */
  readonly anyClient?: readonly string[]
  /** How the user must have logged in. What is not met ends in a 401 that asks for it (RFC 9470). Default: not looked at. */
  readonly authentication?: AuthenticationRequirement
}

/**
 * How, and how long ago, a user must have logged in, by what the issuer says of it.
 *
 * Only for issuers that say it in access tokens, and clients that can ask for it: others log in again and again.
 *
 * @see RFC 9470
 */
export interface AuthenticationRequirement {
  /** The token's `acr` must be one of these. */
  readonly acrValues?: readonly string[]
  /** The token's `auth_time` must be at most this long ago, in seconds; 1 to 31,536,000. */
  readonly maxAgeSeconds?: number
}

/**
 * A rule: the items it names, and who may use them.
 *
 * Names are exact, or globs in which `*` stands for any run of characters. Among resources they may also be URI
 * templates, in which `{name}` stands for one segment and `{+name}` for anything.
 * The first rule that names an item is the only one judged; an item that no rule names is hidden.
 */
export interface Rule {
  /** Appears in records. Default: the rule's place, `rules[0]`. */
  readonly id?: string
  readonly tools?: readonly string[]
  /** URIs, globs of them, and templates. */
  readonly resources?: readonly string[]
  readonly prompts?: readonly string[]
  readonly require?: Requirements
  /** Must return exactly `true`; anything else, and an exception, denies. */
  readonly when?: (context: ConditionContext) => boolean
  /** What a caller meets whom no scope can help: `refuse` says so, `hide` answers as for an unknown item. */
  readonly otherwise?: 'refuse' | 'hide'
  /** For each caller, over all items that the rule names. */
  readonly limit?: Rate
  /** Hides what it names from everybody, also where a later rule names it. Default: false. */
  readonly hidden?: boolean
}

/** A rule as it is judged: checked, copied, and named. */
export interface CompiledRule extends Rule {
  readonly id: string
}

export const ruleKinds: Kinds<Rule> = {
  id: text,
  tools: texts,
  resources: texts,
  prompts: texts,
  require: members,
  when: callable,
  otherwise: oneOf('refuse', 'hide'),
  limit: members,
  hidden: flag,
}

const requirementKinds: Kinds<Requirements> = {
  scopes: texts,
  anyScope: texts,
  scopesFor: callable,
  anyRole: texts,
  anyGroup: texts,
  anyClient: texts,
  authentication: members,
}

const authenticationKinds: Kinds<AuthenticationRequirement> = { acrValues: texts, maxAgeSeconds: number }

/** Adds misspelt options to `problems`, and tells whether the values are of the right kinds. */
export function checkRuleKeys(place: string, rule: Rule, problems: string[]): boolean {
  if (!checkKeys(place, rule, ruleKinds, problems)) return false
  if (!checkKeys(`${place}.require`, rule.require ?? {}, requirementKinds, problems)) return false
  const { authentication = {} } = rule.require ?? {}
  return checkKeys(`${place}.require.authentication`, authentication, authenticationKinds, problems)
}

/** A scope that this resource knows. */
export interface ScopeDefinition {
  /** Scopes that come with this one. Without cycles. */
  readonly implies?: readonly string[]
}

/** Adds misspelt options to `problems`, and tells whether the values are of the right kinds. */
export function checkScopeKeys(place: string, definition: ScopeDefinition, problems: string[]): boolean {
  return checkKeys(place, definition, { implies: texts }, problems)
}
