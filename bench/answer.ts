/** What the bytes of a connection say so far. */
export type Parsed =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed'; readonly reason: string }
  /** `length` is how many bytes the answer took, head and framing included. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: Buffer; readonly length: number }

const maxHeadBytes = 16_384
const maxBodyBytes = 1_048_576
const incomplete: Parsed = { kind: 'incomplete' }

/**
 * Reads one HTTP/1.1 answer from the start of `bytes`: Content-Length, or chunks, or a status without a body.
 *
 * A body that ends with the connection is malformed here, because the load keeps its connections.
 * The body may be a view of `bytes`. Never throws.
 *
 * @see RFC 9112 §6.3, §7.1
 */
export function parseAnswer(bytes: Buffer): Parsed {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return bytes.length > maxHeadBytes ? malformed('the head does not end') : incomplete
  const head = bytes.toString('latin1', 0, headEnd)
  const status = Number(/^HTTP\/1\.1 ([1-5][0-9]{2})(?: |\r|$)/.exec(head)?.[1])
  if (Number.isNaN(status)) return malformed('no status line')
  const bodyStart = headEnd + 4
  if (status === 204 || status === 304) return answer(status, Buffer.alloc(0), bodyStart)
  if (/\r\ntransfer-encoding: *chunked *(?:\r|$)/i.test(head)) return readChunks(bytes, bodyStart, status)

  const declared = /\r\ncontent-length: *([0-9]{1,7}) *(?:\r|$)/i.exec(head)?.[1]
  if (declared === undefined) return malformed('neither Content-Length nor chunks')
  const length = Number(declared)
  if (length > maxBodyBytes) return malformed('a body longer than 1 MiB')
  const end = bodyStart + length
  return bytes.length < end ? incomplete : answer(status, bytes.subarray(bodyStart, end), end)
}

function readChunks(bytes: Buffer, start: number, status: number): Parsed {
  const chunks: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return bytes.length - at > maxHeadBytes ? malformed('a long chunk size') : incomplete
    const digits = /^([0-9a-f]{1,6}) *(?:;.*)?$/i.exec(bytes.toString('latin1', at, lineEnd))?.[1]
    if (digits === undefined) return malformed('a chunk without a size')
    const size = Number.parseInt(digits, 16)
    at = lineEnd + 2
    if (size === 0) break
    if (at - start + size > maxBodyBytes) return malformed('a body longer than 1 MiB')
    if (bytes.length < at + size + 2) return incomplete
    if (bytes.toString('latin1', at + size, at + size + 2) !== '\r\n')
      return malformed('a chunk of another size')
    chunks.push(bytes.subarray(at, at + size))
    at += size + 2
  }
  // Trailers, of which there may be none, end with an empty line.
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return bytes.length - at > maxHeadBytes ? malformed('long trailers') : incomplete
    const empty = lineEnd === at
    at = lineEnd + 2
    if (empty) return answer(status, Buffer.concat(chunks), at)
  }
}

function answer(status: number, body: Buffer, length: number): Parsed {
  return { kind: 'answer', status, body, length }
}

function malformed(reason: string): Parsed {
  return { kind: 'malformed', reason }
}
