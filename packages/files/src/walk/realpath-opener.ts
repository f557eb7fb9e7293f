import {
  type BigIntStats,
  closeSync,
  type Dir,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  realpathSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import { type Directory, directoryFlags, entriesAtOnce, type Opener } from './opener.ts'

/**
 * Opens by path, then looks whether the path still leads to what was opened.
 *
 * For systems without `/proc`. It refuses every link that stands still. Against somebody who swaps
 * directories for links while a call runs, each look is a guess about the moment before: a read needs
 * three swaps in the right moments to leak, but one swap may make, rename or remove a name elsewhere.
 */
export const realpathOpener: Opener = {
  kind: 'realpath',
  openBase: (resolvedPath) =>
    new CheckedDirectory(openSync(resolvedPath, directoryFlags), resolvedPath, 'base'),
}

class CheckedDirectory implements Directory {
  readonly fd: number
  readonly #path: string
  readonly #lifetime: 'base' | 'call'

  constructor(fd: number, path: string, lifetime: 'base' | 'call') {
    this.fd = fd
    this.#path = path
    this.#lifetime = lifetime
  }

  openDirectory(name: string): Directory {
    return new CheckedDirectory(this.openFile(name, directoryFlags), this.#at(name), 'call')
  }

  openFile(name: string, flags: number, mode?: number): number {
    this.#confirm()
    const path = this.#at(name)
    const fd = openSync(path, flags, mode)
    try {
      confirmSame(fd, path)
      this.#confirm()
    } catch (error) {
      closeSync(fd)
      throw error
    }
    return fd
  }

  lstat(name: string): BigIntStats | undefined {
    return this.#confirmed(() => lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false }))
  }

  openEntries(): Dir {
    this.#confirm()
    const entries = opendirSync(this.#path, { bufferSize: entriesAtOnce })
    try {
      this.#confirm()
    } catch (error) {
      entries.closeSync()
      throw error
    }
    return entries
  }

  makeDirectory(name: string, mode: number): void {
    this.#confirmed(() => mkdirSync(this.#at(name), { mode }))
  }

  rename(name: string, into: Directory, newName: string): void {
    this.#confirmed(() => renameSync(this.#at(name), into.spell(newName)))
    into.spell(newName)
  }

  link(name: string, into: Directory, newName: string): void {
    this.#confirmed(() => linkSync(this.#at(name), into.spell(newName)))
    into.spell(newName)
  }

  unlink(name: string): void {
    this.#confirmed(() => unlinkSync(this.#at(name)))
  }

  removeDirectory(name: string): void {
    this.#confirmed(() => rmdirSync(this.#at(name)))
  }

  spell(name: string): string {
    this.#confirm()
    return this.#at(name)
  }

  close(): void {
    if (this.#lifetime === 'call') closeSync(this.fd)
  }

  #at(name: string): string {
    return `${this.#path}/${name}`
  }

  #confirmed<T>(operation: () => T): T {
    this.#confirm()
    const result = operation()
    this.#confirm()
    return result
  }

  #confirm(): void {
    confirmSame(this.fd, this.#path)
  }
}

/** Throws unless the path, with no link in it, names what the descriptor has open. */
function confirmSame(fd: number, path: string): void {
  const spelled = realpathSync.native(path)
  // A disk that folds case gives its own spelling back: one file, one spelling, so ours names nothing.
  if (spelled.toLowerCase() === path.toLowerCase() && spelled !== path) throw systemError('ENOENT')
  const there = lstatSync(path, { bigint: true })
  const here = fstatSync(fd, { bigint: true })
  if (spelled !== path || there.ino !== here.ino || there.dev !== here.dev) throw systemError('ELOOP')
}

function systemError(code: 'ELOOP' | 'ENOENT'): Error {
  return Object.assign(new Error('the path does not lead to what was opened'), { code })
}
