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
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { type Directory, directoryFlags, entriesAtOnce, type Opener } from './opener.ts'

/**
 * Opens names relative to open descriptors: `/proc/self/fd/<number>/<name>` acts as `openat`.
 *
 * The number stands for the directory that was opened, wherever it is moved and whatever takes its
 * place, so there is no second look-up that somebody could win a race against.
 */
export const descriptorWalk: Opener = {
  kind: 'descriptor-walk',
  openBase: (resolvedPath) => new DescriptorDirectory(openSync(resolvedPath, directoryFlags), 'base'),
}

/** The number by which statfs(2) knows procfs (`PROC_SUPER_MAGIC`). */
const procMagic = 0x9fa0

/** Whether {@link descriptorWalk} works here, tried out on an open directory. */
export function canWalkDescriptors(fd: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    if (statfsSync('/proc').type !== procMagic) return false
    const direct = fstatSync(fd, { bigint: true })
    const through = statSync(`/proc/self/fd/${fd}/.`, { bigint: true })
    return direct.dev === through.dev && direct.ino === through.ino
  } catch {
    return false // No /proc, or one that is hidden: the answer is no, whatever the reason.
  }
}

class DescriptorDirectory implements Directory {
  readonly fd: number
  readonly #here: string
  readonly #lifetime: 'base' | 'call'

  constructor(fd: number, lifetime: 'base' | 'call') {
    this.fd = fd
    this.#here = `/proc/self/fd/${fd}/`
    this.#lifetime = lifetime
  }

  openDirectory(name: string): Directory {
    return new DescriptorDirectory(openSync(this.#here + name, directoryFlags), 'call')
  }

  openFile(name: string, flags: number, mode?: number): number {
    return openSync(this.#here + name, flags, mode)
  }

  lstat(name: string): BigIntStats | undefined {
    return lstatSync(this.#here + name, { bigint: true, throwIfNoEntry: false })
  }

  openEntries(): Dir {
    return opendirSync(this.#here, { bufferSize: entriesAtOnce })
  }

  makeDirectory(name: string, mode: number): void {
    mkdirSync(this.#here + name, { mode })
  }

  rename(name: string, into: Directory, newName: string): void {
    renameSync(this.#here + name, into.spell(newName))
  }

  link(name: string, into: Directory, newName: string): void {
    linkSync(this.#here + name, into.spell(newName))
  }

  unlink(name: string): void {
    unlinkSync(this.#here + name)
  }

  removeDirectory(name: string): void {
    rmdirSync(this.#here + name)
  }

  spell(name: string): string {
    return this.#here + name
  }

  close(): void {
    if (this.#lifetime === 'call') closeSync(this.fd)
  }
}
