import { createHostCheck, type HostAllowed } from './host.ts'
import type { MountSettings } from './mount.ts'
import type { OpenStreams } from './open-streams.ts'
import type { HttpSettings } from './options.ts'
import { createOriginCheck, type OriginAllowed } from './origin.ts'
import { createRoutes, type Route } from './routes.ts'
import type { Serving } from './serving.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** A mount that is served, with everything that has begun on it. */
export interface Mounted extends Serving {
  readonly originAllowed: OriginAllowed
  /** Requests that have not come to their end. */
  readonly requests: Set<Promise<void>>
}

/** Everything that a request is judged by. Never changes: another one takes its place. */
export interface MountTable {
  readonly mounted: readonly Mounted[]
  readonly hostAllowed: HostAllowed
  /** What stands at a path, and whose it is. */
  readonly find: (path: string) => Place | undefined
}

export interface Place {
  readonly route: Route
  readonly mounted: Mounted
}

export interface MountTableParts {
  readonly settings: HttpSettings
  readonly port: number
  readonly streams: OpenStreams
  /** The table whose place this one takes. */
  readonly before: readonly Mounted[]
}

/** Two mounts that would stand at the same path, as problems. */
export function findClashes(mounts: readonly MountSettings[]): readonly string[] {
  const owners = new Map<string, string>()
  const clashes = new Map<string, string>()
  for (const mount of mounts) {
    const { resource } = mount.resourceServer.metadata.document
    for (const path of routesOf(mount, mounts).keys()) {
      const owner = owners.get(path)
      if (owner === undefined) owners.set(path, resource)
      else if (!clashes.has(resource)) clashes.set(resource, describeClash(path, owner, resource))
    }
  }
  return [...clashes.values()]
}

function describeClash(path: string, owner: string, resource: string): string {
  const mend = path.includes('/tools/')
    ? 'Set plainForm to false for one of them, or give each a path of its own as /notes/mcp.'
    : 'Give them paths that differ.'
  return `mounts: "${owner}" and "${resource}" would both stand at ${path}. ${mend}`
}

function routesOf(mount: MountSettings, all: readonly MountSettings[]): ReadonlyMap<string, Route> {
  return createRoutes(mount.resourceServer.metadata, {
    plainForm: mount.plainForm,
    sessions: mount.sessions !== undefined,
    alone: all.length === 1,
  })
}

/**
 * Builds a table of mounts that do not clash. A mount of the same parts as one before it is that one; one that has only
 * another judge goes on with its sessions.
 */
export function createMountTable(mounts: readonly MountSettings[], parts: MountTableParts): MountTable {
  const { settings, port, before } = parts
  const places = new Map<string, Place>()
  const mounted = mounts.map((mount) => {
    const one = before.find((other) => isSameMount(other.settings, mount)) ?? mountOn(mount, parts)
    for (const [path, route] of routesOf(mount, mounts)) places.set(path, { route, mounted: one })
    return one
  })
  return {
    mounted,
    hostAllowed: createHostCheck(
      mounts.map(publicUrlOf),
      { host: settings.host, port },
      settings.allowedHosts,
    ),
    find: (path) => places.get(path),
  }
}

function mountOn(mount: MountSettings, { settings, streams, before }: MountTableParts): Mounted {
  return {
    settings: { ...settings, ...mount },
    sessions: sessionsOf(mount, before),
    streams,
    originAllowed: createOriginCheck(publicUrlOf(mount), settings.host, settings.allowedOrigins),
    underWay: new Set(),
    endless: new Set(),
    requests: new Set(),
    draining: false,
  }
}

/** Sessions belong to what they talk with, so another judge of the same resource goes on with them. */
function sessionsOf(mount: MountSettings, before: readonly Mounted[]): Sessions | undefined {
  const { endpoint, resourceServer, sessions } = mount
  if (sessions === undefined) return undefined
  const found = before.find(
    ({ settings }) =>
      settings.endpoint === endpoint &&
      publicUrlOf(settings).href === publicUrlOf(mount).href &&
      isSameSessions(settings.sessions, sessions),
  )?.sessions
  return found ?? createSessions(sessions, resourceServer, () => performance.now())
}

function isSameMount(one: MountSettings, other: MountSettings): boolean {
  return (
    one.endpoint === other.endpoint &&
    one.resourceServer === other.resourceServer &&
    one.plainForm === other.plainForm &&
    one.maxBodyBytes === other.maxBodyBytes &&
    isSameSessions(one.sessions, other.sessions)
  )
}

function isSameSessions(one: MountSettings['sessions'], other: MountSettings['sessions']): boolean {
  return (
    one?.idleSeconds === other?.idleSeconds &&
    one?.maxPerCaller === other?.maxPerCaller &&
    one?.maxSessions === other?.maxSessions
  )
}

function publicUrlOf({ resourceServer }: MountSettings): URL {
  return new URL(resourceServer.metadata.document.resource)
}
