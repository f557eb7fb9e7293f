import { accepts } from './accept.ts'
import {
  plainList,
  readHttpAction,
  readPlainCall,
  sessionAction,
  type Action,
  type ActionResult,
  type Era,
  type Message,
} from './action.ts'
import type { AuditSink, Recorder } from './audit.ts'
import { readCredentials, type Credentials } from './credentials.ts'
import {
  answers,
  bare,
  methodOf,
  unknownItemError,
  type Decision,
  type Denial,
  type Granted,
  type RequestForm,
} from './decision.ts'
import { denials, type DenialCode } from './denials.ts'
import { judgeCallerLimit, judgeFailure, takeRuleLimits, type GuardLimits } from './guard-limits.ts'
import type { Identity } from './identity/identity.ts'
import type { RevocationStore } from './identity/revocations.ts'
import type { Verify } from './identity/verifier.ts'
import type { JsonRpcError } from './json-rpc.ts'
import type { Policy, Verdict } from './policy/policy.ts'
import type { PresentedHeaders } from './presented-headers.ts'

/** A request as the guard sees it; whoever speaks HTTP makes one. */
export interface AccessRequest {
  readonly form: RequestForm
  /** The HTTP method. */
  readonly method: string
  /** The request target, with the query. */
  readonly target: string
  readonly headers: PresentedHeaders
  /** The peer's address, for records and for the limit of failed authentication. */
  readonly address: string | undefined
  /**
   * SHA-256 of the certificate that the client has proven to hold, as base64url; see `certificateThumbprint`. Only
   * whoever ends TLS knows it: leave it out behind a proxy, and never take it from a header that clients can send.
   */
  readonly certificateThumbprint?: string | undefined
  /**
   * Reads the whole body, or says why it cannot. Called only for a proven caller, at most once.
   *
   * `maxBytes` is a bound below the usual one, for a caller that is over its limit.
   */
  readonly readBody: (maxBytes?: number) => Promise<Buffer | DenialCode>
}

export interface GuardParts {
  /** Whether DPoP is a scheme of ours. */
  readonly takesProofs: boolean
  readonly verify: Verify
  readonly revocations: RevocationStore
  readonly policy: Policy
  readonly limits: GuardLimits
  readonly audit: AuditSink
  readonly recorder: Recorder
  readonly nextId: () => string
  readonly nowSeconds: () => number
  readonly clockToleranceSeconds: number
  /** Never runs backwards, unlike the clock that tokens are judged by. */
  readonly monotonicSeconds: () => number
}

/** Decides a request: may its caller do what it asks? Never throws; whatever goes wrong denies. */
export async function guard(request: AccessRequest, parts: GuardParts): Promise<Decision> {
  const id = parts.nextId()
  let decision: Decision
  try {
    decision = await decideAccess(request, id, parts)
  } catch (error) {
    decision = deny(request, id, {
      code: 'decision_failed',
      detail: errorName(error),
      id: null,
      retryAfterSeconds: 1,
    })
  }
  try {
    parts.recorder.decision(decision, request.address, parts.nowSeconds() * 1000) // Exactly one for each decision.
    return decision
  } catch (error) {
    return deny(request, id, { ...bare('audit_unavailable', errorName(error)), retryAfterSeconds: 5 })
  }
}

/** No promise of its own: a request with a plain token waits only for what decides about its caller. */
function decideAccess(request: AccessRequest, id: string, parts: GuardParts): Decision | Promise<Decision> {
  if (!parts.audit.available()) {
    return deny(request, id, { ...bare('audit_unavailable', 'records cannot be kept'), retryAfterSeconds: 5 })
  }

  const credentials = readCredentials(request.headers, request.target, parts.takesProofs)
  if (!credentials.ok) return denyFailure(request, id, bare(credentials.code, ''), parts)
  const decided = decideCaller(request, id, credentials, parts)
  return credentials.scheme === 'dpop' ? decided.then(inDpop) : decided
}

