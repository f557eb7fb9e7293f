import type { Item, Requirements, Rule } from '@mcp-doorman/resource-server'

/**
 * Who may use something, written beside it: the requirements of a rule, and what else a rule can say.
 *
 * It binds nobody by itself. A resource server enforces it when it is built with the endpoint's `rules`.
 */
export interface Access extends Requirements, Pick<Rule, 'when' | 'otherwise' | 'limit'> {}

/** Something that may say who may use it. Without `access`, the `rules` of an endpoint let nobody. */
export interface Guarded {
  readonly access?: Access
}

const selectors = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const

/** The rule for one item; `name` may be a template. */
export function ruleOf(kind: Item['kind'], name: string, access: Access): Rule {
  const { when, otherwise, limit, ...require } = access
  return {
    id: `${kind}:${name}`,
    [selectors[kind]]: [name],
    require,
    ...(when !== undefined && { when }),
    ...(otherwise !== undefined && { otherwise }),
    ...(limit !== undefined && { limit }),
  }
}

/** What nobody may use: also where the template of something else, which has access, fits the same address. */
export function hidingRule(kind: Item['kind'], name: string): Rule {
  return { id: `${kind}:${name}`, [selectors[kind]]: [name], hidden: true }
}
