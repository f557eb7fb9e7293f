import { readSync } from 'node:fs'
import { afterNewline, cutOnCharacter, type TextEncoding, unitLength } from './encoding.ts'

/** Most bytes of text in one answer: about what clients show of a tool's answer before they cut it. */
export const maxPageBytes = 65_536

/** Most bytes that are taken from a file for a page; UTF-16 may grow by half when written as UTF-8. */
export function maxRawPageBytes(encoding: TextEncoding): number {
  return unitLength(encoding) === 2 ? maxPageBytes / 2 : maxPageBytes
}

/**
 * Fills the buffer from an open file, as far as the file goes. Returns the number of bytes.
 *
 * The size that the file claimed only saves a system call: a file that has grown is read no further, and
 * files that claim nothing (those of procfs) are read until they end.
 */
export function readAt(fd: number, buffer: Buffer, position: number, claimedSize: number): number {
  let filled = 0
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, position + filled)
    filled += count
    if (count === 0 || position + filled === claimedSize) break
  }
  return filled
}

export interface PageCut {
  /** Bytes that belong to the page. */
  readonly length: number
  /** Lines that the page shows, a last line that is cut included. */
  readonly lines: number
  /** The page ends inside a line that goes on. */
  readonly insideLine: boolean
}

/**
 * Decides where a page ends: after `limit` lines, else where the file ends, else after the last line
 * that fits whole, else inside the line, between two characters.
 *
 * `bytes` starts where the page starts, and is longer than `maxBytes` only if the file goes on.
 */
export function cutPage(bytes: Buffer, encoding: TextEncoding, limit: number, maxBytes: number): PageCut {
  const usable = Math.min(bytes.length, maxBytes)
  let end = 0
  let lines = 0
  while (lines < limit && end < usable) {
    const next = afterNewline(bytes, end, encoding)
    if (next === -1 || next > usable) break
    end = next
    lines++
  }
  if (lines === limit || end === bytes.length) return { length: end, lines, insideLine: false }
  if (bytes.length <= maxBytes) return { length: bytes.length, lines: lines + 1, insideLine: false }
  if (lines > 0) return { length: end, lines, insideLine: false }
  return { length: cutOnCharacter(bytes, usable, encoding), lines: 1, insideLine: true }
}
