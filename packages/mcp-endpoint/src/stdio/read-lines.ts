import type { Readable } from 'node:stream'

/** A line of input, or that one was longer than allowed and was thrown away. */
export type Line = { readonly kind: 'line'; readonly text: string } | { readonly kind: 'too_long' }

const newline = 0x0a

/**
 * Splits input into lines of UTF-8, bounded in bytes: a line that grows too long is dropped up to its end.
 *
 * Ends with the input; an unfinished last line still counts. Empty lines are passed over.
 */
export async function* readLines(input: Readable, maxBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let length = 0
  let dropping = false
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let from = 0
    while (from <= chunk.length) {
      const end = chunk.indexOf(newline, from)
      const piece = chunk.subarray(from, end === -1 ? chunk.length : end)
      length += piece.length
      if (length > maxBytes) {
        dropping = true
        parts = []
      } else {
        parts.push(piece)
      }
      if (end === -1) break
      yield* finish(parts, dropping)
      parts = []
      length = 0
      dropping = false
      from = end + 1
    }
  }
  yield* finish(parts, dropping)
}

function* finish(parts: readonly Buffer[], dropped: boolean): Generator<Line> {
  if (dropped) {
    yield { kind: 'too_long' }
    return
  }
  const text = Buffer.concat(parts).toString('utf8').trim()
  if (text !== '') yield { kind: 'line', text }
}
