import type { Methods } from './methods.ts'
import type { Cacheable } from './outcome.ts'

/** What the two eras have in common: what is served, and what is said of it. */
export interface Served {
  readonly serverInfo: Readonly<Record<string, unknown>>
  /** Of the offer as it stands now. */
  readonly methods: Methods
  readonly listCache: Cacheable
  /** Whether clients can be told that lists have changed, and that resources have. */
  readonly announcesLists: boolean
  readonly announcesResources: boolean
  /** Whether log messages are passed on to clients. */
  readonly logs: boolean
  /**
   * The capabilities, and the instructions if there are any.
   *
   * @param canTell - whether this client can be told anything that is not part of an answer
   */
  readonly described: (canTell: boolean) => Readonly<Record<string, unknown>>
}
