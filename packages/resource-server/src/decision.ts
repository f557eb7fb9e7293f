import type { Action, Era, Item, Message } from './action.ts'
import type { DenialCode } from './denials.ts'
import type { Identity } from './identity/identity.ts'
import type { JsonRpcError, JsonRpcId } from './json-rpc.ts'
import type { LimitState, Rate } from './limits.ts'
import type { Verdict } from './policy/policy.ts'
import type { AuthenticationRequirement } from './policy/rule.ts'

/**
 * How a request came: as a message of MCP over HTTP; as the GET that opens a session's stream, or the DELETE that ends
 * the session; or in the plain form of `GET /tools/list` and `POST /tools/call`.
 */
export type RequestForm = 'mcp' | 'mcp-stream' | 'mcp-end' | 'plain-list' | 'plain-call'

const methods: Readonly<Record<RequestForm, string>> = {
  mcp: 'POST',
  'mcp-stream': 'GET',
  'mcp-end': 'DELETE',
  'plain-list': 'GET',
  'plain-call': 'POST',
}

/** The HTTP method that a form has. */
export function methodOf(form: RequestForm): string {
  return methods[form]
}

/** Why a request is not run, with all that an answer and a record need. */
export interface Denial {
  readonly code: DenialCode
  /** For operators only. */
  readonly detail: string
  /** The id of the message that is answered; `null` when unknown or when there is none. */
  readonly id: JsonRpcId | null
  /** Set when the denied message was a notification, which gets no body. */
  readonly silent?: boolean
  /** `data` of the JSON-RPC error. */
  readonly data?: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds?: number
  /** Every scope of the operation, and those of them that the token lacks. */
  readonly scopes?: readonly string[]
  readonly missing?: readonly string[]
  /** How the user must log in. */
  readonly authentication?: AuthenticationRequirement
  readonly item?: Item
  /** Of the denied message; an unknown resource is answered differently in each. */
  readonly era?: Era
  /** Set when the token came as DPoP: the error is said in that scheme (RFC 9449 §7.2). */
  readonly scheme?: 'dpop'
  /** Set when the signature of the token was proven, though the token was refused. */
  readonly signed?: true
  /** For `DPoP-Nonce`. */
  readonly nonce?: string
  readonly limit?: { readonly name: string; readonly rate: Rate; readonly state: LimitState }
}

/** The caller may run the action. */
export interface Granted {
  readonly granted: true
  /** Names the decision in records. */
  readonly id: string
  readonly form: RequestForm
  readonly identity: Identity
  readonly action: Action
  readonly verdicts: readonly Verdict[]
  /** For each message of the action: `undefined` to run it, or the error that stands in for its result. */
  readonly inPlace: readonly (JsonRpcError | undefined)[]
  /** Header fields that the answer must carry, whatever it is. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The request must be answered with the denial, and nothing of it may run. */
export interface Denied {
  readonly granted: false
  readonly id: string
  readonly form: RequestForm
  readonly denial: Denial
  readonly identity?: Identity
  readonly action?: Action
  readonly verdicts?: readonly Verdict[]
}

/** Whether a request may run; made once for each, and recorded. */
export type Decision = Granted | Denied

/**
 * The error for an item that does not exist, and for one that is hidden: no caller can tell them apart.
 *
 * The revisions of 2025 have a code of their own for resources (requirement G62).
 */
export function unknownItemError(item: Item | undefined, era: Era): JsonRpcError {
  if (item === undefined) return { code: -32602, message: 'Unknown item' }
  const { kind, name } = item
  if (kind === 'resource') {
    return {
      code: era === 'modern' ? -32602 : -32002,
      message: 'Resource not found',
      data: { uri: name },
    }
  }
  return { code: -32602, message: `Unknown ${kind}: ${name.length > 128 ? `${name.slice(0, 128)}…` : name}` }
}

/** The message that a denial of this action answers: its only one, or none for a batch. */
export function answeredMessage(action: Action): Message | undefined {
  return action.batch ? undefined : action.messages[0]
}

/** Which message a denial answers, and whether it may have an answer at all. */
export function answers(action: Action): Pick<Denial, 'id' | 'silent'> {
  const message = answeredMessage(action)
  return { id: message?.id ?? null, silent: action.messages.every(({ kind }) => kind !== 'request') }
}

/** A denial that answers no message in particular. */
export function bare(code: DenialCode, detail: string): Denial {
  return { code, detail, id: null }
}
