import { answerAccount, answerUserinfo } from './account.ts'
import { answerAuthorize } from '../people/authorize-endpoint.ts'
import { showApplication } from '../rows/application-view.ts'
import type { Call } from './call.ts'
import { openHeaders } from './cors.ts'
import { answerDeviceAuthorization } from '../grants/device-grant.ts'
import { answerDevicePage, deviceFolder } from '../people/device-page.ts'
import { answerWellKnown, paths } from './discovery.ts'
import { type Answer, notFound, ok, refused } from './envelope.ts'
import type { Instance } from '../instance.ts'
import { answerIntrospection } from './introspection.ts'
import { administration } from '../rows/kinds.ts'
import { answerConsent, answerLogin, answerProbe } from '../people/login.ts'
import { answerLogout, answerSingleLogout } from '../people/logout.ts'
import { otherPage } from '../people/pages.ts'
import { findPrincipal, mayAdminister, type Principal } from './principal.ts'
import { answerRegistration } from './registration.ts'
import type { Sessions } from '../people/sessions.ts'
import { answerToken } from '../grants/token-endpoint.ts'

interface Place {
  readonly instance: Instance
  readonly sessions: Sessions
  readonly call: Call
  readonly principal: Principal
}

type AnswerPlace = (place: Place) => Answer | Promise<Answer>

/** What everybody may call below `/api/`, by method and path. */
const open: ReadonlyMap<string, AnswerPlace> = new Map<string, AnswerPlace>([
  ['GET /api/health', () => ok(null)],
  ['GET /api/get-app-login', ({ instance, call }) => answerProbe(instance, call)],
  ['POST /api/login', ({ instance, sessions, call }) => answerLogin(instance, sessions, call)],
  ['POST /api/grant-consent', ({ instance, sessions, call }) => answerConsent(instance, sessions, call)],
  ['GET /api/logout', ({ instance, sessions, call }) => answerLogout(instance, sessions, call)],
  ['POST /api/logout', ({ instance, sessions, call }) => answerLogout(instance, sessions, call)],
  ['GET /api/sso-logout', ({ instance, sessions, call }) => answerSingleLogout(instance, sessions, call)],
  ['POST /api/sso-logout', ({ instance, sessions, call }) => answerSingleLogout(instance, sessions, call)],
  [`GET ${paths.userinfo}`, ({ instance, call, principal }) => answerUserinfo(instance, principal, call)],
  [`POST ${paths.userinfo}`, ({ instance, call, principal }) => answerUserinfo(instance, principal, call)],
  ['GET /api/get-account', ({ instance, principal }) => answerAccount(instance, principal)],
  [`POST ${paths.token}`, ({ instance, call }) => answerToken(instance, call)],
  [`POST ${paths.introspection}`, ({ instance, call }) => answerIntrospection(instance, call)],
  [`POST ${paths.deviceAuthorization}`, ({ instance, call }) => answerDeviceAuthorization(instance, call)],
  [`POST ${paths.registration}`, ({ instance, call }) => answerRegistration(instance, call)],
  ['GET /api/get-application', answerMaskedApplication],
])

/** Whose other methods lead nowhere, instead of being refused. */
const openFolder = '/api/login/oauth/'

/** Answers a request whose origin has been judged. */
export async function route(instance: Instance, sessions: Sessions, call: Call): Promise<Answer> {
  const { path } = call
  if (path.startsWith('/.well-known/')) {
    const isRead = call.method === 'GET'
    return (isRead ? answerWellKnown(instance, call.issuer, path) : undefined) ?? refused()
  }
  if (path === paths.authorization) return answerAuthorize(instance, sessions, call)
  if (path.startsWith(deviceFolder)) return answerDevicePage(instance, call)
  if (!path.startsWith('/api/')) return otherPage()

  const found = findPrincipal(instance, sessions, call)
  if (!found.ok) return found.answer
  const { principal } = found
  const isAdministrator = mayAdminister(instance, principal)
  const administrative = administration.get(`${call.method} ${path.slice('/api/'.length)}`)
  if (isAdministrator && administrative !== undefined) return administrative(instance, call)
  const answer = open.get(`${call.method} ${path}`)
  if (answer !== undefined) {
    const answered = await answer({ instance, sessions, call, principal })
    return { ...answered, headers: { ...openHeaders(call), ...answered.headers } }
  }
  return isAdministrator || path.startsWith(openFolder) ? notFound() : refused()
}

function answerMaskedApplication({ instance, call }: Place): Answer {
  const application = instance.applications.get(call.query.get('id') ?? '')
  return ok(application === undefined ? null : showApplication(instance, application, 'anybody'))
}
