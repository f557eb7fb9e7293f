import type { Call } from '../calls.ts'
import { FileFailure, quoteName } from '../failure.ts'
import { etagOf } from '../etag.ts'
import type { Quota } from '../quota.ts'
import type { Turns } from '../turns.ts'
import type { CallerPath } from '../walk/grammar.ts'
import type { Root } from '../walk/walk.ts'
import type { BigIntStats } from 'node:fs'

/** What the tools that change files share. */
export interface ChangeParts {
  /** One writer at a time for each file of each root. */
  readonly locks: Turns
  readonly quota: Quota
  /** Permissions of files that did not exist before. */
  readonly fileMode: number
  /** Told of every path whose content or existence a call has changed. */
  readonly onChange: (root: Root, path: CallerPath) => void
}

/** Runs the work while no other call of this process changes these paths. */
export async function withLocks<T>(
  locks: Turns,
  paths: readonly CallerPath[],
  call: Call,
  work: () => Promise<T>,
): Promise<T> {
  // Always in the same order, so that two calls cannot wait for each other.
  const keys = [...new Set(paths.map(({ text }) => `${call.root.key}\0${text}`))].toSorted()
  const held: string[] = []
  try {
    for (const key of keys) {
      await locks.take(key, call.signal)
      held.push(key)
    }
    return await work()
  } finally {
    for (const key of held) locks.give(key)
  }
}

/** @throws {FileFailure} `conflict` unless there is a file with exactly this etag */
export function requireMatch(existing: BigIntStats | undefined, etag: string, path: CallerPath): void {
  if (existing?.isFile() === true && etagOf(existing) === etag) return
  const what = existing === undefined ? 'does not exist any more' : 'has changed'
  const advice = 'Read it again, and go on with its new etag.'
  throw new FileFailure('conflict', `${quoteName(path.text)} ${what}. ${advice}`)
}
