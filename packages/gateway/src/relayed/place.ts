import type { SourceChanges } from '@mcp-doorman/mcp-endpoint'
import type { Connection, ConnectionEvents } from '../connection/connection.ts'
import { Backoff } from './backoff.ts'

/** One principal's place: its connection if there is one, and who follows it. */
export interface Place {
  readonly key: string
  readonly backoff: Backoff
  readonly followers: Set<Follower>
  opening: Promise<Connection> | undefined
  connection: Connection | undefined
  /** How many use the connection, or wait for it. */
  users: number
  usedAt: number
  /** Until it is ended, because nobody uses it. */
  idle: NodeJS.Timeout | undefined
  /** Until it is opened again, because somebody follows it. */
  again: NodeJS.Timeout | undefined
}

/** Who is told of changes at one principal's connection. */
export interface Follower {
  readonly told: SourceChanges
  readonly uris: Set<string>
}

export function createPlace(key: string, mostBackoffSeconds: number): Place {
  return {
    key,
    backoff: new Backoff(mostBackoffSeconds, () => performance.now()),
    followers: new Set(),
    opening: undefined,
    connection: undefined,
    users: 0,
    usedAt: performance.now(),
    idle: undefined,
    again: undefined,
  }
}

export function isOpen({ connection, opening }: Place): boolean {
  return connection !== undefined || opening !== undefined
}

/** What a connection tells of, to whoever follows it then. */
export function tellFollowers({
  followers,
}: Place): Pick<ConnectionEvents, 'listChanged' | 'resourceUpdated'> {
  return {
    listChanged: (kind) => {
      for (const { told } of followers) told.listChanged(kind)
    },
    resourceUpdated: (uri) => {
      for (const { told, uris } of followers) if (uris.has(uri)) told.resourceUpdated(uri)
    },
  }
}
