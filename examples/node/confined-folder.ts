/**
 * A folder that no path leads out of.
 *
 * A path is walked name by name: each folder is opened below the one before, by its descriptor and without following
 * a link. Comparing resolved paths would not do: between the look and the use somebody may put a link in the way.
 * Every step is synchronous, since the number of a descriptor may be another file's as soon as it is closed.
 *
 * Linux only, whose /proc/self/fd lets names be opened below a descriptor.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'

/** Says, in words for the caller, why a path was refused. */
export class FolderError extends Error {}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const maxBytes = 1024 * 1024

export class ConfinedFolder {
  readonly #top: number

  /** @throws {Error} when there is no such folder */
  constructor(path: string) {
    this.#top = openSync(path, O_RDONLY | O_DIRECTORY)
  }

  read(path: string): string {
    return this.#inParent(path, (parent, name) => {
      // Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
      const file = openSync(below(parent, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      try {
        const { size } = regularFile(fstatSync(file))
        if (size > maxBytes) throw new FolderError(`The file has more than ${maxBytes} bytes.`)
        return readFileSync(file, 'utf8')
      } finally {
        closeSync(file)
      }
    })
  }

  /** Whole or not at all: readers see the old text until the new one is complete. */
  write(path: string, content: string): void {
    if (Buffer.byteLength(content) > maxBytes) throw new FolderError(`Write at most ${maxBytes} bytes.`)
    this.#inParent(path, (parent, name) => {
      const before = lstatSync(below(parent, name), { throwIfNoEntry: false })
      if (before !== undefined) regularFile(before)
      const unfinished = below(parent, `.${randomUUID()}.unfinished`)
      const file = openSync(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, before?.mode ?? 0o644)
      try {
        writeFileSync(file, content)
        fsyncSync(file)
        renameSync(unfinished, below(parent, name)) // A link that has come there meanwhile is replaced, not followed.
      } catch (error) {
        rmSync(unfinished, { force: true })
        throw error
      } finally {
        closeSync(file)
      }
    })
  }

  list(path: string): readonly string[] {
    return this.#inFolder(namesOf(path), (folder) =>
      readdirSync(below(folder, '.'), { withFileTypes: true })
        .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
        .sort(),
    )
  }

  #inParent<Result>(path: string, use: (parent: number, name: string) => Result): Result {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) throw new FolderError('The path names the folder itself.')
    return this.#inFolder(names, (parent) => use(parent, name))
  }

  #inFolder<Result>(names: readonly string[], use: (folder: number) => Result): Result {
    let folder = this.#top
    try {
      for (const name of names) {
        const next = openSync(below(folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        if (folder !== this.#top) closeSync(folder)
        folder = next
      }
      return use(folder)
    } catch (error) {
      throw explain(error)
    } finally {
      if (folder !== this.#top) closeSync(folder)
    }
  }
}

function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '.')
  for (const name of names) {
    if (name === '' || name === '..' || name.includes('\0')) {
      throw new FolderError('Write the path from the top of the folder, without "..": "plans/summer.md".')
    }
  }
  return names
}

function below(folder: number, name: string): string {
  return `/proc/self/fd/${folder}/${name}`
}

function regularFile<Stats extends { isFile(): boolean }>(stats: Stats): Stats {
  if (!stats.isFile()) throw new FolderError('That is not a file.')
  return stats
}

/** The system's own words would show where the folder is. */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ENOENT':
      return new FolderError('There is nothing of that name.')
    case 'ELOOP':
    case 'ENOTDIR':
      return new FolderError('The path leads through a link or a file.')
    case 'ENXIO':
      return new FolderError('That is not a file.')
    case 'EACCES':
    case 'EPERM':
      return new FolderError('The server may not do that.')
    case 'ENAMETOOLONG':
      return new FolderError('The path is too long.')
    default:
      return error
  }
}
