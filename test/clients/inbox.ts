import { EventEmitter, once } from 'node:events'

export type Json = Readonly<Record<string, unknown>>

export interface Notice {
  readonly method: string
  readonly params: Json
}

const patienceMilliseconds = 10_000

/** What a client's handlers were given, in order. */
export class Inbox {
  readonly notices: Notice[] = []
  readonly #changed = new EventEmitter()

  add(method: string, params: Json | undefined): void {
    this.notices.push({ method, params: params ?? {} })
    this.#changed.emit('change')
  }

  of(method: string): readonly Json[] {
    return this.notices.filter((notice) => notice.method === method).map(({ params }) => params)
  }

  /** The parameters of these notices, as soon as there are so many. */
  async received(method: string, count = 1): Promise<readonly Json[]> {
    const signal = AbortSignal.timeout(patienceMilliseconds)
    while (this.of(method).length < count) await once(this.#changed, 'change', { signal })
    return this.of(method)
  }
}

/** The notifications that are recorded. */
export const noticeMethods = [
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
] as const
