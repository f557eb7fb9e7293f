import { randomBytes } from 'node:crypto'
import type { Identity } from '@mcp-doorman/resource-server'
import type { LegacyClient } from '../eras/legacy-client.ts'
import { HttpSession } from './session.ts'

export interface SessionOptions {
  /** How long a session may lie unused, in seconds; 1 to 604,800. Default: 1,800. */
  readonly idleSeconds?: number
  /** How many sessions one caller may have, before its oldest unused one is ended; 1 to 10,000. Default: 32. */
  readonly maxPerCaller?: number
  /** How many there may be together; 1 to 1,000,000. Default: 10,000. */
  readonly maxSessions?: number
}

/** The sessions of clients of 2025 (requirements G32 to G34). An id is no proof: it opens nothing for anybody else. */
export interface Sessions {
  /** `undefined` when there are too many. */
  readonly open: (client: LegacyClient, identity: Identity) => HttpSession | undefined
  /** The session of that id, if it is this caller's: issuer, subject and client. Counts as use. */
  readonly find: (id: string, identity: Identity) => HttpSession | undefined
  readonly close: () => void
}

export function createSessions(options: Required<SessionOptions>, nowMilliseconds: () => number): Sessions {
  const { idleSeconds, maxPerCaller, maxSessions } = options
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

  function makeRoom(callerKey: string): boolean {
    const own = [...(byCaller.get(callerKey) ?? [])]
    if (own.length < maxPerCaller) return true
    const [oldest] = own.filter((session) => !session.isBusy).toSorted((a, b) => a.usedAt - b.usedAt)
    oldest?.end('the caller began too many sessions')
    return oldest !== undefined
  }

  function open(client: LegacyClient, identity: Identity): HttpSession | undefined {
    const { callerKey } = identity
    if (!makeRoom(callerKey)) return undefined
    if (sessions.size >= maxSessions) sweep()
    if (sessions.size >= maxSessions) return undefined
    const id = randomBytes(24).toString('base64url')
    const session = new HttpSession(id, client, identity, nowMilliseconds())
    sessions.set(id, session)
    const own = (byCaller.get(callerKey) ?? new Set()).add(session)
    byCaller.set(callerKey, own)
    session.onEnd(() => {
      sessions.delete(id)
      own.delete(session)
      if (own.size === 0) byCaller.delete(callerKey)
    })
    return session
  }

  return {
    open,
    find: (id, identity) => {
      const session = sessions.get(id)
      // Somebody else's session is as unknown as one that never was.
      if (session === undefined || session.identity.callerKey !== identity.callerKey) return undefined
      if (isOver(session)) {
        session.end('the session was not used for too long')
        return undefined
      }
      session.use(identity, nowMilliseconds())
      return session
    },
    close: () => {
      clearInterval(sweeper)
      for (const session of sessions.values()) session.end('the server is closing')
    },
  }
}
