import { type Call, readBasic, readBearer } from './call.ts'
import { findClient, isSecretOf } from '../rows/clients.ts'
import { type Answer, refused } from './envelope.ts'
import { formatTime, type Instance } from '../instance.ts'
import type { Sessions } from '../people/sessions.ts'
import { isAdministrator } from '../people/sign-in.ts'
import type { TokenRow } from '../rows/small-rows.ts'

/** Whom the interface takes a caller for. */
export type Principal =
  | { readonly kind: 'nobody' }
  /** An application that showed its secret: an administrator, as far as Casdoor is concerned. */
  | { readonly kind: 'application' }
  /** By session, or by a token of any audience. `organization/name`. */
  | { readonly kind: 'user'; readonly user: string; readonly token: TokenRow | undefined }

export type FoundPrincipal =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly answer: Answer }

/** Finds out who calls. Wrong Basic credentials make nobody of a caller; a wrong token ends the call. */
export function findPrincipal(instance: Instance, sessions: Sessions, call: Call): FoundPrincipal {
  const bearer = readBearer(call)
  if (bearer !== undefined) return judgeBearer(instance, bearer)
  const basic = readBasic(call)
  const client = basic && findClient(instance, basic.name)
  if (client !== undefined && isSecretOf(client.application, basic?.password ?? '')) {
    return { ok: true, principal: { kind: 'application' } }
  }
  const user = sessions.userOf(call.session)
  return {
    ok: true,
    principal: user === undefined ? { kind: 'nobody' } : { kind: 'user', user, token: undefined },
  }
}

function judgeBearer(instance: Instance, bearer: string): FoundPrincipal {
  const token = instance.tokens.byAccessToken(bearer)
  if (token === undefined) return { ok: false, answer: refused("Access token doesn't exist in database") }
  const endsAt = Date.parse(token.createdTime) / 1000 + token.expiresIn
  if (instance.nowSeconds() >= endsAt) {
    return {
      ok: false,
      answer: refused(`Access token has expired, expireTime = ${formatTime(endsAt)}`),
    }
  }
  return { ok: true, principal: { kind: 'user', user: `${token.organization}/${token.user}`, token } }
}

export function mayAdminister(instance: Instance, principal: Principal): boolean {
  if (principal.kind === 'application') return true
  const user = principal.kind === 'user' ? instance.users.get(principal.user) : undefined
  return user !== undefined && isAdministrator(user)
}
