import {
  authorize,
  judgeRequest,
  missingConsent,
  redirectLocation,
  rememberConsent,
} from './authorization.ts'
import { type AuthorizationRequest, readAuthorizationRequest } from './authorization-request.ts'
import { type Call, readForm, readQuery } from '../interface/call.ts'
import type { Client } from '../rows/clients.ts'
import { type Answer, redirect, refused } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { consentPage, continuePage, loginPage, mistakePage } from './pages.ts'
import type { Sessions } from './sessions.ts'
import { judgePassword, judgeUser, refusePasswords } from './sign-in.ts'
import { idOf } from '../rows/table.ts'
import type { UserRow } from '../rows/user-row.ts'

/** A request whose client and redirect URI are right, and whoever is signed in. */
interface Step {
  readonly instance: Instance
  readonly sessions: Sessions
  readonly call: Call
  readonly request: AuthorizationRequest
  readonly client: Client
  readonly scope: string
}

/**
 * `/login/oauth/authorize`: a page for people. An application with automatic sign-in goes on without one, as long as
 * somebody is signed in, and then answers mistakes as the interface does.
 */
export async function answerAuthorize(instance: Instance, sessions: Sessions, call: Call): Promise<Answer> {
  const request = readAuthorizationRequest('client', readQuery(call))
  const judged = judgeRequest(instance, request)
  const user = findSignedIn(instance, sessions, call, judged.client)
  const isAutomatic = judged.client?.application.enableAutoSignin === true
  if (call.method !== 'POST' && user !== undefined && isAutomatic) {
    const issued = await authorize(instance, request, user, call.issuer)
    return issued.ok ? sendCode(request, issued.row.code) : refused(issued.message)
  }
  if (!judged.ok) return mistakePage(judged.message)
  const { client, scope } = judged
  const step: Step = { instance, sessions, call, request, client, scope }
  if (call.method === 'POST') return answerForm(step, user)
  if (user === undefined) return loginPage(client.application, '')
  if (instance.autoLogin === undefined) return continuePage(client.application, user.name)
  sessions.signIn(call.session, idOf(user))
  return { ...(await goOn(step, user)), withoutSession: false }
}

/** Whoever is signed in already, as long as they may use the application. */
function findSignedIn(
  instance: Instance,
  sessions: Sessions,
  call: Call,
  client: Client | undefined,
): UserRow | undefined {
  const user = instance.users.get(sessions.userOf(call.session) ?? instance.autoLogin ?? '')
  const judged = user && client && judgeUser(instance, client, user)
  return judged?.ok === true ? judged.user : undefined
}

async function answerForm(step: Step, user: UserRow | undefined): Promise<Answer> {
  const { instance, sessions, call, request, client } = step
  const form = readForm(call)
  const { action } = form
  if (action === 'login') return signIn(step, form['username'] ?? '', form['password'] ?? '')
  if (action === 'leave') {
    return { ...loginPage(client.application, ''), endsSession: true, withoutSession: false }
  }
  if (action === 'deny') {
    return redirect(redirectLocation(request.redirectUri, `error=access_denied&state=${request.state}`))
  }
  if (user === undefined) return loginPage(client.application, '', 'Your session has ended. Sign in again.')
  if (action === 'allow') {
    const missing = missingConsent(client, step.scope, user)
    const consenting = rememberConsent(user, idOf(client.application), missing)
    instance.users.replace(idOf(user), consenting)
    return goOn(step, consenting)
  }
  sessions.signIn(call.session, idOf(user))
  return goOn(step, user)
}

async function signIn(step: Step, name: string, password: string): Promise<Answer> {
  const { instance, sessions, call, client } = step
  const { application, organization } = client
  const refusal = refusePasswords(application)
  if (refusal !== undefined) return loginPage(application, name, refusal)
  const known = judgePassword(instance, application, organization, name, password)
  if (!known.ok) return loginPage(application, name, known.message)
  const judged = judgeUser(instance, client, known.user)
  if (!judged.ok) return loginPage(application, name, judged.message)
  if (judged.user.needUpdatePassword) {
    return loginPage(application, name, 'The password must be changed, which this double has no page for.')
  }
  sessions.signIn(call.session, idOf(judged.user))
  return { ...(await goOn(step, judged.user)), withoutSession: false }
}

/** Asks for consent where some is missing, and sends the code otherwise. */
async function goOn({ instance, call, request, client, scope }: Step, user: UserRow): Promise<Answer> {
  const missing = missingConsent(client, scope, user)
  if (missing.length > 0 && !instance.autoConsent) {
    return consentPage(client.application, user.name, missing)
  }
  const issued = await authorize(instance, request, user, call.issuer)
  return issued.ok ? sendCode(request, issued.row.code) : mistakePage(issued.message)
}

/** Only the code and the state: no issuer (RFC 9207) is named. */
function sendCode({ redirectUri, state }: AuthorizationRequest, code: string): Answer {
  return redirect(redirectLocation(redirectUri, `code=${code}&state=${state}`))
}
