import { type BigIntStats, constants, type Dir } from 'node:fs'

/** How paths are opened. `realpath` can be outrun by somebody who swaps directories for links. */
export type OpenerKind = 'descriptor-walk' | 'realpath'

/** A way to open directories. Both kinds pass the same tests, except those that race. */
export interface Opener {
  readonly kind: OpenerKind
  /** Opens the directory that the operator named, by its resolved path. */
  readonly openBase: (resolvedPath: string) => Directory
}

/**
 * An open directory, and all that is ever done by name in the files server.
 *
 * Every method that takes a name is synchronous: a descriptor's number may be used again by somebody
 * else as soon as it is closed, so no operation may be waiting with that number in its hand.
 * Names have passed the grammar or are our own; none of them is followed if it is a symbolic link.
 * Methods throw the system's error (`ENOENT`, `ELOOP`, …).
 */
export interface Directory {
  readonly fd: number
  readonly openDirectory: (name: string) => Directory
  /** Opens a file and returns its descriptor, which is then the caller's to close. */
  readonly openFile: (name: string, flags: number, mode?: number) => number
  readonly lstat: (name: string) => BigIntStats | undefined
  /** The entries of this directory, through a handle of its own, which is the caller's to close. */
  readonly openEntries: () => Dir
  readonly makeDirectory: (name: string, mode: number) => void
  /** Moves a name into a directory, this one or another, over whatever file has that name there. */
  readonly rename: (name: string, into: Directory, newName: string) => void
  /** Gives a file a second name. A link in its place gets the second name itself, and is not followed. */
  readonly link: (name: string, into: Directory, newName: string) => void
  readonly unlink: (name: string) => void
  readonly removeDirectory: (name: string) => void
  /** How the system is told this name now. For the second directory of a rename or link only. */
  readonly spell: (name: string) => string
  /** Gives the descriptor back; does nothing on the base, which lives as long as the server. */
  readonly close: () => void
}

export const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** O_NONBLOCK: opening a FIFO returns at once. O_NOCTTY: opening a terminal does not adopt it. */
export const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY
export const createFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_NOCTTY
export const appendFlags =
  constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

/** How many entries are fetched from the system at a time. */
export const entriesAtOnce = 200
