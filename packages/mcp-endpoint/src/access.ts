import type { Item, Requirements, Rule } from '@mcp-doorman/resource-server'

/**
 * Who may use something, written beside it: the requirements of a rule, and what else a rule can say.
 *
 * It binds nobody by itself. A resource server enforces it when it is built with the endpoint's `rules`.
 */
export interface Access extends Requirements, Pick<Rule, 'when' | 'otherwise' | 'limit'> {}

/** Something that may say who may use it. Without `access` no rule names it, so that a resource server hides it. */
export interface Guarded {
  readonly access?: Access
}

const selectors = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const

/** The rule for one item; `name` may be a pattern of names. */
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
