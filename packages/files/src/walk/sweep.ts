import { errnoOf } from '../failure.ts'
import type { Steps } from '../pace.ts'
import { meetEverything } from './everything.ts'
import { maxComponents, tempPrefix } from './grammar.ts'
import type { Directory } from './opener.ts'
import { removeTree } from './skeleton.ts'
import { isAbandonedTemp } from './temps.ts'

/** Removes temps that killed processes left anywhere below the base. Returns how many were removed. */
export function* sweepTemps(base: Directory, nowMs: () => number): Steps<number> {
  let removed = 0
  yield* meetEverything(base, (parent, { name }, { depth }) => {
    // Nothing is written deeper than a path can reach.
    if (!name.startsWith(tempPrefix)) return depth < maxComponents
    if (tryRemove(parent, name, nowMs())) removed++
    return false
  })
  return removed
}

function tryRemove(parent: Directory, name: string, nowMs: number): boolean {
  try {
    const stats = parent.lstat(name)
    if (stats === undefined || !isAbandonedTemp(name, nowMs - Number(stats.mtimeMs))) return false
    // A copy of the skeleton that was never published.
    if (stats.isDirectory()) removeTree(parent, name)
    else if (stats.isFile()) parent.unlink(name)
    else return false
    return true
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}
