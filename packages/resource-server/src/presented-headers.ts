/** The request headers that a decision looks at. A header that was absent is `undefined`. */
export interface PresentedHeaders {
  authorization: string | undefined
  contentType: string | undefined
  accept: string | undefined
  protocolVersion: string | undefined
  mcpMethod: string | undefined
  mcpName: string | undefined
  /** The proof of RFC 9449. */
  dpop: string | undefined
  /** `Mcp-Param-…` headers, by the rest of their names in lower case. `undefined` if there are none. */
  paramHeaders: Map<string, string> | undefined
  /** The names, in lower case, of those above that were sent more than once. */
  repeated: string[] | undefined
}

type Field = Exclude<keyof PresentedHeaders, 'repeated' | 'paramHeaders'>

const fields: ReadonlyMap<string, Field> = new Map([
  ['authorization', 'authorization'],
  ['content-type', 'contentType'],
  ['accept', 'accept'],
  ['mcp-protocol-version', 'protocolVersion'],
  ['mcp-method', 'mcpMethod'],
  ['mcp-name', 'mcpName'],
  ['dpop', 'dpop'],
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
    accept: undefined,
    protocolVersion: undefined,
    mcpMethod: undefined,
    mcpName: undefined,
    dpop: undefined,
    paramHeaders: undefined,
    repeated: undefined,
  }
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    const field = fields.get(name)
    if (field === undefined) {
      if (name.startsWith(paramPrefix)) addParam(headers, name, rawHeaders[index + 1] ?? '')
      continue
    }
    const value = withoutWhitespace(rawHeaders[index + 1] ?? '')
    if (headers[field] === undefined) headers[field] = value
    else if (field === 'accept') headers.accept += `,${value}` // A list may come in several fields.
    else (headers.repeated ??= []).push(name)
  }
  return headers
}

const paramPrefix = 'mcp-param-'

function addParam(headers: PresentedHeaders, name: string, value: string): void {
  const params = (headers.paramHeaders ??= new Map())
  const rest = name.slice(paramPrefix.length)
  if (params.has(rest)) (headers.repeated ??= []).push(name)
  else params.set(rest, withoutWhitespace(value))
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
