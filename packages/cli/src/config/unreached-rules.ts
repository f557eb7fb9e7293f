import { createExplaining } from './check-by-building.ts'
import type { RuleConfiguration } from './configuration.ts'
import { actionOf, callerFromWords } from './suppose-caller.ts'

/** A name or pattern of a rule that another one takes whole. */
export interface Unreached {
  /** Of the rule. */
  readonly index: number
  readonly list: 'tools' | 'resources' | 'prompts'
  /** Its place in the list. */
  readonly at: number
  /** Of the rule that takes it; the same one, where it names it twice. */
  readonly by: number
}

const kinds = { tools: 'tool', resources: 'resource', prompts: 'prompt' } as const
const lists = ['tools', 'resources', 'prompts'] as const
const nobody = callerFromWords({ scopes: [], roles: [], groups: [], client: '', subject: '' })

/**
 * Finds what rules name in vain. Asks the finder that judges requests, so that both agree.
 *
 * Of rules that cannot be built nothing is found: their mistakes are told elsewhere.
 */
export function findUnreached(rules: readonly RuleConfiguration[]): readonly Unreached[] {
  // Only the selectors: a hidden rule takes what it names as well, but is not told of.
  const bare = rules.map(({ id, tools, resources, prompts }) => ({ id, tools, resources, prompts }))
  let explaining: ReturnType<typeof createExplaining>
  try {
    explaining = createExplaining({ scopes: {}, challenge: [], rules: bare })
  } catch (error) {
    if (error instanceof TypeError) return []
    throw error
  }
  const takerOf = (kind: (typeof kinds)[(typeof lists)[number]], name: string): number => {
    const [explanation] = explaining.explain(nobody, actionOf({ kind, name }))
    return rules.findIndex(({ id }) => id === explanation?.rule)
  }
  return rules.flatMap((rule, index) =>
    lists.flatMap((list) =>
      (rule[list] ?? []).flatMap((name, at, all): readonly Unreached[] => {
        if (all.indexOf(name) < at) return [{ index, list, at, by: index }]
        const by = takerOf(kinds[list], name)
        return by === index || by === -1 ? [] : [{ index, list, at, by }]
      }),
    ),
  )
}
