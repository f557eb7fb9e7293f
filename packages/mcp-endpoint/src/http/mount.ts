import type { ResourceServer } from '@mcp-doorman/resource-server'
import { isFields } from '../fields.ts'
import { checkOptions } from '../option-check.ts'
import type { ServerEnd } from '../server-end.ts'
import type { SessionOptions } from './sessions.ts'

/** One resource on a listener: it stands at the path of the resource server's `resource`. */
export interface Mount {
  /** An endpoint, or a relay. */
  readonly endpoint: ServerEnd
  readonly resourceServer: ResourceServer
  /** Serve `GET /tools/list` and `POST /tools/call` beside MCP. Default: true. */
  readonly plainForm?: boolean
  /** Largest body, in bytes; 1,024 to 1 GiB. Default: 4 MiB. */
  readonly maxBodyBytes?: number
  /**
   * Serve clients of 2025 in sessions, as they need for subscriptions, log levels, and tools that ask them something.
   * Sessions live in this process: behind a balancer, send one caller's requests to one process. Clients of 2026-07-28
   * have none. Default: no sessions, so that any process can answer any request.
   */
  readonly sessions?: SessionOptions
}

export type MountSettings = Required<Omit<Mount, 'sessions'>> & {
  readonly sessions: Required<SessionOptions> | undefined
}

const ranges = { maxBodyBytes: [1024, 1024 ** 3] } as const
const sessionRanges = {
  idleSeconds: [1, 604_800],
  maxPerCaller: [1, 10_000],
  maxSessions: [1, 1_000_000],
} as const

/**
 * Mounts with their defaults.
 *
 * @param problems - receives everything that cannot be mounted, and why; the result must then not be used
 */
export function readMounts(mounts: readonly Mount[], problems: string[]): readonly MountSettings[] {
  if (!Array.isArray(mounts) || mounts.length === 0) {
    problems.push('mounts: is empty. Name an endpoint and its resource server.')
    return []
  }
  return mounts.map((mount: Mount, index) => readMount(mount, `mounts[${index}]`, problems))
}

function readMount(given: Mount, place: string, problems: string[]): MountSettings {
  const { endpoint, resourceServer, plainForm = true, maxBodyBytes = 4 * 1024 * 1024, sessions } = given
  const own = checkOptions(given, ranges, ['endpoint', 'resourceServer', 'plainForm', 'sessions'])
  // Plain JavaScript passes anything, and a mount without a guard would be open.
  if (!isFields(endpoint) || !isFields(endpoint['transport'])) own.push('endpoint: is no endpoint.')
  if (!isFields(resourceServer) || typeof resourceServer['guard'] !== 'function') {
    own.push('resourceServer: is no resource server.')
  }
  if (sessions !== undefined) {
    own.push(...checkOptions(sessions, sessionRanges, []).map((problem) => `sessions.${problem}`))
  }
  problems.push(...own.map((problem) => `${place}.${problem}`))
  return {
    endpoint,
    resourceServer,
    plainForm,
    maxBodyBytes,
    sessions: sessions && { idleSeconds: 1800, maxPerCaller: 32, maxSessions: 10_000, ...sessions },
  }
}
