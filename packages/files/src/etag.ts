import { hash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'

/**
 * Names one version of a file: inode, size, time of the last change to content and to attributes.
 *
 * Kernels before 6.13 keep coarse times: two edits in place, of one size, within one tick of the clock
 * (4 ms) may get the same tag. Our own replacements never do, as each has a new inode.
 */
export function etagOf(stats: BigIntStats): string {
  const facts = `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`
  return hash('sha256', facts, 'base64url').slice(0, etagLength)
}

/** Characters of an etag: 132 bits. */
export const etagLength = 22
