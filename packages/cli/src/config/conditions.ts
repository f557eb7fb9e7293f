import { Environment, EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'
import type { ConditionContext, IdentityFacts } from '@mcp-doorman/resource-server'
import { hasDoubles, isBoundedBy, lookAtExpression } from './condition-bounds.ts'

/** A condition that can be judged, or why it is none. */
export type Condition =
  | {
      readonly ok: true
      /** Whether it is exactly true. Throws when it cannot be told. */
      readonly holds: (context: ConditionContext) => boolean
    }
  | { readonly ok: false; readonly message: string }

const environment = new Environment({
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 1000, maxDepth: 50, maxListElements: 500, maxMapEntries: 100, maxCallArguments: 4 },
})
  .registerVariable('args', 'map<string, dyn>')
  .registerVariable({
    name: 'identity',
    schema: {
      issuer: 'string',
      subject: 'string',
      client: 'string',
      scopes: 'list<string>',
      roles: 'list<string>',
      groups: 'list<string>',
      claims: 'map<string, dyn>',
    },
  })
  .registerVariable({ name: 'client', schema: { id: 'string' } })
  .registerVariable({ name: 'item', schema: { kind: 'string', name: 'string' } })

/**
 * Compiles a CEL expression over `args`, `identity`, `client` and `item`.
 *
 * Types are checked as far as they are known: what an argument is, only its call tells. Numbers of arguments are
 * doubles, as JSON has them. A condition that goes through lists denies calls whose arguments, as far as it names
 * them, have more than 1000 members or 16384 characters: see {@link isBoundedBy}.
 */
export function compileCondition(expression: string): Condition {
  let parsed: ReturnType<typeof environment.parse>
  try {
    parsed = environment.parse(expression)
  } catch (error) {
    return { ok: false, message: sayError(error) }
  }
  const shape = lookAtExpression(parsed.ast)
  if (shape.problem !== undefined) return { ok: false, message: shape.problem }
  const checked = parsed.check()
  if (!checked.valid) return { ok: false, message: sayError(checked.error) }
  if (checked.type !== 'bool' && checked.type !== 'dyn') {
    return { ok: false, message: `is ${checked.type}, and not true or false. Compare it with something.` }
  }
  if (!shape.looks) {
    return {
      ok: false,
      message:
        'has no effect: it looks at nothing of the call. Remove it; to hide what the rule names, write "hidden: true".',
    }
  }
  const views = new WeakMap<IdentityFacts, IdentityView>()
  return {
    ok: true,
    holds: ({ identity, message, arguments: args }) => {
      if (shape.bounded !== undefined && !isBoundedBy(shape.bounded, args)) {
        throw new Error('the arguments are too large for this condition')
      }
      if (hasDoubles(shape.named, args)) {
        throw new Error('an argument differs from one that the condition looks at in nothing but case')
      }
      let view = views.get(identity)
      if (view === undefined) views.set(identity, (view = viewOf(identity)))
      const { kind = '', name = '' } = message.item ?? {}
      try {
        return parsed({ args, ...view, item: { kind, name } }) === true
      } catch (error) {
        // Its own message shows the expression around the place, over several lines.
        throw new Error(error instanceof EvaluationError ? firstLow(error.summary) : 'it failed', {
          cause: error,
        })
      }
    },
  }
}

/** What an expression sees of a caller. */
interface IdentityView {
  readonly identity: Readonly<Record<string, unknown>>
  readonly client: { readonly id: string }
}

function viewOf({ issuer, subject, clientId, scopes, roles, groups, claims }: IdentityFacts): IdentityView {
  return {
    identity: {
      issuer,
      subject,
      client: clientId,
      scopes: [...scopes],
      roles: [...roles],
      groups: [...groups],
      claims,
    },
    client: { id: clientId },
  }
}

function sayError(error: unknown): string {
  if (!(error instanceof ParseError) && !(error instanceof CelTypeError)) throw error
  const at = error.range === undefined ? '' : ` (at character ${error.range.start + 1})`
  switch (error.code) {
    case 'unknown_variable':
      return `${firstLow(error.summary)}${at}. There are args, identity, client and item.`
    case 'no_such_key':
      return `${firstLow(error.summary)}${at}. An identity has issuer, subject, client, scopes, roles, groups and claims; a client has id; an item has kind and name.`
    default:
      return error instanceof ParseError
        ? `is no CEL expression: ${firstLow(error.summary)}${at}.`
        : `cannot be evaluated: ${firstLow(error.summary)}${at}.`
  }
}

function firstLow(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
