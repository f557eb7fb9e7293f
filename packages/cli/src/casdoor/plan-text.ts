import type { ObjectPlan } from '@mcp-doorman/casdoor'
import { printable } from '../printable.ts'

/** What is to become of one object, or has become of it, as lines for people. */
export function formatPlan(plan: ObjectPlan, dryRun: boolean): string {
  const { kind, name, action, changes, notices } = plan
  const lines = [`${kind.padEnd(14)}${name}: ${verdict(action, dryRun)}`]
  for (const { field, before, after } of changes) {
    for (const { sign, value } of differences(before, after))
      lines.push(`  ${sign} ${field.padEnd(21)} ${value}`)
  }
  for (const notice of notices) lines.push(`  ! ${notice}`)
  return `${lines.map(printable).join('\n')}\n`
}

function verdict(action: ObjectPlan['action'], dryRun: boolean): string {
  switch (action) {
    case 'add':
      return dryRun ? 'would be added' : 'is being added'
    case 'update':
      return dryRun ? 'would be corrected' : 'is being corrected'
    case 'keep':
      return 'is as it should be'
  }
}

interface Difference {
  readonly sign: '+' | '-'
  readonly value: string
}

/** Of two lists only the entries that come or go; of anything else both values. */
function differences(before: unknown, after: unknown): readonly Difference[] {
  const old = entriesOf(before)
  const next = entriesOf(after)
  return [
    ...old.filter((entry) => !next.includes(entry)).map((value) => ({ sign: '-' as const, value })),
    ...next.filter((entry) => !old.includes(entry)).map((value) => ({ sign: '+' as const, value })),
  ]
}

function entriesOf(value: unknown): readonly string[] {
  if (value === undefined || value === null || value === '') return []
  if (Array.isArray(value)) return value.map((entry) => JSON.stringify(entry))
  return [JSON.stringify(value)]
}
