/** The request headers that a decision looks at. A header that was absent is `undefined`. */
export interface PresentedHeaders {
  authorization: string | undefined
  contentType: string | undefined
  protocolVersion: string | undefined
  mcpMethod: string | undefined
  mcpName: string | undefined
  /** The names, in lower case, of those above that were sent more than once. */
  repeated: string[] | undefined
}

type Field = Exclude<keyof PresentedHeaders, 'repeated'>

const fields: ReadonlyMap<string, Field> = new Map([
  ['authorization', 'authorization'],
  ['content-type', 'contentType'],
  ['mcp-protocol-version', 'protocolVersion'],
  ['mcp-method', 'mcpMethod'],
  ['mcp-name', 'mcpName'],
])

/**
 * Reads the headers that a decision needs, in one pass.
 *
 * Takes names and values in turn, as `IncomingMessage.rawHeaders` has them, because a parsed header object
 * keeps the first of two `Authorization` fields in silence (requirement B5).
 */
export function readHeaders(rawHeaders: readonly string[]): PresentedHeaders {
  const headers: PresentedHeaders = {
    authorization: undefined,
    contentType: undefined,
    protocolVersion: undefined,
    mcpMethod: undefined,
    mcpName: undefined,
    repeated: undefined,
  }
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    const field = fields.get(name)
    if (field === undefined) continue
    if (headers[field] === undefined) headers[field] = withoutWhitespace(rawHeaders[index + 1] ?? '')
    else (headers.repeated ??= []).push(name)
  }
  return headers
}

/** RFC 9110 §5.6.3: spaces and tabs, and no other of the characters that `trim` takes away, such as U+00A0. */
function withoutWhitespace(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isWhitespace(value.charCodeAt(start))) start += 1
  while (end > start && isWhitespace(value.charCodeAt(end - 1))) end -= 1
  return value.slice(start, end)
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
