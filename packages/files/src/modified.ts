import type { BigIntStats } from 'node:fs'

/** What RFC 3339 can express; disks can hold times far outside of it. */
const earliestMs = Date.parse('0000-01-01T00:00:00.000Z')
const latestMs = Date.parse('9999-12-31T23:59:59.999Z')

/** When the content was last changed, as RFC 3339 in UTC; the nearest time that it can express. */
export function modifiedOf({ mtimeMs }: BigIntStats): string {
  return new Date(Math.min(Math.max(Number(mtimeMs), earliestMs), latestMs)).toISOString()
}
