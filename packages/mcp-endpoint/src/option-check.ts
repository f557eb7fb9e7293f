/** The least and the most that a number may be. */
export type Range = readonly [least: number, most: number]

/**
 * What is wrong with an options object: names that nobody knows, and numbers out of their range.
 *
 * A number that is `undefined` has its default, so nothing is wrong with it.
 */
export function checkOptions(
  given: object,
  ranges: Readonly<Record<string, Range>>,
  others: readonly string[],
): string[] {
  const known = [...Object.keys(ranges), ...others]
  const problems: string[] = []
  for (const [name, value] of Object.entries(given)) {
    const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined
    if (!known.includes(name)) {
      problems.push(`${name}: is not an option. Known are ${known.toSorted().join(', ')}.`)
    } else if (range !== undefined && value !== undefined && !isWithin(value, range)) {
      problems.push(`${name}: must be ${range[0]} to ${range[1]}, and is ${String(value)}.`)
    }
  }
  return problems
}

function isWithin(value: unknown, [least, most]: Range): boolean {
  return typeof value === 'number' && value >= least && value <= most
}
