import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Bytes in use on the heap, after everything that can be freed was freed. */
export function heapAfterCollection(): number {
  if (typeof collect === 'function') collect()
  return process.memoryUsage().heapUsed
}
