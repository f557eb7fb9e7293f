import { messageOf } from '../failure.ts'

/** How the last attempt to read the configuration anew went. */
export interface ReloadState {
  /** True from the start on, since nothing starts without a configuration. */
  readonly config_last_reload_successful: boolean
  /** When the configuration that is in use was read, in ISO 8601. */
  readonly config_loaded_at: string
  /** When it was last tried, and what was wrong; absent after success. */
  readonly config_last_failure?: { readonly at: string; readonly problems: string }
}

/** Why a configuration is read anew: it was asked for, or the file was perhaps changed. */
export type ReloadReason = 'signal' | 'change'

export interface Reloader {
  /** Reads the configuration anew, after what is under way. Never rejects. */
  readonly reload: (reason: ReloadReason) => Promise<void>
  readonly state: () => ReloadState
}

export interface ReloaderOptions {
  /**
   * Reads, builds and swaps.
   *
   * @returns what to tell the operator; `undefined` when there was nothing to do
   * @throws {Error} (as a rejection) with everything that is wrong; then nothing has changed
   */
  readonly load: (reason: ReloadReason) => Promise<string | undefined>
  readonly say: (line: string) => void
}

/** Builds what reads a configuration anew: one at a time, and once more for whatever came meanwhile. */
export function createReloader({ load, say }: ReloaderOptions): Reloader {
  const now = (): string => new Date().toISOString()
  let state: ReloadState = { config_last_reload_successful: true, config_loaded_at: now() }
  let underWay: Promise<void> = Promise.resolve()
  const waiting = new Map<ReloadReason, Promise<void>>()

  async function run(reason: ReloadReason): Promise<void> {
    waiting.delete(reason)
    try {
      const told = await load(reason)
      if (told === undefined && state.config_last_reload_successful) return
      // A file that is again what is in use mends a failure, too.
      const { config_loaded_at: before } = state
      state = {
        config_last_reload_successful: true,
        config_loaded_at: told === undefined ? before : now(),
      }
      say(told ?? 'The configuration is again the one that is in use.')
    } catch (error) {
      const problems = messageOf(error)
      state = {
        ...state,
        config_last_reload_successful: false,
        config_last_failure: { at: now(), problems },
      }
      say(`${problems.trimEnd()}\nThe running configuration was kept.`)
    }
  }

  return {
    reload: (reason) => {
      let pending = waiting.get(reason)
      if (pending === undefined) {
        pending = underWay.then(() => run(reason))
        waiting.set(reason, pending)
        underWay = pending
      }
      return pending
    },
    state: () => state,
  }
}
