import { hash } from 'node:crypto'
import type { Caller } from '@mcp-doorman/mcp-endpoint'
import { failureFromSystem, FileFailure } from './failure.ts'
import type { Deny } from './walk/deny.ts'
import type { Directory } from './walk/opener.ts'
import { publishSkeleton, type Skeleton } from './walk/skeleton.ts'
import type { Root } from './walk/walk.ts'

export interface RootsOptions {
  readonly base: Directory
  readonly perUser: boolean
  readonly directoryMode: number
  readonly deny: Deny | undefined
}

/** Finds the root of a caller, from the verified identity alone. @throws {FileFailure} `no_subject` */
export type FindRoot = (caller: Caller | undefined) => Root

export function createFindRoot({ base, perUser, directoryMode, deny }: RootsOptions): FindRoot {
  const shared: Root = { key: '', base, ownDirectory: undefined, directoryMode, deny }
  if (!perUser) return () => shared
  return (caller) => {
    // A transport without callers (stdio) serves the one person who started the process.
    if (caller === undefined) return shared
    const ownDirectory = nameOwnDirectory(caller)
    return { key: ownDirectory, base, ownDirectory, directoryMode, deny }
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

/** What has to be done before a root is first used; `undefined` if nothing. @throws {FileFailure} later */
export type PrepareRoot = (root: Root) => Promise<void> | undefined

/** Gives new users the skeleton. Looks every time, so that a root the operator took away is new again. */
export function createPrepareRoot(skeleton: Skeleton | undefined): PrepareRoot {
  if (skeleton === undefined) return () => undefined
  const copying = new Map<string, Promise<void>>()

  async function copy({ base, key }: Root): Promise<void> {
    try {
      await publishSkeleton(base, key, skeleton ?? [])
    } catch (error) {
      throw failureFromSystem(error, '')
    } finally {
      copying.delete(key)
    }
  }

  return (root) => {
    if (root.ownDirectory === undefined) return undefined
    const started = copying.get(root.key)
    if (started !== undefined || root.base.lstat(root.ownDirectory) !== undefined) return started
    const copied = copy(root)
    copying.set(root.key, copied)
    return copied
  }
}
