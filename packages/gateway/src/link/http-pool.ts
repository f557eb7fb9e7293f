import { Pool } from 'undici'
import type { HttpSettings } from '../options.ts'

const mostSockets = 256
const connectMilliseconds = 10_000

/** The connections to one server, which the links of all principals share. */
export interface HttpPools {
  /** For requests, which have time limits. */
  readonly requests: Pool
  /** For streams that stay open: they must not take the place of requests. */
  readonly streams: Pool
}

export function createPools(settings: HttpSettings): HttpPools {
  return {
    requests: createPool(settings, mostSockets),
    streams: createPool(settings, settings.maxConnections),
  }
}

function createPool({ url }: HttpSettings, connections: number): Pool {
  return new Pool(url.origin, {
    connections,
    connect: { timeout: connectMilliseconds },
    headersTimeout: 0, // What is asked has time limits of its own.
    bodyTimeout: 0,
    maxHeaderSize: 16_384,
  })
}
