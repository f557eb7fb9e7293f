import { accepts } from './accept.ts'
import type { DenialCode } from './denials.ts'
import type { JsonRpcId } from './json-rpc.ts'
import type { PresentedHeaders } from './presented-headers.ts'
import { isPlainUri } from './resource-uri.ts'

/** The protocol revision without sessions and handshake; it carries its envelope in every request. */
export const modernVersion = '2026-07-28'

/** The revisions that begin with `initialize`, newest first. */
export const legacyVersions = ['2025-11-25', '2025-06-18', '2025-03-26'] as const

/** Every revision served, newest first. */
export const supportedVersions: readonly string[] = [modernVersion, ...legacyVersions]

/** `modern`: one request stands alone (2026-07-28). `legacy`: the revisions of 2025. */
export type Era = 'modern' | 'legacy'

/** Something that a rule can name. */
export interface Item {
  readonly kind: 'tool' | 'resource' | 'prompt'
  /** The tool's or prompt's name, the resource's URI. */
  readonly name: string
}

/** One JSON-RPC message, as it will be run. */
export interface Message {
  readonly kind: 'request' | 'notification' | 'response'
  /** There for requests; `null` for the other kinds. */
  readonly id: JsonRpcId | null
  /** Empty for a response. */
  readonly method: string
  /** Of a response: its `result` and its `error`. */
  readonly params: Readonly<Record<string, unknown>>
  /** What the message asks for, if it names something; also of a notification. */
  readonly item: Item | undefined
  /** The resources that `subscriptions/listen` wants to be told about. */
  readonly subscribes: readonly Item[] | undefined
}

/** What a request wants done. The endpoint runs these very objects, so what was judged is what runs. */
export interface Action {
  readonly era: Era
  readonly batch: boolean
  /** None for the opening of a session's stream and for its end. */
  readonly messages: readonly Message[]
  /**
   * `Mcp-Param-…` headers by the lower-case rest of their names, as they were sent. Only the tool's schema says which
   * arguments they repeat, so whoever runs the call compares them. `undefined` without headers, and in the older era.
   */
  readonly paramHeaders?: ReadonlyMap<string, string> | undefined
}

/** What was read, or why it was not: then with all that an answer needs. */
export type ActionResult =
  | { readonly ok: true; readonly action: Action }
  | {
      readonly ok: false
      readonly code: DenialCode
      readonly detail: string
      readonly id: JsonRpcId | null
      readonly data?: Readonly<Record<string, unknown>>
      readonly retryAfterSeconds?: number
    }

type Refusal = ActionResult & { readonly ok: false }

const maxDepth = 64
const maxBatch = 100
const maxMethodLength = 128
const maxSubscriptions = 256
const versionKey = 'io.modelcontextprotocol/protocolVersion'
const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'

/**
 * Reads a JSON-RPC message, or a batch of them, that came over HTTP.
 *
 * The era is the message's own: the envelope in `params._meta` makes it modern; a version header must agree with it.
 * `Mcp-Method` alone says nothing, because clients of the older revisions send it too. Never throws.
 * Does not know which methods or items exist.
 *
 * @see MCP 2026-07-28 Streamable HTTP, "Request headers"; requirements G2 to G7, E14 to E17
 */
export function readHttpAction(body: Buffer, headers: PresentedHeaders): ActionResult {
  const value = parseJson(body)
  if (!value.ok) return refuse('body_unparsable', value.reason)
  if (!Array.isArray(value.json)) return readSingle(value.json, headers)

  const version = headers.protocolVersion
  if (version !== undefined && version !== '2025-03-26') {
    return refuse('batch_refused', 'the version header names another revision')
  }
  return readBatch(value.json)
}

/** Reads one message of a transport without headers (stdio). Never throws. */
export function readPlainAction(text: string): ActionResult {
  const value = parseJson(text)
  if (!value.ok) return refuse('body_unparsable', value.reason)
  if (Array.isArray(value.json)) return readBatch(value.json)
  return readSingle(value.json, undefined)
}

