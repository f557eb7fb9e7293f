import { Pool } from 'undici'
import type { HttpSettings } from '../options.ts'

export type { Pool } from 'undici'

const mostSockets = 256
const connectMilliseconds = 10_000

/** The connections to one server, which the links of all principals share. Requests have time limits of their own. */
export function createPool({ url }: HttpSettings): Pool {
  return new Pool(url.origin, {
    connections: mostSockets,
    connect: { timeout: connectMilliseconds },
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 16_384,
  })
}
