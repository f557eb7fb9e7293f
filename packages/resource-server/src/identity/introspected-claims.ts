import type { Claims, Rejection } from './claims.ts'

export type IntrospectedClaims =
  | { readonly ok: true; readonly claims: Claims }
  | ({ readonly ok: false } & Rejection)

/** What is known before an issuer's answer about a token is read. */
export interface AskedToken {
  readonly issuer: string
  /** The token's own claims, proven by its signature; `undefined` when only the issuer can read it. */
  readonly own: Claims | undefined
  /** The claim of them that names the client. */
  readonly clientClaim: string
  /** Stands in where the answer names no audience; `undefined` when it must. */
  readonly assumedAudience: string | undefined
}

/** Of these the issuer may have newer knowledge than the token itself. */
const newer = ['aud', 'nbf', 'scope'] as const

/**
 * Reads an issuer's answer about an active token (RFC 7662 §2.2) as claims, which still have to be judged as those of any
 * token.
 *
 * The answer must not contradict what the token itself says, and can only narrow its time.
 */
export function readIntrospected(members: Claims, asked: AskedToken): IntrospectedClaims {
  const { issuer, own, clientClaim, assumedAudience } = asked
  const { token_type: type, iss = issuer, cnf } = members
  if (iss !== issuer) return reject('issuer_unknown', 'the answer is about a token of another issuer')
  if (type !== undefined && !(typeof type === 'string' && /^(?:bearer|dpop)$/i.test(type))) {
    return reject('token_use_refused', 'the answer is about a token of another type')
  }
  if (typeof type === 'string' && type.toLowerCase() === 'dpop' && cnf === undefined) {
    return reject('sender_unproven', 'the issuer says that the token is bound to a key, and not to which')
  }
  if (own === undefined) {
    const { active: _, aud = assumedAudience, ...rest } = members
    return { ok: true, claims: { ...rest, iss, aud } }
  }
  const contradicted = [
    differs(members['sub'], own['sub']) && 'sub',
    differs(members['client_id'], own[clientClaim]) && 'client_id',
    differs(members['jti'], own['jti']) && 'jti',
    own['cnf'] !== undefined && differs(cnf, own['cnf']) && 'cnf',
  ].find((name) => name !== false)
  if (contradicted !== undefined) {
    return reject('claim_invalid', `the issuer's answer has another "${contradicted}" than the token`)
  }
  const claims: Record<string, unknown> = { ...own }
  for (const name of newer) if (members[name] !== undefined) claims[name] = members[name]
  if (cnf !== undefined) claims['cnf'] = cnf
  claims['exp'] = earlier(members['exp'], own['exp'])
  return { ok: true, claims }
}

/** An answer that says nothing of something contradicts nothing. */
function differs(answered: unknown, said: unknown): boolean {
  return answered !== undefined && JSON.stringify(answered) !== JSON.stringify(said)
}

/** What is no number is kept, to be refused with the other claims. */
function earlier(answered: unknown, said: unknown): unknown {
  if (answered === undefined) return said
  return typeof answered === 'number' && typeof said === 'number' ? Math.min(answered, said) : answered
}

function reject(code: Rejection['code'], detail: string): IntrospectedClaims {
  return { ok: false, code, detail }
}
