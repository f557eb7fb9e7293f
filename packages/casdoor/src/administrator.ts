import type { Outbound, OutboundAnswer } from '@mcp-doorman/outbound'
import { readEnvelope } from './answers.ts'
import { ownerOfAll, plainHeaders } from './api.ts'
import { done, failed, type Result } from './problems.ts'
import { clientOf, isMasked, isRecord, type ClientCredentials } from './records.ts'

/** A person who administers the whole Casdoor, one of its organization `built-in`. */
export interface Administrator {
  readonly user: string
  readonly password: string
}

/** The application of a fresh Casdoor whose credentials may administer all of it. */
export const builtInApplication = 'app-built-in'
export const builtInOrganization = 'built-in'

/**
 * Signs an administrator in, reads the credentials of `app-built-in`, and signs out again.
 *
 * Three requests. The session is ended, since it would live for 30 days. A wrong password counts: Casdoor locks an
 * account for 15 minutes after five.
 */
export async function readBuiltInCredentials(
  outbound: Outbound,
  origin: string,
  administrator: Administrator,
): Promise<Result<ClientCredentials>> {
  const signedIn = await signIn(outbound, origin, administrator)
  if (!signedIn.ok) return signedIn
  const headers = { ...plainHeaders, cookie: signedIn.value }
  const id = `${ownerOfAll}/${builtInApplication}`
  const query = new URLSearchParams({ id }).toString()
  const answer = await outbound.request({ url: `${origin}/api/get-application?${query}`, headers })
  const application = readEnvelope(answer, `GET ${origin}/api/get-application`)
  // Whether it worked is of no consequence: the session is nobody's but ours, and ends by itself.
  await outbound.request({ url: `${origin}/api/logout`, method: 'POST', headers })
  if (!application.ok) return application

  const { value } = application
  if (!isRecord(value)) {
    return failed(
      'in_the_way',
      `${origin} has no application ${builtInApplication}. Give the client id and secret of an application instead of an administrator.`,
    )
  }
  const client = clientOf(value)
  if (isMasked(value) || client.clientSecret === '') {
    return failed(
      'not_allowed',
      `${administrator.user} is signed in, and is not shown the secret of ${builtInApplication}: the account does not administer this Casdoor. Use one of the organization ${builtInOrganization} that does.`,
    )
  }
  return done(client)
}

/** Whether a person can sign in with this password, and nothing else. The session is ended. */
export async function canSignIn(
  outbound: Outbound,
  origin: string,
  administrator: Administrator,
): Promise<boolean> {
  const signedIn = await signIn(outbound, origin, administrator)
  if (!signedIn.ok) return false
  const headers = { ...plainHeaders, cookie: signedIn.value }
  await outbound.request({ url: `${origin}/api/logout`, method: 'POST', headers })
  return true
}

/** @returns the cookie of the session */
async function signIn(
  outbound: Outbound,
  origin: string,
  { user, password }: Administrator,
): Promise<Result<string>> {
  const answer = await outbound.request({
    url: `${origin}/api/login`,
    method: 'POST',
    headers: { ...plainHeaders, 'content-type': 'application/json' },
    body: JSON.stringify({
      application: builtInApplication,
      organization: builtInOrganization,
      username: user,
      password,
      signinMethod: 'Password',
      autoSignin: true,
      type: 'login',
    }),
  })
  const data = readEnvelope(answer, `POST ${origin}/api/login`)
  if (!data.ok) {
    if (data.problem.code !== 'refused') return data
    return failed(
      'wrong_credentials',
      `${data.problem.message}. Nobody was signed in as ${user} of ${builtInOrganization}: check name and password. Five wrong ones lock the account for 15 minutes.`,
    )
  }
  const cookie = sessionCookieOf(answer)
  // A person with a second factor gets an answer that says so, and no session that may do anything.
  if (typeof data.value === 'string' && data.value.includes('/') && cookie !== undefined) return done(cookie)
  return failed(
    'wrong_credentials',
    `Signing ${user} in needs more than a password, such as a second factor. Use the client id and secret of ${builtInApplication} instead: Applications → ${builtInApplication}.`,
  )
}

function sessionCookieOf(answer: OutboundAnswer): string | undefined {
  if (!answer.ok) return undefined
  return /(?:^|,\s*)(casdoor_session_id=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+)/.exec(
    answer.headers['set-cookie'] ?? '',
  )?.[1]
}
