import type { Steps } from '../pace.ts'
import { afterLastNewline, afterNewline, markLength, type TextEncoding } from './encoding.ts'
import { readAt } from './page.ts'

/** Bytes looked through before others get a turn: well under a millisecond of work. */
const stretchBytes = 1_048_576
const chunkBytes = 65_536

export interface LineStart {
  readonly offset: number
  /** The line's number, counted as it was asked for: from 1, or from -1 backwards. */
  readonly line: number
}

// One buffer for all calls: nothing in it is needed after a pause.
const chunk = Buffer.allocUnsafeSlow(chunkBytes)

/** Finds the start of a line counted from 1; where there are fewer, the end of the file and one more. */
export function* findLine(
  fd: number,
  size: number,
  encoding: TextEncoding,
  wanted: number,
): Steps<LineStart> {
  let line = 1
  let lineStart = markLength[encoding]
  if (wanted === line) return { offset: lineStart, line }
  let fileEnd = 0
  for (let position = 0; ; position += chunkBytes) {
    if (position > 0 && position % stretchBytes === 0) yield
    const bytes = chunk.subarray(0, readAt(fd, chunk, position, size))
    if (bytes.length === 0) break
    fileEnd = position + bytes.length
    let end = afterNewline(bytes, 0, encoding)
    while (end !== -1) {
      lineStart = position + end
      if (++line === wanted) return { offset: lineStart, line }
      end = afterNewline(bytes, end, encoding)
    }
  }
  // A last line without a newline is a line too; what is asked for lies past it.
  return { offset: fileEnd, line: lineStart < fileEnd ? line + 1 : line }
}

function chunkStart(offset: number): number {
  return offset - (offset % chunkBytes)
}

/** Finds the start of the line that is `-wanted` lines before the end; at most the start of the file. */
export function* findLineFromEnd(
  fd: number,
  size: number,
  encoding: TextEncoding,
  wanted: number,
): Steps<LineStart> {
  const textStart = markLength[encoding]
  let line = 0
  let looked = 0
  // What is known to lie in later lines; a newline at its very end would only close the line before.
  let end = size
  let position = chunkStart(Math.max(size - 1, 0))
  for (; position >= 0; position -= chunkBytes) {
    if (looked > 0 && looked % stretchBytes === 0) yield
    looked += chunkBytes
    const bytes = chunk.subarray(0, readAt(fd, chunk, position, size))
    let from = afterLastNewline(bytes, Math.min(bytes.length, end - position), encoding)
    while (from !== -1) {
      const lineStart = position + from
      if (lineStart < size) line--
      if (line === wanted) return { offset: lineStart, line }
      end = lineStart - 1
      from = afterLastNewline(bytes, Math.max(0, end - position), encoding)
    }
  }
  if (size <= textStart) return { offset: size, line: -1 }
  return { offset: textStart, line: line - 1 }
}
