import { randomUUID } from 'node:crypto'
import { redirectLocation, redirectRefusal } from './authorization.ts'
import { type Call, readForm } from '../interface/call.ts'
import { type Answer, failed, ok, redirect } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { mayRedirect } from './redirect-uri.ts'
import type { Sessions } from './sessions.ts'
import { findSigner, signClaims } from '../keys/signing.ts'

/**
 * `GET|POST /api/logout`: of the session, or with an access token as the hint of OpenID Connect's logout, which ends
 * that token even where the redirect is then refused.
 */
export async function answerLogout(instance: Instance, sessions: Sessions, call: Call): Promise<Answer> {
  const { id_token_hint: hint, post_logout_redirect_uri: uri = '', state = '' } = readForm(call)
  if (hint === undefined) {
    const user = sessions.userOf(call.session)
    if (user === undefined) return ok(null)
    await tellApplications(instance, user, call.issuer)
    return { ...ok(user), endsSession: true }
  }
  const row = instance.tokens.byAccessToken(hint)
  if (row === undefined) return failed('Token not found, invalid accessToken')
  instance.tokens.put({ ...row, expiresIn: 0 })
  const user = `${row.organization}/${row.user}`
  await tellApplications(instance, user, call.issuer)
  if (uri === '') return { ...ok(user), endsSession: true }
  const application = instance.applications.get(`admin/${row.application}`)
  if (!mayRedirect(application?.redirectUris ?? null, uri)) {
    return { ...failed(redirectRefusal(uri)), endsSession: true }
  }
  const location = state === '' ? uri : redirectLocation(uri, `state=${state}`)
  return { ...redirect(location), endsSession: true }
}

/** `/api/sso-logout`: ends the session, and all tokens of its user. */
export async function answerSingleLogout(
  instance: Instance,
  sessions: Sessions,
  call: Call,
): Promise<Answer> {
  const user = sessions.userOf(call.session)
  if (user === undefined) return ok(null)
  await tellApplications(instance, user, call.issuer)
  instance.tokens.endOf(user)
  return { ...ok(null), endsSession: true }
}

/** Back-channel logout, for each application that wants it and that the user still has an active token of. */
async function tellApplications(instance: Instance, userId: string, issuer: string): Promise<void> {
  const user = instance.users.get(userId)
  if (user === undefined) return
  const now = instance.nowSeconds()
  const active = instance.tokens
    .all()
    .filter(
      ({ organization, user: name, expiresIn, createdTime }) =>
        `${organization}/${name}` === userId && Date.parse(createdTime) / 1000 + expiresIn > now,
    )
  for (const name of new Set(active.map(({ application }) => application))) {
    const application = instance.applications.get(`admin/${name}`)
    if (application === undefined || application.backchannelLogoutUri === '') continue
    const found = findSigner(instance, application)
    if (!found.ok) continue
    const claims = {
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      iss: issuer,
      sub: user.id,
      aud: [application.clientId],
      iat: now,
      jti: `admin/${randomUUID()}`,
    }
    const logoutToken = await signClaims(found.signer, claims, 'with key id')
    instance.deliverLogoutToken({ uri: application.backchannelLogoutUri, logoutToken })
  }
}
