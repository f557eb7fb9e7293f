import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { UsageError } from './failure.ts'

/**
 * Makes sure that what only the operator may see does not lie in a directory that agents see.
 *
 * The folder `.doorman` right at its top may: no tool ever shows, opens or moves that name. Deeper
 * down the name protects nothing, because a tool may move the directory around it.
 *
 * @throws {UsageError} that names the option to change
 */
export function keepOutside(served: string, secret: string, option: string): void {
  const inside = relative(realOf(served), realOf(secret))
  const words = inside.split(sep)
  if (words[0] === '..' || isAbsolute(inside) || words[0] === '.doorman') return
  throw new UsageError(
    `${option} ${secret} lies in ${served}, which is served: agents could read, replace or move it. Name a place outside, or in ${join(served, '.doorman')}.`,
  )
}

/** Resolves links as far as the path exists; the rest is yet to be made. */
function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(resolve(path))
    return parent === resolve(path) ? parent : join(realOf(parent), basename(path))
  }
}
