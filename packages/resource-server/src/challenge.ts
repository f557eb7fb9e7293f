import type { Denial, RequestForm } from './decision.ts'
import { methodOf, unknownItemError } from './decision.ts'
import { denials, type DenialRule } from './denials.ts'
import { formatErrorResponse, type JsonRpcError } from './json-rpc.ts'

/** An answer, ready to be written. */
export interface DenialResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON, or empty. */
  readonly body: string
}

export interface ChallengeOptions {
  /** Where the metadata stands; absolute, on the resource's own origin. */
  readonly metadataUrl: string
  /** The scopes a first login should ask for. */
  readonly baseScopes: readonly string[]
  /** What is told of DPoP; `undefined` when proofs are not taken. */
  readonly dpop: { readonly algorithms: readonly string[]; readonly required: boolean } | undefined
  /** Say `invalid_token` also where no token was sent, for hosts that refresh only then. */
  readonly errorWithoutToken: boolean
}

export type FormatDenial = (denial: Denial, form: RequestForm, decisionId: string) => DenialResponse

/**
 * Builds what turns a denial into an answer.
 *
 * The wire says little: the OAuth code and a fixed sentence. Nothing of the token, the rule or the cause is in it.
 *
 * @see RFC 6750 §3, RFC 9728 §5.1, RFC 9110 §11.6.1
 */
export function createDenialFormatter(options: ChallengeOptions): FormatDenial {
  const { metadataUrl, baseScopes, errorWithoutToken, dpop } = options
  const algs = dpop?.algorithms.join(' ') ?? ''

  return (denial, form, decisionId) => {
    const rule = denials[denial.code]
    const status = statusOf(denial, form)
    const headers: Record<string, string> = {
      'cache-control': 'no-store',
      'doorman-decision': decisionId,
    }
    const challenge = formatChallenge(denial, rule)
    if (challenge !== undefined) headers['www-authenticate'] = challenge
    if (denial.nonce !== undefined) headers['dpop-nonce'] = denial.nonce
    if (rule.status === 405) headers['allow'] = methodOf(form)
    if (denial.retryAfterSeconds !== undefined) {
      headers['retry-after'] = String(Math.max(1, Math.ceil(denial.retryAfterSeconds)))
    }
    if (denial.limit !== undefined) addRateLimit(headers, denial.limit)
    const body = denial.silent === true ? '' : formatBody(denial, rule, form)
    if (body !== '') headers['content-type'] = 'application/json'
    return { status, headers, body }
  }

  function formatChallenge(denial: Denial, rule: DenialRule): string | undefined {
    const unauthorized = rule.status === 401
    if (!unauthorized && rule.oauthError === undefined) return undefined
    const error = rule.oauthError ?? (errorWithoutToken ? 'invalid_token' : undefined)
    const scopes = denial.scopes ?? baseScopes
    const always = [
      scopes.length === 0 ? undefined : `scope="${scopes.join(' ')}"`,
      `resource_metadata="${metadataUrl}"`,
    ]
    const description = describe(denial, rule).replaceAll('"', "'")
    const failed = error === undefined ? [] : [`error="${error}"`, `error_description="${description}"`]
    const { acrValues, maxAgeSeconds } = denial.authentication ?? {}
    if (acrValues !== undefined) failed.push(`acr_values="${acrValues.join(' ')}"`)
    if (maxAgeSeconds !== undefined) failed.push(`max_age="${maxAgeSeconds}"`)
    return schemesFor(denial, rule)
      .map(({ scheme, told }) => {
        const parameters = [
          ...(told ? failed : []),
          ...always,
          scheme === 'DPoP' ? `algs="${algs}"` : undefined,
        ]
        return `${scheme} ${parameters.filter((parameter) => parameter !== undefined).join(', ')}`
      })
      .join(', ')
  }

  /**
   * The schemes to offer, and which of them is told the error: the one that was used, or both where that cannot be said
   * (RFC 9449 §7.2). Bearer comes first, for clients that read no further.
   *
   * In one field: the usual clients join several to this very text before they read them.
   */
  function schemesFor({ scheme }: Denial, rule: DenialRule): readonly Offer[] {
    if (dpop === undefined) return [{ scheme: 'Bearer', told: true }]
    if (dpop.required) return [{ scheme: 'DPoP', told: true }]
    const both = rule.status === 400
    const offers: readonly Offer[] = [
      { scheme: 'Bearer', told: both || scheme === undefined },
      { scheme: 'DPoP', told: both || scheme === 'dpop' },
    ]
    // Another scheme cannot mend a missing scope.
    return rule.status === 403 ? offers.filter(({ told }) => told) : offers
  }
}

interface Offer {
  readonly scheme: 'Bearer' | 'DPoP'
  readonly told: boolean
}

/** The HTTP status of a denial. */
export function statusOf({ code, silent }: Denial, form: RequestForm): number {
  const { status } = denials[code]
  if (status !== 200) return status
  // Said inside MCP; the plain form has only the status to say it, and a notification is told nothing.
  if (!isMcp(form)) return code === 'item_hidden' ? 404 : 403
  return silent === true ? 202 : 200
}

function isMcp(form: RequestForm): boolean {
  return form !== 'plain-list' && form !== 'plain-call'
}

function describe({ missing, detail }: Denial, rule: DenialRule): string {
  if (missing !== undefined) return `${rule.sentence}: ${missing.join(' ')}`
  // What is wrong with a message is no secret from the one who sent it.
  const told = rule.status === 400 && rule.jsonRpcCode !== undefined && detail !== ''
  return told ? `${rule.sentence} (${detail})` : rule.sentence
}

function formatBody(denial: Denial, rule: DenialRule, form: RequestForm): string {
  if (rule.jsonRpcCode !== undefined && isMcp(form)) {
    return formatErrorResponse(denial.id, jsonRpcError(denial, rule, rule.jsonRpcCode))
  }
  return JSON.stringify({
    error: plainError(denial, rule),
    error_description: denial.code === 'item_hidden' ? unknownError(denial).message : describe(denial, rule),
    ...(denial.scopes !== undefined && { scope: denial.scopes.join(' ') }),
  })
}

function jsonRpcError(denial: Denial, rule: DenialRule, code: number): JsonRpcError {
  if (denial.code === 'item_hidden') return unknownError(denial)
  return {
    code,
    message: describe(denial, rule),
    ...(denial.data !== undefined && { data: denial.data }),
  }
}

function unknownError({ item, era = 'modern' }: Denial): JsonRpcError {
  return unknownItemError(item, era)
}

function plainError(denial: Denial, rule: DenialRule): string {
  if (rule.oauthError !== undefined) return rule.oauthError
  switch (rule.status) {
    case 401:
      return 'unauthorized'
    case 429:
      return 'rate_limited'
    case 503:
      return 'temporarily_unavailable'
    case 200:
      return denial.code === 'item_hidden' ? 'unknown_tool' : 'access_denied'
    case 405:
      return 'method_not_allowed'
    default:
      return 'invalid_request'
  }
}

/** The structured fields of draft-ietf-httpapi-ratelimit-headers: the policy, and where the caller stands in it. */
function addRateLimit(
  headers: Record<string, string>,
  { name, rate, state }: NonNullable<Denial['limit']>,
): void {
  headers['ratelimit-policy'] = `"${name}";q=${rate.count};w=${Math.ceil(rate.perSeconds)}`
  headers['ratelimit'] = `"${name}";r=${state.remaining};t=${Math.ceil(state.retryAfterSeconds)}`
}
