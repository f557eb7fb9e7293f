import type { Explanation, IdentityFacts, Item, ResourceServer } from '@mcp-doorman/resource-server'
import type { Expectation, ServerConfiguration } from './configuration.ts'
import type { Problem } from './problems.ts'
import { actionOf, callerFromWords } from './suppose-caller.ts'

/** The cases that come out otherwise than the file expects. */
export function checkExpectations(
  { name, expect, rules }: ServerConfiguration,
  { explain }: Pick<ResourceServer, 'explain'>,
): readonly Problem[] {
  return expect.flatMap((expectation, index) => {
    const path = ['servers', name, 'expect', index]
    const items = itemsOf(expectation)
    const [item] = items
    if (item === undefined || items.length > 1) {
      return [{ path, message: 'must name one tool, one resource or one prompt.' }]
    }
    const action = actionOf(item, expectation.arguments)
    const [explanation] = explain(callerOf(expectation), action)
    if (explanation === undefined || explanation.outcome === expectation.outcome) return []
    const { outcome } = explanation
    return [
      {
        path: [...path, 'outcome'],
        message: `is ${expectation.outcome}, but the rules say ${outcome}: ${reasonOf(explanation, rules)}.`,
      },
    ]
  })
}

function itemsOf({ tool, resource, prompt }: Expectation): readonly Item[] {
  return Object.entries({ tool, resource, prompt }).flatMap(([kind, name]) =>
    // The keys are those of the object above.
    name === undefined ? [] : [{ kind: kind as Item['kind'], name }],
  )
}

function callerOf({
  scopes = [],
  roles = [],
  groups = [],
  client,
  subject,
  claims,
}: Expectation): IdentityFacts {
  const someone = 'expectation'
  const caller = callerFromWords({
    scopes,
    roles,
    groups,
    client: client ?? someone,
    subject: subject ?? someone,
  })
  return { ...caller, claims: { ...claims, ...caller.claims } }
}

function reasonOf({ rule, checks }: Explanation, rules: ServerConfiguration['rules']): string {
  if (rule === undefined) return 'no rule names it, or the one that does hides it'
  const place = rules.findIndex(({ id }) => id === rule)
  const unmet = checks.find(({ met }) => !met)
  if (unmet === undefined) return `rules[${place}] is met`
  const { requirement, wanted, held } = unmet
  const missing = wanted.filter((entry) => !held.includes(entry))
  const list = missing.length === 0 ? '' : ` (${missing.join(', ')})`
  return `${requirement}${list} of rules[${place}] is not met`
}
