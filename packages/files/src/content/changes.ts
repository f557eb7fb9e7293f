/** A part of a text, from `start` up to `end`, and what takes its place. */
export interface Replacement {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A part of the old text and the part of the new one that stands in its place. Outside of them both are the same. */
export interface Change {
  readonly oldStart: number
  readonly oldEnd: number
  readonly newStart: number
  readonly newEnd: number
}

/**
 * The changes of two steps as changes of one: those that made a text, and replacements in that text.
 *
 * Both are in order and do not overlap among themselves; so is the result.
 */
export function compose(changes: readonly Change[], replacements: readonly Replacement[]): readonly Change[] {
  const result: Change[] = []
  let changeAt = 0
  let replacementAt = 0
  // By how much the text between both steps is longer than the old one here, and the new one than it.
  let grownBefore = 0
  let grownAfter = 0
  for (;;) {
    const change = changes[changeAt]
    const replacement = replacements[replacementAt]
    if (change === undefined && replacement === undefined) return result
    const start = Math.min(change?.newStart ?? Infinity, replacement?.start ?? Infinity)
    const cluster = takeCluster(changes, changeAt, replacements, replacementAt, start)
    result.push({
      oldStart: start - grownBefore,
      oldEnd: cluster.end - grownBefore - cluster.grownBefore,
      newStart: start + grownAfter,
      newEnd: cluster.end + grownAfter + cluster.grownAfter,
    })
    grownBefore += cluster.grownBefore
    grownAfter += cluster.grownAfter
    changeAt = cluster.changeAt
    replacementAt = cluster.replacementAt
  }
}

/** Takes together what overlaps or touches, from `start` on. */
function takeCluster(
  changes: readonly Change[],
  changeFrom: number,
  replacements: readonly Replacement[],
  replacementFrom: number,
  start: number,
) {
  let changeAt = changeFrom
  let replacementAt = replacementFrom
  let end = start
  let grownBefore = 0
  let grownAfter = 0
  for (;;) {
    const change = changes[changeAt]
    const replacement = replacements[replacementAt]
    if (change !== undefined && change.newStart <= end) {
      end = Math.max(end, change.newEnd)
      grownBefore += change.newEnd - change.newStart - (change.oldEnd - change.oldStart)
      changeAt++
    } else if (replacement !== undefined && replacement.start <= end) {
      end = Math.max(end, replacement.end)
      grownAfter += replacement.text.length - (replacement.end - replacement.start)
      replacementAt++
    } else {
      return { changeAt, replacementAt, end, grownBefore, grownAfter }
    }
  }
}
