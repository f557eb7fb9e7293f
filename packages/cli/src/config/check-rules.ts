import { closestName } from '@mcp-doorman/resource-server'
import { compileCondition } from './conditions.ts'
import type { RuleConfiguration, ServerConfiguration } from './configuration.ts'
import type { Path, Problem } from './problems.ts'
import { findUnreached } from './unreached-rules.ts'

/** What was found, and the server with those mistakes out of the way, so that others can be looked for. */
export interface RuleCheck {
  readonly problems: readonly Problem[]
  /** The server itself when nothing was in the way. */
  readonly mended: ServerConfiguration
}

/** What the rules of a server get wrong by themselves: conditions, names of scopes, and what has no effect. */
export function checkRules(server: ServerConfiguration): RuleCheck {
  const problems: Problem[] = []
  const place: Path = ['servers', server.name]
  const say: Say = (path, message, at) => {
    problems.push({ path: [...place, ...path], message, ...(at !== undefined && { at }) })
  }
  const unknown = checkScopeNames(server, say)
  const unconditional = new Set<RuleConfiguration>()
  for (const [index, rule] of server.rules.entries()) {
    const condition = rule.when === undefined ? undefined : compileCondition(rule.when)
    if (condition?.ok === false) {
      say(['rules', index, 'when'], condition.message)
      unconditional.add(rule)
    }
    checkIdleMembers(rule, index, say)
  }
  checkReach(server, say)
  if (unknown.size === 0 && unconditional.size === 0) return { problems, mended: server }
  const added = Object.fromEntries([...unknown].map((name) => [name, {}]))
  const rules = server.rules.map((rule) => (unconditional.has(rule) ? { ...rule, when: undefined } : rule))
  return { problems, mended: { ...server, scopes: { ...added, ...server.scopes }, rules } }
}

type Say = (path: Path, message: string, at?: 'key') => void

/** Gives the names that are none. */
function checkScopeNames(
  { scopes, challenge, rules, expect }: ServerConfiguration,
  say: Say,
): ReadonlySet<string> {
  const unknown = new Set<string>()
  const known = Object.keys(scopes)
  const asked = new Set<string>()
  const look = (name: string, path: Path): void => {
    if (Object.hasOwn(scopes, name)) return
    unknown.add(name)
    const meant = closestName(name, known)
    say(
      path,
      meant === undefined
        ? `"${name}" is none of the scopes. Add it to scopes, or correct the name.`
        : `"${name}" is none of the scopes. Did you mean "${meant}"?`,
    )
  }
  for (const [index, { require = {} }] of rules.entries()) {
    for (const list of ['scopes', 'anyScope'] as const) {
      for (const [at, name] of (require[list] ?? []).entries()) {
        asked.add(name)
        look(name, ['rules', index, 'require', list, at])
      }
    }
  }
  for (const [index, name] of challenge.entries()) look(name, ['challenge', index])
  for (const [scope, { implies = [] }] of Object.entries(scopes)) {
    for (const [index, name] of implies.entries()) look(name, ['scopes', scope, 'implies', index])
  }
  for (const [index, { scopes: held = [] }] of expect.entries()) {
    for (const [at, name] of held.entries()) {
      const meant = Object.hasOwn(scopes, name) ? undefined : closestName(name, known)
      if (meant !== undefined) {
        say(['expect', index, 'scopes', at], `"${name}" is none of the scopes. Did you mean "${meant}"?`)
      }
    }
  }
  for (const [scope, { implies = [] }] of Object.entries(scopes)) {
    // One that implies something grants that; what it is implied by grants nothing more.
    if (asked.has(scope) || implies.length > 0) continue
    say(['scopes', scope], 'has no effect: no rule asks for it. Remove it, or ask for it in a rule.', 'key')
  }
  return unknown
}

function checkIdleMembers(rule: RuleConfiguration, index: number, say: Say): void {
  const { require = {}, when, limit, otherwise, hidden } = rule
  if (hidden === true) {
    for (const [name, value] of Object.entries({ require: rule.require, when, limit, otherwise })) {
      if (value === undefined) continue
      say(
        ['rules', index, name],
        'has no effect with "hidden: true", which hides what the rule names from everybody. Remove one of the two.',
        'key',
      )
    }
    return
  }
  const { anyRole, anyGroup, anyClient } = require
  const canBeRefused = [anyRole, anyGroup, anyClient, when].some((member) => member !== undefined)
  if (otherwise !== undefined && !canBeRefused) {
    say(
      ['rules', index, 'otherwise'],
      'has no effect: only anyRole, anyGroup, anyClient and when can end in it; what a login can mend ends in a challenge. Remove it.',
      'key',
    )
  }
}

function checkReach({ rules }: ServerConfiguration, say: Say): void {
  for (const { index, list, at, by } of findUnreached(rules)) {
    const message =
      by === index
        ? 'has no effect: the rule names it twice. Remove one of the two.'
        : `has no effect: rules[${by}] names it first, and only the first rule that names an item is judged. Move this rule before that one, or remove it.`
    say(['rules', index, list, at], message)
  }
}
