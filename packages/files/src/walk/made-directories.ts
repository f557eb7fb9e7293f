import { errnoOf } from '../failure.ts'
import type { Directory } from './opener.ts'
import { syncDirectory } from './publish.ts'

interface Made {
  readonly parent: Directory
  readonly name: string
}

/**
 * The directories that one call made on its way to a new file, outermost first.
 *
 * Keeps their parents open, so that the names can be made durable with the file, or taken back without it.
 */
export class MadeDirectories {
  readonly #made: Made[] = []

  get count(): number {
    return this.#made.length
  }

  /** Makes a directory unless it is there. The parent is kept, and closed by {@link MadeDirectories.close}. */
  make(parent: Directory, name: string, mode: number): 'made' | 'was-there' {
    try {
      parent.makeDirectory(name, mode)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return 'was-there'
      throw error
    }
    this.#made.push({ parent, name })
    return 'made'
  }

  async sync(): Promise<void> {
    for (const { parent } of this.#made) await syncDirectory(parent)
  }

  /** Removes those that are empty. What somebody else has put into one meanwhile stays. */
  takeBack(): void {
    for (const { parent, name } of this.#made.toReversed()) {
      try {
        parent.removeDirectory(name)
      } catch (error) {
        if (errnoOf(error) === undefined) throw error
      }
    }
  }

  close(): void {
    for (const { parent } of this.#made) parent.close()
  }
}
