import { randomBytes } from 'node:crypto'
import type { Identity, ResourceServer } from '@mcp-doorman/resource-server'
import type { LegacyClient } from '../eras/legacy-client.ts'
import { HttpSession } from './session.ts'

export interface SessionOptions {
  /** How long a session may lie unused, in seconds; 1 to 604,800. Default: 1,800. */
  readonly idleSeconds?: number
  /** How many sessions one caller may have, before the one that it has not used for longest is ended; 1 to 10,000. Default: 32. */
  readonly maxPerCaller?: number
  /** How many there may be together, before the one that was not used for longest is ended; 1 to 1,000,000. Default: 10,000. */
  readonly maxSessions?: number
}

/** The sessions of clients of 2025 (requirements G32 to G34). An id is no proof: it opens nothing for anybody else. */
export interface Sessions {
  /** Who says now what their callers may be told of; another one when the configuration was replaced. */
  judge: Pick<ResourceServer, 'allows'>
  /** `undefined` when there are too many, and all of them are in use. */
  readonly open: (client: LegacyClient, identity: Identity) => HttpSession | undefined
  /** The session of that id, if it is this caller's: issuer, subject and client. Counts as use. */
  readonly find: (id: string, identity: Identity) => HttpSession | undefined
  /** Ends the streams that belong to no call, so that only calls keep connections. */
  readonly endOwnStreams: () => void
  readonly close: () => void
}

export function createSessions(
  options: Required<SessionOptions>,
  judge: Sessions['judge'],
  nowMilliseconds: () => number,
): Sessions {
  const { idleSeconds, maxPerCaller, maxSessions } = options
  // The one that was not used for longest comes first: use puts a session at the end.
  const sessions = new Map<string, HttpSession>()
  const byCaller = new Map<string, Set<HttpSession>>()
  const sweeper = setInterval(sweep, Math.min(idleSeconds, 60) * 1000).unref()

  function isOver(session: HttpSession): boolean {
    return !session.isBusy && nowMilliseconds() - session.usedAt > idleSeconds * 1000
  }

  function sweep(): void {
    for (const session of sessions.values()) {
      if (isOver(session)) session.end('the session was not used for too long')
    }
  }

  /** Whether one more fits among these, if need be in the place of the first that is not in use. */
  function makeRoom(among: Iterable<HttpSession>, count: number, most: number): boolean {
    if (count < most) return true
    for (const session of among) {
      if (session.isBusy) continue
      session.end('there were too many sessions')
      return true
    }
    return false
  }

  function open(client: LegacyClient, identity: Identity): HttpSession | undefined {
    const { callerKey } = identity
    const own = byCaller.get(callerKey) ?? new Set()
    if (!makeRoom(own, own.size, maxPerCaller)) return undefined
    if (!makeRoom(sessions.values(), sessions.size, maxSessions)) return undefined
    const id = randomBytes(24).toString('base64url')
    const session = new HttpSession(id, client, identity, nowMilliseconds())
    sessions.set(id, session)
    byCaller.set(callerKey, own.add(session))
    session.onEnd(() => {
      sessions.delete(id)
      own.delete(session)
      if (own.size === 0) byCaller.delete(callerKey)
    })
    return session
  }

  function find(id: string, identity: Identity): HttpSession | undefined {
    const session = sessions.get(id)
    const own = byCaller.get(identity.callerKey)
    // Somebody else's session is as unknown as one that never was.
    if (session === undefined || own?.has(session) !== true) return undefined
    if (isOver(session)) {
      session.end('the session was not used for too long')
      return undefined
    }
    session.use(identity, nowMilliseconds())
    sessions.delete(id)
    sessions.set(id, session)
    own.delete(session)
    own.add(session)
    return session
  }

  return {
    judge,
    open,
    find,
    endOwnStreams: () => {
      for (const session of sessions.values()) session.ownLog.end()
    },
    close: () => {
      clearInterval(sweeper)
      for (const session of sessions.values()) session.end('the server is closing')
    },
  }
}
