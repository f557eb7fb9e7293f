import { decodeText, encodingOf, markLength, type TextEncoding, unitLength } from './encoding.ts'

/** A file that is text from its first byte to its last. */
export interface WholeText {
  readonly encoding: TextEncoding
  /** Without the byte order mark. */
  readonly text: string
}

/** Undefined if the bytes are not wholly text. */
export function decodeWhole(bytes: Buffer): WholeText | undefined {
  const encoding = encodingOf(bytes)
  const text = decodeText(bytes.subarray(markLength[encoding]), encoding)
  return text === undefined ? undefined : { encoding, text }
}

/** The bytes as they were, mark and all. */
export function encodeWhole({ encoding, text }: WholeText): Buffer {
  if (unitLength(encoding) === 1) return Buffer.from(encoding === 'utf-8-bom' ? `\ufeff${text}` : text)
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  return encoding === 'utf-16be' ? bytes.swap16() : bytes
}
