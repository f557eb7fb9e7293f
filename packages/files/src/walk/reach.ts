import { FileFailure, quoteName } from '../failure.ts'
import type { Steps } from '../pace.ts'
import { meetEverything } from './everything.ts'
import { type CallerPath, maxComponents, maxPathBytes } from './grammar.ts'
import type { Directory } from './opener.ts'

/**
 * Looks whether all that is in a directory could be named under a new path of it.
 *
 * @throws {FileFailure} `invalid_path` if something would lie too deep, or have too long a path
 */
export function* requireReachable(directory: Directory, from: CallerPath, to: CallerPath): Steps<void> {
  const [fromBytes, toBytes] = [Buffer.byteLength(from.text), Buffer.byteLength(to.text)]
  // Nothing gets a longer path than it has.
  if (to.components.length <= from.components.length && toBytes <= fromBytes) return
  yield* meetEverything(directory, (_parent, { name }, { depth, pathBytes }) => {
    const components = to.components.length + depth + 1
    const bytes = toBytes + 1 + pathBytes + Buffer.byteLength(name)
    if (components <= maxComponents && bytes <= maxPathBytes) return true
    const limits = `more than ${maxComponents} components or ${maxPathBytes} bytes`
    const why = `cannot be moved there: a path below it would have ${limits}`
    throw new FileFailure('invalid_path', `${quoteName(from.text)} ${why}. Choose a shorter path.`)
  })
}