/** The answer to who came with a proof is said in the scheme of proofs (RFC 9449 §7.2). */
function inDpop(decision: Decision): Decision {
  if (decision.granted) return decision
  return { ...decision, denial: { ...decision.denial, scheme: 'dpop' } }
}

async function decideCaller(
  request: AccessRequest,
  id: string,
  { token, scheme }: Credentials & { readonly ok: true },
  parts: GuardParts,
): Promise<Decision> {
  const pending = parts.verify(token, scheme, request)
  const verified = pending instanceof Promise ? await pending : pending
  if (!verified.ok) return denyFailure(request, id, { ...verified, id: null }, parts)
  const { identity, nonce } = verified
  const revoked = judgeRevocation(identity, parts.revocations)
  if (revoked !== undefined) return { ...deny(request, id, revoked), identity }

  // A request costs one unit whatever is in it; a batch costs the rest once it is known.
  const taken = parts.limits.caller?.take(identity.callerKey, 1, parts.monotonicSeconds())
  const limit = taken instanceof Promise ? await taken : taken
  const read = await readAction(request, limit?.allowed !== false) // The body is read only for a proven caller.
  const action = read.ok ? read.action : undefined
  const judged = judgeCallerLimit(identity, action, limit, parts.limits.caller, parts.monotonicSeconds)
  const overLimit = judged instanceof Promise ? await judged : judged
  if (overLimit !== undefined) return { ...deny(request, id, overLimit), identity, ...(action && { action }) }
  if (!read.ok) return { ...deny(request, id, read), identity }
  // The body may have taken its time to come, or a shared limit to answer.
  const ended = judgeEnd(identity, parts)
  if (ended !== undefined) return { ...deny(request, id, ended), identity, action: read.action }
  const pendingAction = judgeAction(request, id, identity, read.action, parts)
  if (nonce === undefined) return pendingAction
  const decision = await pendingAction
  return decision.granted ? { ...decision, headers: { 'dpop-nonce': nonce } } : decision
}

/** Asked for every request, remembered tokens too: so a revocation holds at once, whenever the token was verified. */
function judgeRevocation(identity: Identity, revocations: RevocationStore): Denial | undefined {
  try {
    return revocations.revokes(identity) ? bare('token_revoked', 'revoked here') : undefined
  } catch (error) {
    const detail = `revocations cannot be looked up: ${errorName(error)}`
    return { ...bare('state_unavailable', detail), retryAfterSeconds: 5 }
  }
}

function judgeEnd(
  identity: Identity,
  { revocations, nowSeconds, clockToleranceSeconds }: GuardParts,
): Denial | undefined {
  if (nowSeconds() >= identity.expiresAt + clockToleranceSeconds) {
    return bare('token_expired', `ended at ${identity.expiresAt}, while its request came in`)
  }
  return judgeRevocation(identity, revocations)
}

function judgeAction(
  request: AccessRequest,
  id: string,
  identity: Identity,
  action: Action,
  parts: GuardParts,
): Decision | Promise<Decision> {
  // Every message is judged before any runs (requirement E15).
  const verdicts = action.messages.map((message) => parts.policy.decide(identity, message))
  const judged = { identity, action, verdicts }
  const refusal =
    judgeTogether(action, verdicts) ??
    takeRuleLimits(identity, action, verdicts, parts.limits.rules, parts.monotonicSeconds)
  return refusal instanceof Promise
    ? refusal.then((told) => conclude(request, id, judged, told))
    : conclude(request, id, judged, refusal)
}

function conclude(
  request: AccessRequest,
  id: string,
  judged: Pick<Granted, 'identity' | 'action' | 'verdicts'>,
  refusal: Denial | undefined,
): Decision {
  if (refusal !== undefined) return { ...deny(request, id, refusal), ...judged }
  const { identity, action, verdicts } = judged
  const inPlace = action.messages.map((message, index) => errorInPlace(message, verdicts[index], action.era))
  return { granted: true, id, form: request.form, identity, action, verdicts, inPlace }
}