/** The call of the plain HTTP form, `{"name","arguments"}`, as the `tools/call` that it stands for. */
export function readPlainCall(body: Buffer): ActionResult {
  const value = parseJson(body)
  if (!value.ok) return refuse('body_unparsable', value.reason)
  if (!isRecord(value.json)) return refuse('message_invalid', 'the body is not an object')
  const { name, arguments: args = {} } = value.json
  if (!isRecord(args)) return refuse('params_invalid', '"arguments" is not an object')
  return single('legacy', requestOf('tools/call', { name, arguments: args }))
}

/** What a request for a session wants that has no message: to open its stream, or to end it. */
export function sessionAction({ protocolVersion }: PresentedHeaders): ActionResult {
  if (!isLegacyVersion(protocolVersion)) return unsupported(null, protocolVersion)
  return { ok: true, action: { era: 'legacy', batch: false, messages: [] } }
}

/** The list of the plain HTTP form, as the `tools/list` that it stands for. */
export function plainList(): ActionResult {
  return single('legacy', requestOf('tools/list', {}))
}

function requestOf(method: string, params: Readonly<Record<string, unknown>>): UnnamedMessage {
  return { kind: 'request', id: 0, method, params }
}

function single(era: Era, unnamed: UnnamedMessage): ActionResult {
  const named = nameMessage(unnamed)
  return named.ok ? { ok: true, action: { era, batch: false, messages: [named.message] } } : named
}

function readSingle(json: unknown, headers: PresentedHeaders | undefined): ActionResult {
  const read = readMessage(json)
  if (!read.ok) return read
  const { message } = read
  const meta = message.params['_meta']
  const envelope = isRecord(meta) && meta[versionKey] !== undefined ? meta : undefined
  const headerVersion = headers?.protocolVersion

  if (envelope === undefined && headerVersion !== modernVersion) {
    // A client that begins with "initialize" negotiates there; it is never turned away by version (CR6).
    if (!isLegacyVersion(headerVersion) && message.method !== 'initialize') {
      return unsupported(message.id, headerVersion)
    }
    if (headers !== undefined && !acceptsBoth(headers)) {
      return refuse('not_acceptable', 'Accept must take application/json and text/event-stream', message.id)
    }
    return single('legacy', message)
  }
  return readModern(message, envelope, headers)
}

/** An absent one stands for 2025-03-26, which had no such header (requirement G31). */
function isLegacyVersion(
  version: string | undefined,
): version is undefined | (typeof legacyVersions)[number] {
  return version === undefined || (legacyVersions as readonly string[]).includes(version)
}

/** The revisions of 2025 have clients take both, since the server chooses; 2026-07-28 is served either way (G24). */
function acceptsBoth({ accept }: PresentedHeaders): boolean {
  return accepts(accept, 'application/json') && accepts(accept, 'text/event-stream')
}

/** What the modern era has no more; a subscription names its resources in another way there. */
const removedMethods: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe'])

function readModern(
  message: UnnamedMessage,
  envelope: Readonly<Record<string, unknown>> | undefined,
  headers: PresentedHeaders | undefined,
): ActionResult {
  const { id } = message
  if (message.kind === 'response')
    return refuse('message_invalid', 'this revision has no client responses', id)
  const version = envelope?.[versionKey]
  if (envelope === undefined || typeof version !== 'string') {
    return refuse('params_invalid', `"_meta" lacks "${versionKey}"`, id)
  }
  if (headers !== undefined) {
    if (headers.protocolVersion !== version) {
      return disagree(id, 'MCP-Protocol-Version', headers.protocolVersion)
    }
    const repeated = headers.repeated?.find((name) => name.startsWith('mcp-'))
    if (repeated !== undefined) return refuse('headers_disagree', `${repeated} was sent twice`, id)
  }
  if (version !== modernVersion) return unsupported(id, version)
  if (!isRecord(envelope[capabilitiesKey]) && message.kind === 'request') {
    return refuse('params_invalid', `"_meta" lacks "${capabilitiesKey}"`, id)
  }
  if (headers !== undefined && headers.mcpMethod !== message.method) {
    return disagree(id, 'Mcp-Method', headers.mcpMethod)
  }
  if (removedMethods.has(message.method)) return refuse('method_removed', message.method, id)
  const named = nameMessage(message)
  if (!named.ok) return named
  const name = nameFor(named.message)
  if (headers !== undefined && name !== undefined && decodeHeader(headers.mcpName) !== name) {
    return disagree(id, 'Mcp-Name', headers.mcpName)
  }
  const { paramHeaders } = headers ?? {}
  return { ok: true, action: { era: 'modern', batch: false, messages: [named.message], paramHeaders } }
}

