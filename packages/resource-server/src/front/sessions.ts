/** Which caller opened which session of the server behind. */
export interface Sessions {
  /** Whether somebody opened it here. */
  readonly knows: (id: string) => boolean
  /** Whether this caller opened it. One that nobody opened here, or that was forgotten, is nobody's. */
  readonly belongsTo: (id: string, callerKey: string) => boolean
  readonly bind: (id: string, callerKey: string) => void
  readonly end: (id: string) => void
}

/**
 * Remembers who opened a session, by issuer, subject and client: not by the token, which is renewed meanwhile.
 *
 * A session id is no credential. Whoever learns one must not get at the session with a token of their own.
 * The longest unused is forgotten beyond `most`; its caller is then told that it is gone, and begins a new one.
 */
export function createSessions(most = 20_000): Sessions {
  const owners = new Map<string, string>()
  return {
    knows: (id) => owners.has(id),
    belongsTo: (id, callerKey) => {
      if (owners.get(id) !== callerKey) return false
      owners.delete(id) // Put back as the most recently used.
      owners.set(id, callerKey)
      return true
    },
    bind: (id, callerKey) => {
      // The server behind made the id; one that it gives out twice stays with whom it was given first.
      if (owners.has(id)) return
      owners.set(id, callerKey)
      for (const oldest of owners.keys()) {
        if (owners.size <= most) break
        owners.delete(oldest)
      }
    },
    end: (id) => void owners.delete(id),
  }
}
