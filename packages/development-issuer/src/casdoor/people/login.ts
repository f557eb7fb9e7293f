import type { ApplicationRow } from '../rows/application-row.ts'
import { showApplication } from '../rows/application-view.ts'
import {
  authorize,
  codeResponse,
  implicitResponses,
  judgeRequest,
  missingConsent,
  rememberConsent,
} from './authorization.ts'
import { readAuthorizationRequest } from './authorization-request.ts'
import { type Call, readQuery, readTexts } from '../interface/call.ts'
import { type Client, clientOf, findClient } from '../rows/clients.ts'
import { type Answer, failed, ok } from '../interface/envelope.ts'
import { parseGoJson } from '../interface/go-json.ts'
import type { Instance } from '../instance.ts'
import { issueTokens, plainGrant } from '../tokens/issue-tokens.ts'
import { grantScope } from '../tokens/scope.ts'
import type { Sessions } from './sessions.ts'
import { judgePassword, judgeUser, refusePasswords, type SignedIn } from './sign-in.ts'
import { idOf } from '../rows/table.ts'
import type { UserRow } from '../rows/user-row.ts'

/** `GET /api/get-app-login`: whether a request may be made, without making it. */
export function answerProbe(instance: Instance, call: Call): Answer {
  const judged = judgeRequest(instance, readAuthorizationRequest('page', readQuery(call)))
  const application = judged.client && showApplication(instance, judged.client.application, 'anybody')
  return judged.ok ? ok(application) : failed(judged.message, application ?? null)
}

/** `POST /api/login`: every way to sign in, and what one gets for it. */
export async function answerLogin(instance: Instance, sessions: Sessions, call: Call): Promise<Answer> {
  const parsed = parseGoJson(call.body)
  if (!parsed.ok) return failed(parsed.message)
  const form = readTexts(call.body)
  const application = instance.applications.get(`admin/${form['application'] ?? ''}`)
  if (application === undefined) {
    return failed(`The application: ${form['application'] ?? ''} does not exist`)
  }
  const signedIn = signIn(instance, sessions, call, application, form)
  if (!signedIn.ok) return failed(signedIn.message)

  const client = findClient(instance, call.query.get('clientId') ?? '') ?? clientOf(application)
  const judged = judgeUser(instance, client, signedIn.user)
  if (!judged.ok) return failed(judged.message)
  const { user } = judged
  if (user.needUpdatePassword) return ok('RequiredUpdatePassword', { data3: true })
  if (application.enableSigninSession) sessions.signIn(call.session, idOf(user))
  return answerSignedIn(instance, sessions, call, { client, user, form })
}

/** By name and password, or as whoever the session belongs to. */
function signIn(
  instance: Instance,
  sessions: Sessions,
  call: Call,
  application: ApplicationRow,
  form: Readonly<Record<string, string>>,
): SignedIn {
  const { username, password = '', organization = application.organization } = form
  if (username === undefined || username === '') {
    const user = instance.users.get(sessions.userOf(call.session) ?? '')
    return user === undefined ? { ok: false, message: 'Please login first' } : { ok: true, user }
  }
  const refusal = refusePasswords(application)
  if (refusal !== undefined) return { ok: false, message: refusal }
  return judgePassword(instance, application, organization, username, password)
}

interface SignedInCall {
  readonly client: Client
  readonly user: UserRow
  readonly form: Readonly<Record<string, string>>
}

async function answerSignedIn(
  instance: Instance,
  sessions: Sessions,
  call: Call,
  { client, user, form }: SignedInCall,
): Promise<Answer> {
  const type = form['type'] ?? ''
  if (type === 'login') {
    const grant = { ...plainGrant, client, user, issuer: call.issuer, scope: 'profile' }
    const issued = await issueTokens(instance, grant)
    if (!issued.ok) return failed(issued.message)
    instance.users.replace(idOf(user), { ...user, accessToken: issued.row.accessToken })
    sessions.signIn(call.session, idOf(user))
    return ok(idOf(user))
  }
  if (type === 'device') return approveDevice(instance, user, form['userCode'] ?? '')
  if (type !== codeResponse && !implicitResponses.includes(type)) {
    return failed(`unknown response type: ${type}`)
  }
  if (type !== codeResponse && !(client.application.grantTypes ?? []).includes(type)) {
    return failed(`error: grant_type: ${type} is not supported in this application`)
  }
  const request = readAuthorizationRequest('page', readQuery(call))
  const { codeChallengeMethod: method } = request
  if (method !== '' && method !== 'null' && method !== 'S256') {
    return failed('Challenge method should be S256')
  }
  // A pattern asks for each scope that it matches.
  const scope = grantScope(client.application.scopes, request.scope) ?? ''
  if (!instance.autoConsent && missingConsent(client, scope, user).length > 0) {
    sessions.signIn(call.session, idOf(user))
    return ok({ required: true })
  }
  const issued = await authorize(instance, request, user, call.issuer)
  if (!issued.ok) return failed(issued.message, issued.fault === 'request' ? '' : null)
  return ok(type === codeResponse ? issued.row.code : issued.row.accessToken)
}

function approveDevice(instance: Instance, user: UserRow, userCode: string): Answer {
  const device = instance.devices.waiting(userCode, instance.nowSeconds())
  if (device === undefined) return failed('UserCode Expired')
  instance.devices.put({ ...device, approvedBy: idOf(user) })
  return ok(idOf(user))
}

/** `POST /api/grant-consent`: what the page sends when somebody has allowed a request. */
export async function answerConsent(instance: Instance, sessions: Sessions, call: Call): Promise<Answer> {
  const parsed = parseGoJson(call.body)
  if (!parsed.ok) return failed(parsed.message)
  const known = instance.users.get(sessions.userOf(call.session) ?? '')
  if (known === undefined) return failed('Please login first')
  const form = readTexts(call.body)
  const application = instance.applications.get(form['application'] ?? '')
  if (application === undefined) {
    return failed(`The application: ${form['application'] ?? ''} does not exist`)
  }
  const judged = judgeUser(instance, clientOf(application), known)
  if (!judged.ok) return failed(judged.message)
  const consenting = rememberConsent(judged.user, idOf(application), readGrantedScopes(parsed.value))
  instance.users.replace(idOf(consenting), consenting)
  const request = readAuthorizationRequest('consent', form)
  const issued = await authorize(instance, request, consenting, call.issuer)
  return ok(issued.ok ? issued.row.code : '') // What was wrong with the request is not said.
}

function readGrantedScopes(body: unknown): readonly string[] {
  if (typeof body !== 'object' || body === null || !('grantedScopes' in body)) return []
  const { grantedScopes } = body
  return Array.isArray(grantedScopes)
    ? grantedScopes.filter((scope): scope is string => typeof scope === 'string')
    : []
}
