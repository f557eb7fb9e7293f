import { checkRate } from '../limits.ts'
import { parseUriTemplate } from '../uri-template.ts'
import { checkAuthentication } from './authentication.ts'
import { ruleKinds, type CompiledRule, type Rule, type ScopeDefinition } from './rule.ts'

/** Checks and copies the rules, so that later changes to the options cannot reach them. */
export function compileRules(
  rules: readonly Rule[],
  scopes: Readonly<Record<string, ScopeDefinition>>,
  problems: string[],
): readonly CompiledRule[] {
  const compiled = rules.map((rule, index) => compileRule(rule, index, scopes, problems))
  checkIds(compiled, problems)
  return compiled
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
  for (const template of (rule.resources ?? []).filter((name) => name.includes('{') && !name.includes('*'))) {
    const parsed = parseUriTemplate(template)
    if (typeof parsed === 'string') problems.push(`${place}.resources: "${template}" ${parsed}.`)
  }
  const { authentication } = rule.require ?? {}
  if (authentication !== undefined) {
    checkAuthentication(`${place}.require.authentication`, authentication, problems)
  }
  if (rule.limit !== undefined) checkRate(`${place}.limit`, rule.limit, problems)
  return { ...copyOf(rule), id: rule.id ?? place }
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

function copyOf(rule: Rule): Rule {
  const { when, require, ...data } = rule
  const { scopesFor, ...requirements } = require ?? {}
  // An unknown option has been said already; its value could be something that cannot be copied.
  const known = Object.entries(data).filter(([name]) => Object.hasOwn(ruleKinds, name))
  return {
    ...structuredClone(Object.fromEntries(known)),
    ...(require !== undefined && {
      require: { ...structuredClone(requirements), ...(scopesFor !== undefined && { scopesFor }) },
    }),
    ...(when !== undefined && { when }),
  }
}