function readBatch(entries: readonly unknown[]): ActionResult {
  if (entries.length === 0 || entries.length > maxBatch) {
    return refuse('batch_refused', `${entries.length} messages`)
  }
  const messages: Message[] = []
  for (const entry of entries) {
    const read = readMessage(entry)
    if (!read.ok) return read
    const named = nameMessage(read.message)
    if (!named.ok) return named
    const { message } = named
    if (message.method === 'initialize') return refuse('batch_refused', 'initialize stands alone', message.id)
    // What a subscription names is judged, cut down and watched for a request, and it has one answer that stays open.
    if (message.subscribes !== undefined) {
      return refuse('batch_refused', `${message.method} stands alone`, message.id)
    }
    const meta = message.params['_meta']
    if (isRecord(meta) && meta[versionKey] !== undefined) {
      return refuse('batch_refused', `batches do not exist in ${modernVersion}`, message.id)
    }
    messages.push(message)
  }
  return { ok: true, action: { era: 'legacy', batch: true, messages } }
}

type UnnamedMessage = Omit<Message, 'item' | 'subscribes'>

function readMessage(json: unknown): { readonly ok: true; readonly message: UnnamedMessage } | Refusal {
  if (!isRecord(json)) return refuse('message_invalid', 'a message is an object')
  const { jsonrpc, id, method, params = {} } = json
  const validId = typeof id === 'string' || Number.isSafeInteger(id)
  // Number.isSafeInteger and typeof have told that it is one of the two.
  const readId = validId ? (id as JsonRpcId) : null
  if (jsonrpc !== '2.0') return refuse('message_invalid', '"jsonrpc" is not "2.0"', readId)
  if (id !== undefined && !validId) {
    return refuse('message_invalid', '"id" is neither a string nor a whole number')
  }
  if (method === undefined && validId && ('result' in json || 'error' in json)) {
    const { result, error } = json
    return { ok: true, message: { kind: 'response', id: readId, method: '', params: { result, error } } }
  }
  if (typeof method !== 'string' || method === '' || method.length > maxMethodLength) {
    return refuse('message_invalid', '"method" is not a name', readId)
  }
  if (!isRecord(params)) return refuse('params_invalid', '"params" is not an object', readId)
  const kind = readId === null ? 'notification' : 'request'
  return { ok: true, message: { kind, id: readId, method, params } }
}

/** A call that wants no answer is still a call, to whoever stands behind the guard: notifications are named too. */
function nameMessage(message: UnnamedMessage): { readonly ok: true; readonly message: Message } | Refusal {
  const { method, params, id } = message
  const item = itemOf(method, params)
  if (item === 'unnamed') return refuse('params_invalid', `"${method}" does not name what it is for`, id)
  if (item?.kind === 'resource' && !isPlainUri(item.name)) return refuse('params_invalid', uriRule, id)
  if (method !== 'subscriptions/listen')
    return { ok: true, message: { ...message, item, subscribes: undefined } }

  const uris = subscribedUris(params)
  if (uris === undefined) {
    const shape = `"notifications" must be an object, its "resourceSubscriptions" up to ${maxSubscriptions} URIs`
    return refuse('params_invalid', shape, id)
  }
  if (!uris.every(isPlainUri)) return refuse('params_invalid', uriRule, id)
  const subscribes = uris.map((name): Item => ({ kind: 'resource', name }))
  return { ok: true, message: { ...message, item, subscribes } }
}