/** Denies for a failed authentication, or because its address has had too many of them. */
function denyFailure(
  request: AccessRequest,
  id: string,
  denial: Denial,
  parts: GuardParts,
): Decision | Promise<Decision> {
  const judged = judgeFailure(denial, request.address, parts.limits.failures, parts.monotonicSeconds)
  return judged instanceof Promise
    ? judged.then((settled) => deny(request, id, settled))
    : deny(request, id, judged)
}

// Enough for the id of a request that is refused for its caller's limit; a larger body is not worth reading then.
const refusedBodyBytes = 65_536

async function readAction(request: AccessRequest, withinLimit: boolean): Promise<ActionResult> {
  const { form, method, headers } = request
  if (method !== methodOf(form)) return refuse('method_not_allowed', method.slice(0, 20))
  if (form === 'plain-list') return plainList()
  if (form === 'mcp-end') return sessionAction(headers)
  if (form === 'mcp-stream') {
    return accepts(headers.accept, 'text/event-stream')
      ? sessionAction(headers)
      : refuse('not_acceptable', 'a stream is text/event-stream')
  }
  if (!/^application\/json *(?:;|$)/i.test(headers.contentType ?? '')) {
    return refuse('media_type_unsupported', 'Content-Type is another')
  }
  const body = await request.readBody(withinLimit ? undefined : refusedBodyBytes)
  if (typeof body === 'string')
    return refuse(body, '', body === 'server_busy' ? { retryAfterSeconds: 5 } : {})
  return form === 'plain-call' ? readPlainCall(body) : readHttpAction(body, headers)
}

function refuse(
  code: DenialCode,
  detail: string,
  more: { readonly retryAfterSeconds?: number } = {},
): ActionResult {
  return { ok: false, code, detail, id: null, ...more }
}

/**
 * What denies the whole request: a login of any message that is too weak or too long ago; a missing scope of any, with all missing ones in one challenge; or, outside
 * a batch, whatever denies its only message. Within a batch other denials stand in place of their own results.
 */
function judgeTogether(action: Action, verdicts: readonly Verdict[]): Denial | undefined {
  const weak = verdicts.find((verdict) => verdict.outcome === 'authenticate')
  if (weak !== undefined || verdicts.some(({ outcome }) => outcome === 'challenge')) {
    // What the other messages need is named too: a client may ask for just the scopes of the challenge.
    const scopes = verdicts.flatMap((verdict) => ('scopes' in verdict ? verdict.scopes : []))
    const missing = verdicts.flatMap((verdict) => ('missing' in verdict ? verdict.missing : []))
    if (weak !== undefined) {
      const { authentication } = weak
      return {
        ...bare('authentication_insufficient', ''),
        ...answers(action),
        scopes: [...new Set(scopes)],
        authentication,
      }
    }
    return {
      ...bare('scope_missing', ''),
      ...answers(action),
      scopes: [...new Set(scopes)],
      missing: [...new Set(missing)],
    }
  }
  const [verdict] = verdicts
  if (action.batch || verdict === undefined || verdict.outcome === 'allow') return undefined
  const item = action.messages[0]?.item
  const code = verdict.outcome === 'hide' ? 'item_hidden' : 'rule_refused'
  return { ...bare(code, ''), ...answers(action), era: action.era, ...(item !== undefined && { item }) }
}

function errorInPlace(message: Message, verdict: Verdict | undefined, era: Era): JsonRpcError | undefined {
  // A message without a verdict was never judged, so it may not run.
  if (verdict === undefined || verdict.outcome === 'hide') return unknownItemError(message.item, era)
  if (verdict.outcome === 'allow') return undefined
  return { code: 403, message: denials.rule_refused.sentence }
}

function deny({ form }: AccessRequest, id: string, denial: Denial): Decision & { readonly granted: false } {
  return { granted: false, id, form, denial }
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
