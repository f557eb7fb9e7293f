import type { DenialCode } from './denials.ts'
import type { PresentedHeaders } from './presented-headers.ts'

/** The two ways to present a token: alone, or with a proof of the key that it is bound to (RFC 9449). */
export type TokenScheme = 'bearer' | 'dpop'

export type Credentials =
  | { readonly ok: true; readonly token: string; readonly scheme: TokenScheme }
  | { readonly ok: false; readonly code: DenialCode }

// RFC 9110 §11.4: the scheme, spaces (never tabs), then token68 and nothing after it.
const bearer = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i
const bound = /^dpop +([A-Za-z0-9\-._~+/]+=*)$/i
const otherScheme = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: |$)/
const queryToken = /[?&]access_token=/i

/**
 * Reads the presented access token from the request's headers.
 *
 * A token in the query is never used (OAuth 2.1 §5.1); beside one in the header it makes the request ambiguous.
 * Does not look at the token itself, nor at a proof beside it.
 *
 * @param takesProofs - whether DPoP is a scheme of ours, or a foreign one
 * @see RFC 6750 §2.1, §3.1, RFC 9449 §7.1
 */
export function readCredentials(
  headers: PresentedHeaders,
  target: string,
  takesProofs: boolean,
): Credentials {
  if (headers.repeated?.includes('authorization') === true) return refuse('authorization_repeated')
  const value = headers.authorization
  if (value === undefined) return refuse('token_missing')

  let scheme: TokenScheme = 'bearer'
  let token = bearer.exec(value)?.[1]
  if (token === undefined && takesProofs) {
    scheme = 'dpop'
    token = bound.exec(value)?.[1]
  }
  if (token !== undefined) {
    return queryToken.test(target) ? refuse('token_presented_twice') : { ok: true, token, scheme }
  }
  // Two fields that something on the way joined with a comma.
  if (/,\s*(?:bearer|dpop|basic) /i.test(value)) return refuse('authorization_repeated')
  if (/^bearer(?:\s|$)/i.test(value) || !otherScheme.test(value)) return refuse('authorization_malformed')
  if (takesProofs && /^dpop(?:\s|$)/i.test(value)) return refuse('authorization_malformed')
  return refuse('token_missing')
}

function refuse(code: DenialCode): Credentials {
  return { ok: false, code }
}