const uriRule =
  'a resource is named by an absolute URI in its normal form, without white space, "." or ".." segments, and needless percent-encoding'

/**
 * What a message names. Anything that reaches an item must be here, or no rule would be asked (E12); a name that is
 * no string is refused, because whoever runs the message might make one of it.
 */
function itemOf(method: string, params: Readonly<Record<string, unknown>>): Item | 'unnamed' | undefined {
  switch (method) {
    case 'tools/call':
      return item('tool', params['name'])
    case 'prompts/get':
      return item('prompt', params['name'])
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return item('resource', params['uri'])
    case 'completion/complete': {
      const ref = params['ref']
      if (!isRecord(ref)) return 'unnamed'
      return ref['type'] === 'ref/prompt' ? item('prompt', ref['name']) : item('resource', ref['uri'])
    }
    default:
      return undefined
  }
}

function item(kind: Item['kind'], name: unknown): Item | 'unnamed' {
  return typeof name === 'string' ? { kind, name } : 'unnamed'
}

function subscribedUris(params: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const filter = params['notifications']
  if (!isRecord(filter)) return undefined
  const uris: unknown = filter['resourceSubscriptions'] ?? []
  if (!Array.isArray(uris) || uris.length > maxSubscriptions) return undefined
  return uris.every((uri) => typeof uri === 'string') ? uris : undefined
}

/** The value that `Mcp-Name` must repeat, for the three methods that have one. */
function nameFor({ method, item }: Message): string | undefined {
  const named = method === 'tools/call' || method === 'prompts/get' || method === 'resources/read'
  return named ? item?.name : undefined
}

const sentinel = /^=\?base64\?(.*)\?=$/

/**
 * A header value that could not be written as one is wrapped as `=?base64?…?=`; half a wrapping is literal text.
 *
 * @returns `undefined` for a wrapping whose content is not canonical base64 of UTF-8
 */
export function decodeHeader(value: string | undefined): string | undefined {
  const encoded = value === undefined ? undefined : sentinel.exec(value)?.[1]
  if (encoded === undefined) return value
  const bytes = Buffer.from(encoded, 'base64')
  const text = bytes.toString('utf8')
  const canonical = bytes.toString('base64') === encoded && Buffer.from(text, 'utf8').equals(bytes)
  return canonical ? text : undefined
}

type Json = { readonly ok: true; readonly json: unknown } | { readonly ok: false; readonly reason: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses strict JSON of bounded nesting. Never throws. */
export function parseJson(source: Buffer | string): Json {
  try {
    const text = typeof source === 'string' ? source : utf8.decode(source)
    // Looked for before it is parsed: a megabyte of brackets takes far longer to build than to count.
    if (nestsDeeper(text, maxDepth)) return { ok: false, reason: `nested deeper than ${maxDepth}` }
    const json: unknown = JSON.parse(text)
    return { ok: true, json }
  } catch {
    return { ok: false, reason: 'not JSON in UTF-8' }
  }
}

/** Counts brackets outside of strings; what is not JSON may be counted wrongly, and fails to parse anyway. */
function nestsDeeper(text: string, limit: number): boolean {
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case 0x22: // A string: on to its end, over what is escaped.
        index = endOfString(text, index)
        break
      case 0x5b: // [
      case 0x7b: // {
        depth += 1
        if (depth > limit) return true
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1
        break
      default:
    }
  }
  return false
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Names the header and not its value: what a client sent in a wrong place may be a secret, and this is recorded. */
function disagree(id: JsonRpcId | null, header: string, sent: string | undefined): Refusal {
  return refuse(
    'headers_disagree',
    `${header} ${sent === undefined ? 'is missing' : 'differs from the message'}`,
    id,
  )
}

function unsupported(id: JsonRpcId | null, requested: string): Refusal {
  const data = { supported: supportedVersions, requested: requested.slice(0, 64) }
  return { ...refuse('version_unsupported', `supported are ${supportedVersions.join(', ')}`, id), data }
}

function refuse(code: DenialCode, detail: string, id: JsonRpcId | null = null): Refusal {
  return { ok: false, code, detail, id }
}
