import type { Caller } from './call-context.ts'

/** What can change. */
export type Change =
  | { readonly kind: 'tools' | 'prompts' | 'resources' }
  | {
      readonly kind: 'resource'
      readonly uri: string
      readonly to: ((caller: Caller | undefined) => boolean) | undefined
    }

/** Somebody who is told of changes. */
export interface Subscriber {
  readonly caller: Caller | undefined
  readonly wants: (change: Change) => boolean
  /** Sends the notification; must not throw. */
  readonly tell: (method: string, params: Readonly<Record<string, unknown>>) => void
}

export interface Subscriptions {
  /** Returns what takes the subscriber out again. */
  readonly add: (subscriber: Subscriber) => () => void
  /** Tells everybody who wants to know, a moment later. */
  readonly announce: (change: Change) => void
}

// Changes come in swarms: what changes again within this time is told once (requirement J11).
const gatherMilliseconds = 20

/** Those who are told of changes. What happened before somebody was added is not told to them. */
export function createSubscriptions(): Subscriptions {
  const subscribers = new Set<Subscriber>()
  let gathered = new Map<string, Change[]>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    timer = undefined
    const changes = gathered
    gathered = new Map()
    for (const same of changes.values()) {
      const [first] = same
      if (first === undefined) continue
      for (const subscriber of subscribers) {
        if (same.some((change) => reaches(change, subscriber)) && subscriber.wants(first)) {
          subscriber.tell(methodOf(first), first.kind === 'resource' ? { uri: first.uri } : {})
        }
      }
    }
  }

  return {
    add: (subscriber) => {
      subscribers.add(subscriber)
      return () => void subscribers.delete(subscriber)
    },
    announce: (change) => {
      if (subscribers.size === 0) return
      const key = change.kind === 'resource' ? `resource ${change.uri}` : change.kind
      const same = gathered.get(key)
      if (same === undefined) gathered.set(key, [change])
      else if (change.kind === 'resource') addAudience(same, change)
      timer ??= setTimeout(flush, gatherMilliseconds)
    },
  }
}

/** Each change may be for others; the same function is for the same. */
function addAudience(same: Change[], change: Change & { readonly kind: 'resource' }): void {
  if (!same.some((other) => other.kind === 'resource' && other.to === change.to)) same.push(change)
}

function reaches(change: Change, { caller }: Subscriber): boolean {
  if (change.kind !== 'resource' || change.to === undefined) return true
  try {
    return change.to(caller)
  } catch {
    return false // Whoever cannot say for whom it is has said it for nobody.
  }
}

function methodOf({ kind }: Change): string {
  return kind === 'resource' ? 'notifications/resources/updated' : `notifications/${kind}/list_changed`
}
