/** More of any could keep the matcher busy for long; Casdoor's own takes any pattern, in linear time. */
const mostRepetitions = 3
const longestPattern = 100
const longestName = 64

/**
 * Which scopes a request is granted, of those that an application has rows for.
 *
 * A name that no row has is taken for a regular expression, and stands for every row that it matches whole. Without rows
 * everything is granted as it was asked for.
 *
 * @returns undefined when some scope is not one of the application's
 */
export function grantScope(
  rows: readonly { readonly name: string }[] | null,
  asked: string,
): string | undefined {
  if (rows === null || rows.length === 0) return asked
  const names = rows.map(({ name }) => name)
  const granted = new Set<string>()
  for (const scope of asked.split(' ')) {
    if (scope === '') continue
    const matching = names.includes(scope) ? [scope] : matchNames(names, scope)
    if (matching.length === 0) return undefined
    for (const name of matching) granted.add(name)
  }
  return [...granted].join(' ')
}

function matchNames(names: readonly string[], pattern: string): readonly string[] {
  const repetitions = pattern.match(/[*+?{]/g)?.length ?? 0
  if (pattern.length > longestPattern || repetitions > mostRepetitions || pattern.includes('(')) return []
  try {
    const expression = new RegExp(`^(?:${pattern})$`, 'u')
    return names.filter((name) => name.length <= longestName && expression.test(name))
  } catch {
    return []
  }
}
