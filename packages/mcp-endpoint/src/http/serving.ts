import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Granted } from '@mcp-doorman/resource-server'
import type { Cancellation } from '../cancellation.ts'
import type { MountSettings } from './mount.ts'
import type { OpenStreams } from './open-streams.ts'
import type { HttpSettings } from './options.ts'
import type { HttpResponse } from './respond.ts'
import type { Sessions } from './sessions.ts'

/** What a front knows of one mount while it serves it. */
export interface Serving {
  readonly settings: HttpSettings & MountSettings
  /** `undefined` when clients of 2025 are served without sessions. */
  readonly sessions: Sessions | undefined
  readonly streams: OpenStreams
  /** Calls that have not ended, with or without a connection that waits for them. */
  readonly underWay: Set<Cancellation>
  /** Those of them that end only when somebody ends them. */
  readonly endless: Set<Cancellation>
  /** Nothing that lasts is begun any more. */
  draining: boolean
}

/** A request that was granted, with the connection that waits for it. */
export interface GrantedRequest {
  readonly granted: Granted
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Headers that every answer to this request has. */
  readonly headers: Readonly<Record<string, string>> | undefined
  /** Whether its body is one that is counted, of more than 64 KiB. */
  readonly hasLargeBody: () => boolean
  /** Writes an answer that comes whole. */
  readonly respond: (what: HttpResponse, headers: GrantedRequest['headers']) => void
}
