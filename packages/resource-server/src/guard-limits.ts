import type { Action } from './action.ts'
import { answers, bare, type Denial } from './decision.ts'
import type { DenialCode } from './denials.ts'
import type { Identity } from './identity/identity.ts'
import type { Limiter, LimitState } from './limits.ts'
import { addressKey } from './network-address.ts'
import type { Verdict } from './policy/policy.ts'

/** The limits of a resource, as the guard uses them. */
export interface GuardLimits {
  /** For each address: how often tokens may fail that nobody has signed. */
  readonly failures: Limiter | undefined
  readonly caller: Limiter | undefined
  /** By the rule's id. */
  readonly rules: ReadonlyMap<string, Limiter>
}

type Eventually<T> = T | Promise<T>

/**
 * What fails before a signature was proven: guesses and forgeries. A token that an issuer did sign, and that has ended
 * or is for someone else, is not among them: its holder must learn that it is time for a new one, whatever else comes
 * from the same address. Nor is a request without a token, which is how clients begin, or with two.
 */
const unproven: ReadonlySet<DenialCode> = new Set<DenialCode>([
  'token_too_long',
  'token_malformed',
  'token_type_refused',
  'critical_header_unknown',
  'algorithm_refused',
  'issuer_unknown',
  'key_unknown',
  'signature_invalid',
  'token_inactive',
])

function isUnproven({ code, signed }: Denial): boolean {
  return unproven.has(code) && signed !== true
}

/**
 * What a failed authentication is answered with: why it failed, or 429 when its address fails too often.
 *
 * Asked only after the failure is certain, so a valid token is never answered 429 for what others did (J5).
 */
export function judgeFailure(
  denial: Denial,
  address: string | undefined,
  limiter: Limiter | undefined,
  clock: () => number,
): Eventually<Denial> {
  if (limiter === undefined || address === undefined || !isUnproven(denial)) return denial
  const judge = (state: LimitState): Denial =>
    state.allowed
      ? denial
      : limitDenial('authentication_limit_reached', 'address', limiter, state, undefined, denial.code)
  const state = limiter.take(addressKey(address), 1, clock())
  return state instanceof Promise ? state.then(judge) : judge(state)
}

/** Judges what has been taken for a request, and takes the rest for the other messages of a batch. */
export function judgeCallerLimit(
  identity: Identity,
  action: Action | undefined,
  first: LimitState | undefined,
  limiter: Limiter | undefined,
  clock: () => number,
): Eventually<Denial | undefined> {
  if (limiter === undefined || first === undefined) return undefined
  if (!first.allowed) return limitDenial('caller_limit_reached', 'caller', limiter, first, action)
  const more = (action?.messages.length ?? 1) - 1
  if (more <= 0) return undefined
  const { count, perSeconds, burst = count } = limiter.rate
  if (more >= burst) return bare('batch_refused', `at most ${burst} messages at once`)
  const judge = (rest: LimitState): Denial | undefined => {
    if (rest.allowed) return undefined
    // The next try needs the first unit again as well.
    const retryAfterSeconds = rest.retryAfterSeconds + perSeconds / count
    return limitDenial('caller_limit_reached', 'caller', limiter, { ...rest, retryAfterSeconds }, action)
  }
  const rest = limiter.take(identity.callerKey, more, clock())
  return rest instanceof Promise ? rest.then(judge) : judge(rest)
}

/** Limits of rules count what would run: a denied or hidden call has cost the caller's own limit only. */
export function takeRuleLimits(
  identity: Identity,
  action: Action,
  verdicts: readonly Verdict[],
  limiters: ReadonlyMap<string, Limiter>,
  clock: () => number,
): Eventually<Denial | undefined> {
  // All of a batch at once: taken one by one, a batch that is refused would use up what its next try needs.
  const costs = new Map<Limiter, number>()
  for (const verdict of verdicts) {
    const limiter = verdict.outcome === 'allow' ? limiters.get(verdict.rule?.id ?? '') : undefined
    if (limiter !== undefined) costs.set(limiter, (costs.get(limiter) ?? 0) + 1)
  }
  return costs.size === 0 ? undefined : takeEach([...costs], 0, identity, action, clock)
}

function takeEach(
  costs: readonly (readonly [Limiter, number])[],
  from: number,
  identity: Identity,
  action: Action,
  clock: () => number,
): Eventually<Denial | undefined> {
  for (const [place, [limiter, cost]] of costs.entries()) {
    if (place < from) continue
    const { burst = limiter.rate.count } = limiter.rate
    if (cost > burst) return bare('batch_refused', `at most ${burst} calls of one rule at once`)
    const judge = (state: LimitState): Denial | undefined =>
      state.allowed ? undefined : limitDenial('rule_limit_reached', 'rule', limiter, state, action)
    const state = limiter.take(identity.callerKey, cost, clock())
    if (state instanceof Promise) {
      return state.then((told) => judge(told) ?? takeEach(costs, place + 1, identity, action, clock))
    }
    const refusal = judge(state)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function limitDenial(
  code: 'authentication_limit_reached' | 'caller_limit_reached' | 'rule_limit_reached',
  name: string,
  { rate }: Limiter,
  state: LimitState,
  action: Action | undefined,
  cause?: string,
): Denial {
  const { retryAfterSeconds, failure } = state
  if (failure !== undefined) return { ...bare('limits_unavailable', failure), retryAfterSeconds }
  return {
    ...bare(code, `${rate.count} in ${rate.perSeconds} s${cause === undefined ? '' : `; ${cause}`}`),
    ...(action && answers(action)),
    retryAfterSeconds,
    limit: { name, rate, state },
    data: {
      type: 'about:blank',
      title: 'Too Many Requests',
      status: 429,
      retryAfterSeconds: Math.ceil(retryAfterSeconds),
    },
  }
}
