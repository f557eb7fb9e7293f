import { randomBytes } from 'node:crypto'

/** A browser, or whatever sent the cookie. */
export interface Session {
  readonly id: string
  /** Whether this answer must name it, since the request did not. */
  readonly isNew: boolean
}

const cookieName = 'casdoor_session_id'
const cookiePattern = new RegExp(`(?:^|;\\s*)${cookieName}=([0-9a-f]{32})(?:;|$)`)
const secondsToLive = 30 * 24 * 3600
/** Every request without a cookie opens one; the oldest go first. */
const mostSessions = 10_000

/** The sessions of an instance, and who is signed in to each. */
export class Sessions {
  /** `organization/name`; empty while nobody is. */
  readonly #users = new Map<string, string>()

  /** Finds the session that a request names, or opens one. */
  open(cookies: string | undefined): Session {
    const id = cookiePattern.exec(cookies ?? '')?.[1]
    if (id !== undefined && this.#users.has(id)) return { id, isNew: false }
    return { id: this.#create(), isNew: true }
  }

  /** Ends a session, and opens another in its place. */
  renew(session: Session): Session {
    this.#users.delete(session.id)
    return { id: this.#create(), isNew: true }
  }

  userOf(session: Session): string | undefined {
    const user = this.#users.get(session.id)
    return user === '' ? undefined : user
  }

  signIn(session: Session, user: string): void {
    this.#users.set(session.id, user)
  }

  #create(): string {
    const oldest = this.#users.keys().next()
    if (this.#users.size >= mostSessions && oldest.done !== true) this.#users.delete(oldest.value)
    const id = randomBytes(16).toString('hex')
    this.#users.set(id, '')
    return id
  }
}

export function formatCookie(session: Session, nowSeconds: number): string {
  const expires = new Date((nowSeconds + secondsToLive) * 1000).toUTCString()
  return `${cookieName}=${session.id}; Path=/; Expires=${expires}; Max-Age=${secondsToLive}; HttpOnly`
}
