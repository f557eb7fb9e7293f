import { isUtf8 } from 'node:buffer'

/** How the text of a file is written, as its first bytes say. */
export type TextEncoding = 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be'

/** A byte order mark may be left out; then it is UTF-8, or no text. */
export function encodingOf(head: Uint8Array): TextEncoding {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8-bom'
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  return 'utf-8'
}

/** Bytes of the byte order mark, which is no part of the text. */
export const markLength: Readonly<Record<TextEncoding, number>> = {
  'utf-8': 0,
  'utf-8-bom': 3,
  'utf-16le': 2,
  'utf-16be': 2,
}

export const maxMarkLength = 3

/** Bytes of one code unit. */
export function unitLength(encoding: TextEncoding): 1 | 2 {
  return encoding === 'utf-16le' || encoding === 'utf-16be' ? 2 : 1
}

/** The text, or undefined if the bytes are not wholly text: malformed, or with a NUL. */
export function decodeText(bytes: Buffer, encoding: TextEncoding): string | undefined {
  if (unitLength(encoding) === 1) {
    return bytes.includes(0) || !isUtf8(bytes) ? undefined : bytes.toString('utf8')
  }
  try {
    const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch (error) {
    if (error instanceof TypeError) return undefined // How a fatal decoder reports malformed bytes.
    throw error
  }
}

/** The largest length up to `length` at which no character is cut in two. */
export function cutOnCharacter(bytes: Uint8Array, length: number, encoding: TextEncoding): number {
  if (length >= bytes.length) return bytes.length
  if (unitLength(encoding) === 2) {
    const even = length - (length % 2)
    const highByte = bytes[encoding === 'utf-16le' ? even - 1 : even - 2] ?? 0
    return (highByte & 0xfc) === 0xd8 ? even - 2 : even // A high surrogate waits for its other half.
  }
  // Four bytes at most make a character; where no start is found, the bytes are not UTF-8 anyway.
  for (let cut = length; cut > length - 4 && cut > 0; cut--) {
    if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut
  }
  return length
}

const newline = 0x0a

/** The position after the first newline at or after `from`, or -1. `from` is at a whole code unit. */
export function afterNewline(bytes: Buffer, from: number, encoding: TextEncoding): number {
  if (unitLength(encoding) === 1) return bytes.indexOf(newline, from) + 1 || -1
  let at = bytes.indexOf(newline, from)
  while (at !== -1) {
    const end = newlineUnitEnd(bytes, at, encoding)
    if (end !== -1) return end
    at = bytes.indexOf(newline, at + 1)
  }
  return -1
}

/** The position after the last newline that ends at or before `to`, or -1. */
export function afterLastNewline(bytes: Buffer, to: number, encoding: TextEncoding): number {
  let at = to > 0 ? bytes.lastIndexOf(newline, to - 1) : -1
  while (at !== -1) {
    const end = unitLength(encoding) === 1 ? at + 1 : newlineUnitEnd(bytes, at, encoding)
    if (end !== -1 && end <= to) return end
    at = at > 0 ? bytes.lastIndexOf(newline, at - 1) : -1
  }
  return -1
}

/** Where the code unit with this byte ends, if that unit is a newline in UTF-16; else -1. */
function newlineUnitEnd(bytes: Buffer, at: number, encoding: TextEncoding): number {
  const isLowByte = at % 2 === (encoding === 'utf-16le' ? 0 : 1)
  const other = bytes[encoding === 'utf-16le' ? at + 1 : at - 1]
  if (!isLowByte || other !== 0) return -1
  return encoding === 'utf-16le' ? at + 2 : at + 1
}
