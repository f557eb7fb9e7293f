import { hash } from 'node:crypto'
import type { Caller } from '@mcp-doorman/mcp-endpoint'
import { FileFailure } from './failure.ts'
import type { Directory } from './walk/opener.ts'
import type { Root } from './walk/walk.ts'

export interface RootsOptions {
  readonly base: Directory
  readonly perUser: boolean
  readonly directoryMode: number
}

/** Finds the root of a caller, from the verified identity alone. @throws {FileFailure} `no_subject` */
export type FindRoot = (caller: Caller | undefined) => Root

export function createFindRoot({ base, perUser, directoryMode }: RootsOptions): FindRoot {
  const shared: Root = { key: '', base, ownDirectory: undefined, directoryMode }
  if (!perUser) return () => shared
  return (caller) => {
    // A transport without callers (stdio) serves the one person who started the process.
    if (caller === undefined) return shared
    const ownDirectory = nameOwnDirectory(caller)
    return { key: ownDirectory, base, ownDirectory, directoryMode }
  }
}

/** SHA-256 of issuer, NUL and subject, in hex: no text from a token ever becomes a name on the disk. */
function nameOwnDirectory({ issuer, subject }: Caller): string {
  // Fails closed also on what the types exclude. A NUL in the issuer, or a lone surrogate (hashed as
  // U+FFFD), would let two identities share a directory.
  const sound = typeof subject === 'string' && typeof issuer === 'string' && subject !== '' && issuer !== ''
  if (!sound || issuer.includes('\0') || !issuer.isWellFormed() || !subject.isWellFormed()) {
    const why = 'Every user has a directory of their own here, and your token does not say who you are'
    throw new FileFailure('no_subject', `${why} (no usable "sub"). Log in as a user and try again.`)
  }
  return hash('sha256', `${issuer}\0${subject}`, 'hex')
}
