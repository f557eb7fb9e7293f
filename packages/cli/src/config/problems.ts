import { printable } from '../printable.ts'

/** The way to a value: names of members and places in lists. */
export type Path = readonly (string | number)[]

/** Counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A mistake in a configuration. */
export interface Problem {
  /** Of the value that is wrong; where it is missing, of where it should be. */
  readonly path: Path
  /** Whether the name is wrong, and not what it stands for. */
  readonly at?: 'key'
  /** What is wrong and what to do, after the path. */
  readonly message: string
}

const mostShown = 50

/** A path as people write it: `servers.notes.rules[0].tools`. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[\w-]+$/.test(step)) return `[${printable(JSON.stringify(step))}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}

/** One line for each problem, in the order of the file. */
export function formatProblems(
  file: string,
  problems: readonly (Place & { readonly message: string })[],
): string {
  const ordered = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
  const lines = ordered
    .slice(0, mostShown)
    .map(({ line, column, message }) => `${file}:${line}:${column}  ${printable(message)}\n`)
  if (problems.length > mostShown) lines.push(`And ${problems.length - mostShown} more.\n`)
  return lines.join('')
}
