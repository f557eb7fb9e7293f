/** Which caller opened which session of the server behind. */
export interface Sessions {
  /** Whether somebody opened it here. */
  readonly knows: (id: string) => boolean
  /** Whether this caller opened it. One that nobody opened here, or that was forgotten, is nobody's. */
  readonly belongsTo: (id: string, callerKey: string) => boolean
  readonly bind: (id: string, callerKey: string) => void
  readonly end: (id: string) => void
}

export interface SessionBounds {
  readonly most: number
  readonly mostPerCaller: number
}

// A service that acts for many people is one caller, and may have as many sessions open as it has agents at work.
const usualBounds: SessionBounds = { most: 20_000, mostPerCaller: 256 }

/**
 * Remembers who opened a session, by issuer, subject and client: not by the token, which is renewed meanwhile.
 *
 * A session id is no credential. Whoever learns one must not get at the session with a token of their own.
 * The longest unused is forgotten beyond the bounds, of its caller first, so that nobody can push out those of others by
 * opening many; its caller is then told that it is gone, and begins a new one.
 */
export function createSessions({ most, mostPerCaller }: SessionBounds = usualBounds): Sessions {
  // The one that was not used for longest comes first, in both.
  const owners = new Map<string, string>()
  const byCaller = new Map<string, Set<string>>()

  function keep(id: string, callerKey: string): void {
    owners.set(id, callerKey)
    const own = byCaller.get(callerKey)
    if (own === undefined) byCaller.set(callerKey, new Set([id]))
    else own.add(id)
  }

  function forget(id: string): void {
    const callerKey = owners.get(id)
    if (callerKey === undefined) return
    owners.delete(id)
    const own = byCaller.get(callerKey)
    own?.delete(id)
    if (own?.size === 0) byCaller.delete(callerKey)
  }

  function shrink(ids: Iterable<string>, size: number, bound: number): void {
    if (size <= bound) return
    for (const oldest of ids) return forget(oldest)
  }

  return {
    knows: (id) => owners.has(id),
    belongsTo: (id, callerKey) => {
      if (owners.get(id) !== callerKey) return false
      forget(id) // Put back as the most recently used.
      keep(id, callerKey)
      return true
    },
    bind: (id, callerKey) => {
      // The server behind made the id; one that it gives out twice stays with whom it was given first.
      if (owners.has(id)) return
      keep(id, callerKey)
      const own = byCaller.get(callerKey) ?? new Set()
      shrink(own, own.size, mostPerCaller)
      shrink(owners.keys(), owners.size, most)
    },
    end: forget,
  }
}
