import type { Check, Explanation, Requirements } from '@mcp-doorman/resource-server'
import { printable } from '../printable.ts'

/**
 * An explanation for people: what happens, by which rule, by which requirement, and what would help.
 *
 * @param failure - why the condition of the rule could not be evaluated, if it could not
 */
export function formatExplanation(
  { outcome, rule, selector, checks, unlock }: Explanation,
  failure: string | undefined,
): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Outcome', `${outcome}: ${outcomes[outcome]}`],
    [
      'Rule',
      rule === undefined
        ? '(none): no rule names it, or the first that does hides it from everybody'
        : `${rule}, which names it by "${selector ?? ''}"`,
    ],
    ...checks.map((check) => [nameOf(check), describe(check, failure)] as const),
    ...(outcome === 'allow' ? [] : [['Unlock', sayUnlock(unlock)] as const]),
  ]
  return rows.map(([name, value]) => `${`${name.padEnd(22)}${printable(value)}`.trimEnd()}\n`).join('')
}

const outcomes: Readonly<Record<Explanation['outcome'], string>> = {
  allow: 'it would run',
  challenge: 'HTTP asks for a login that can help',
  refuse: 'a JSON-RPC error says that it is not allowed; no scope would help',
  hide: 'answered as if it did not exist',
}

function nameOf({ requirement, met }: Check): string {
  return `${met ? 'met  ' : 'UNMET'} ${requirement}`
}

function describe({ requirement, met, wanted, held }: Check, failure: string | undefined): string {
  if (requirement === 'when' && !met) {
    return failure === undefined ? 'it is not true of this call' : `it could not be evaluated: ${failure}`
  }
  if (wanted.length === 0) return ''
  return `wants ${wanted.join(', ')}; has ${held.length === 0 ? 'none of them' : held.join(', ')}`
}

function sayUnlock(unlock: Requirements | undefined): string {
  if (unlock === undefined) return 'nothing that a caller can get'
  const parts = Object.entries(unlock).map(([name, value]) => {
    if (Array.isArray(value))
      return `${name === 'scopes' ? 'the scopes' : `one of ${name}`} ${value.join(', ')}`
    return `a login with ${JSON.stringify(value)}`
  })
  return parts.join('; and ')
}
