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
import { readCredentials } from './credentials.ts'
import {
  answeredMessage,
  methodOf,
  unknownItemError,
  type Decision,
  type Denial,
  type RequestForm,
} from './decision.ts'
import { denials, type DenialCode } from './denials.ts'
import type { Identity } from './identity/identity.ts'
import type { Verify } from './identity/verifier.ts'
import type { JsonRpcError } from './json-rpc.ts'
import type { Limiter, LimitState } from './limits.ts'
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
  /** The peer's address, for records only. */
  readonly address: string | undefined
  /**
   * Reads the whole body, or says why it cannot. Called only for a proven caller, at most once.
   *
   * `maxBytes` is a bound below the usual one, for a caller that is over its limit.
   */
  readonly readBody: (maxBytes?: number) => Promise<Buffer | DenialCode>
}

export interface GuardParts {
  readonly verify: Verify
  readonly policy: Policy
  readonly callerLimit: Limiter | undefined
  readonly ruleLimits: ReadonlyMap<string, Limiter>
  readonly audit: AuditSink
  readonly recorder: Recorder
  readonly nextId: () => string
  readonly nowSeconds: () => number
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

async function decideAccess(request: AccessRequest, id: string, parts: GuardParts): Promise<Decision> {
  if (!parts.audit.available()) {
    return deny(request, id, { ...bare('audit_unavailable', 'records cannot be kept'), retryAfterSeconds: 5 })
  }

  const credentials = readCredentials(request.headers, request.target)
  if (!credentials.ok) return deny(request, id, bare(credentials.code, ''))

  const pending = parts.verify(credentials.token)
  const verified = pending instanceof Promise ? await pending : pending
  if (!verified.ok) return deny(request, id, { ...verified, id: null })
  const { identity } = verified

  // A request costs one unit whatever is in it; a batch costs the rest once it is known.
  const limit = parts.callerLimit?.take(identity.callerKey, 1, parts.monotonicSeconds())
  const read = await readAction(request, limit?.allowed !== false) // The body is read only for a proven caller.
  const action = read.ok ? read.action : undefined
  const overLimit = judgeCallerLimit(identity, action, limit, parts)
  if (overLimit !== undefined) return { ...deny(request, id, overLimit), identity, ...(action && { action }) }
  if (!read.ok) return { ...deny(request, id, read), identity }
  return judgeAction(request, id, identity, read.action, parts)
}

function judgeAction(
  request: AccessRequest,
  id: string,
  identity: Identity,
  action: Action,
  parts: GuardParts,
): Decision {
  // Every message is judged before any runs (requirement E15).
  const verdicts = action.messages.map((message) => parts.policy.decide(identity, message))
  const refusal = judgeTogether(action, verdicts) ?? takeRuleLimits(identity, action, verdicts, parts)
  if (refusal !== undefined) return { ...deny(request, id, refusal), identity, action, verdicts }

  const inPlace = action.messages.map((message, index) => errorInPlace(message, verdicts[index], action.era))
  return { granted: true, id, form: request.form, identity, action, verdicts, inPlace }
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

function judgeCallerLimit(
  identity: Identity,
  action: Action | undefined,
  first: LimitState | undefined,
  parts: GuardParts,
): Denial | undefined {
  const limiter = parts.callerLimit
  if (limiter === undefined || first === undefined) return undefined
  if (!first.allowed) return limitDenial('caller_limit_reached', 'caller', limiter, first, action)
  const more = (action?.messages.length ?? 1) - 1
  if (more === 0) return undefined
  const { count, perSeconds, burst = count } = limiter.rate
  if (more >= burst) return bare('batch_refused', `at most ${burst} messages at once`)
  const rest = limiter.take(identity.callerKey, more, parts.monotonicSeconds())
  if (rest.allowed) return undefined
  // The next try needs the first unit again as well.
  const retryAfterSeconds = rest.retryAfterSeconds + perSeconds / count
  return limitDenial('caller_limit_reached', 'caller', limiter, { ...rest, retryAfterSeconds }, action)
}

/** Limits of rules count what would run: a denied or hidden call has cost the caller's own limit only. */
function takeRuleLimits(
  identity: Identity,
  action: Action,
  verdicts: readonly Verdict[],
  parts: GuardParts,
): Denial | undefined {
  // All of a batch at once: taken one by one, a batch that is refused would use up what its next try needs.
  const costs = new Map<Limiter, number>()
  for (const verdict of verdicts) {
    const limiter = verdict.outcome === 'allow' ? parts.ruleLimits.get(verdict.rule?.id ?? '') : undefined
    if (limiter !== undefined) costs.set(limiter, (costs.get(limiter) ?? 0) + 1)
  }
  for (const [limiter, cost] of costs) {
    const { burst = limiter.rate.count } = limiter.rate
    if (cost > burst) return bare('batch_refused', `at most ${burst} calls of one rule at once`)
    const state = limiter.take(identity.callerKey, cost, parts.monotonicSeconds())
    if (!state.allowed) return limitDenial('rule_limit_reached', 'rule', limiter, state, action)
  }
  return undefined
}

function limitDenial(
  code: 'caller_limit_reached' | 'rule_limit_reached',
  name: string,
  limiter: Limiter,
  state: LimitState,
  action: Action | undefined,
): Denial {
  const { retryAfterSeconds } = state
  return {
    ...bare(code, `${limiter.rate.count} in ${limiter.rate.perSeconds} s`),
    ...(action && answers(action)),
    retryAfterSeconds,
    limit: { name, rate: limiter.rate, state },
    data: {
      type: 'about:blank',
      title: 'Too Many Requests',
      status: 429,
      retryAfterSeconds: Math.ceil(retryAfterSeconds),
    },
  }
}

/**
 * What denies the whole request: a missing scope of any message, with all missing ones in one challenge; or, outside
 * a batch, whatever denies its only message. Within a batch other denials stand in place of their own results.
 */
function judgeTogether(action: Action, verdicts: readonly Verdict[]): Denial | undefined {
  if (verdicts.some(({ outcome }) => outcome === 'challenge')) {
    // What the other messages need is named too: a client may ask for just the scopes of the challenge.
    const scopes = verdicts.flatMap((verdict) => ('scopes' in verdict ? verdict.scopes : []))
    const missing = verdicts.flatMap((verdict) => ('missing' in verdict ? verdict.missing : []))
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

/** Which message a denial answers, and whether it may have an answer at all. */
function answers(action: Action): Pick<Denial, 'id' | 'silent'> {
  const message = answeredMessage(action)
  return { id: message?.id ?? null, silent: action.messages.every(({ kind }) => kind !== 'request') }
}

function bare(code: DenialCode, detail: string): Denial {
  return { code, detail, id: null }
}

function deny({ form }: AccessRequest, id: string, denial: Denial): Decision & { readonly granted: false } {
  return { granted: false, id, form, denial }
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
