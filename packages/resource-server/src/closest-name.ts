const mostSlips = 2

/**
 * The known name that a misspelt one most likely stands for; `undefined` when none differs by at most two characters.
 *
 * Case counts as no difference. For messages: takes the product of both lengths for each known name.
 */
export function closestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, slips: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.slips - b.slips)
  const [best] = ranked
  return best !== undefined && best.slips <= mostSlips && best.slips < name.length
    ? best.candidate
    : undefined
}

/** How many characters to add, drop or change (Levenshtein). */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 0; row < from.length; row += 1) {
    const line = [row + 1]
    for (let column = 1; column <= to.length; column += 1) {
      const changed = (above[column - 1] ?? 0) + (from[row] === to[column - 1] ? 0 : 1)
      line.push(Math.min(changed, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
