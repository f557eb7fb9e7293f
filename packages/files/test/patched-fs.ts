import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Patchable =
  | 'fchmodSync'
  | 'linkSync'
  | 'mkdirSync'
  | 'openSync'
  | 'renameSync'
  | 'statfsSync'
  | 'unlinkSync'

/**
 * Runs a body while one function of node:fs is replaced, for the compiled package too.
 *
 * The replacement gets the original and the arguments; every function here takes a path first.
 */
export async function withPatchedFs(
  name: Patchable,
  replacement: (original: (...args: unknown[]) => unknown, args: readonly unknown[]) => unknown,
  body: () => Promise<void> | void,
): Promise<void> {
  const original: unknown = fs[name]
  // All of them are plain functions; their overloads are of no interest to a replacement.
  const callable = original as (...args: unknown[]) => unknown
  Object.assign(fs, { [name]: (...args: unknown[]) => replacement(callable, args) })
  syncBuiltinESMExports()
  try {
    await body()
  } finally {
    Object.assign(fs, { [name]: original })
    syncBuiltinESMExports()
  }
}

/** A replacement that always fails as the system does. */
export function failWith(errno: string): () => never {
  return () => {
    throw Object.assign(new Error(`${errno}: went wrong, '/proc/self/fd/9/f'`), { code: errno })
  }
}
