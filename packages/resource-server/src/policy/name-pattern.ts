/**
 * Whether a name fits a pattern in which `*` stands for any run of characters, and everything else for itself.
 *
 * Runs in linear time in practice: each star is retried at the next place only (greedy with one point of return).
 */
export function nameMatches(pattern: string, name: string): boolean {
  let p = 0
  let n = 0
  let star = -1
  let retry = 0
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p
      retry = n
      p += 1
    } else if (p < pattern.length && pattern[p] === name[n]) {
      p += 1
      n += 1
    } else if (star >= 0) {
      retry += 1
      p = star + 1
      n = retry
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}
