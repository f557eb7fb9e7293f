import type * as z from 'zod'
import { alternatives } from './issues.ts'
import type { Path, Problem } from './problems.ts'

/** Which kind of thing this is, by the one field that only its kind has. */
export function kindOf<Kind extends string>(
  value: unknown,
  kinds: Readonly<Record<Kind, unknown>>,
  path: Path,
  problems: Problem[],
): Kind | undefined {
  // Something else than an object is told of by the outline.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const names = Object.keys(kinds) as Kind[] // A record has its own keys.
  const found = names.filter((name) => Object.hasOwn(value, name))
  if (found.length === 1) return found[0]
  const [first, second] = found
  problems.push(
    second === undefined
      ? { path, at: 'key', message: `does not say what it is. Give it ${alternatives(names)}.` }
      : { path: [...path, second], at: 'key', message: `does not go with ${first}. Remove one of the two.` },
  )
  return undefined
}

// `issuers[0].field`, `servers.name.field`.
const fieldDepth = 3

/** A field of another kind is no slip of the pen. */
export function explainStrays<Kind extends string>(
  problems: readonly Problem[],
  kinds: Readonly<Record<Kind, z.ZodObject>>,
  kind: Kind,
): readonly Problem[] {
  return problems.map((problem) => {
    const field = problem.at === 'key' ? problem.path.at(-1) : undefined
    const others = Object.entries<z.ZodObject>(kinds).filter(
      ([other, { shape }]) => other !== kind && typeof field === 'string' && Object.hasOwn(shape, field),
    )
    const [other] = others[0] ?? []
    return other === undefined || problem.path.length !== fieldDepth
      ? problem
      : { ...problem, message: `has no effect with ${kind}; it is for ${other}. Remove it.` }
  })
}
