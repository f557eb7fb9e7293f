import type { Caller } from './call-context.ts'

/** A list that can change. */
export type ListKind = 'tools' | 'prompts' | 'resources'

/** For whom a change of a resource is, where its address means something else for each caller. */
export type Audience = (caller: Caller | undefined) => boolean

/** Somebody who is told of changes. */
export interface Subscriber {
  readonly caller: Caller | undefined
  /** One string for the caller; empty where there are no callers. */
  readonly callerKey: string
  readonly wantsList: (kind: ListKind) => boolean
  /** Judged at each change (requirement E13). */
  readonly mayKnow: (uri: string) => boolean
  /** Sends the notification; must not throw. */
  readonly tell: (method: string, params: Readonly<Record<string, unknown>>) => void
}

/** A subscriber's place. */
export interface Subscription {
  /** @returns whether there is such a resource, whose changes are told from now on */
  readonly watch: (uri: string) => boolean | Promise<boolean>
  readonly unwatch: (uri: string) => void
  readonly close: () => void
}

export interface Subscriptions {
  /** @param exists - whether there is a resource, of which somebody may then be told */
  readonly add: (subscriber: Subscriber, exists: (uri: string) => boolean) => Subscription
  /** Tells everybody who wants to know, a moment later. */
  readonly listChanged: (kind: ListKind) => void
  readonly resourceUpdated: (uri: string, to: Audience | undefined) => void
}

// Changes come in swarms: what changes again within this time is told once (requirement J11).
const gatherMilliseconds = 20
// Each change of the moment may be for others. More than this are told at once, rather than asked one by one.
const mostAudiences = 64

/** Those who are told of changes. What happened before somebody was added is not told to them. */
export function createSubscriptions(): Subscriptions {
  const subscribers = new Set<Subscriber>()
  const watchers = new Map<string, Set<Subscriber>>()
  let lists = new Set<ListKind>()
  let resources = new Map<string, Set<Audience | undefined>>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const [changedLists, changedResources] = [lists, resources]
    lists = new Set()
    resources = new Map()
    for (const [uri, audiences] of changedResources) {
      for (const subscriber of watchers.get(uri) ?? []) {
        if (concerns(audiences, subscriber) && subscriber.mayKnow(uri)) {
          subscriber.tell('notifications/resources/updated', { uri })
        }
      }
    }
    for (const kind of changedLists) {
      for (const subscriber of subscribers) {
        if (subscriber.wantsList(kind)) subscriber.tell(`notifications/${kind}/list_changed`, {})
      }
    }
  }

  return {
    add: (subscriber, exists) => {
      const watched = new Set<string>()
      subscribers.add(subscriber)
      const unwatch = (uri: string): void => {
        watched.delete(uri)
        const others = watchers.get(uri)
        others?.delete(subscriber)
        if (others?.size === 0) watchers.delete(uri)
      }
      return {
        watch: (uri) => {
          if (!exists(uri)) return false
          watched.add(uri)
          watchers.set(uri, (watchers.get(uri) ?? new Set()).add(subscriber))
          return true
        },
        unwatch,
        close: () => {
          subscribers.delete(subscriber)
          for (const uri of watched) unwatch(uri)
        },
      }
    },
    listChanged: (kind) => {
      if (subscribers.size === 0) return
      lists.add(kind)
      timer ??= setTimeout(flush, gatherMilliseconds)
    },
    resourceUpdated: (uri, to) => {
      if (!watchers.has(uri)) return
      const audiences = (resources.get(uri) ?? new Set()).add(to)
      resources.set(uri, audiences)
      timer ??= setTimeout(flush, gatherMilliseconds)
      if (audiences.size >= mostAudiences) flush()
    },
  }
}

function concerns(audiences: ReadonlySet<Audience | undefined>, { caller }: Subscriber): boolean {
  return [...audiences].some((to) => {
    if (to === undefined) return true
    try {
      return to(caller)
    } catch {
      return false // Whoever cannot say for whom it is has said it for nobody.
    }
  })
}
