import assert from 'node:assert/strict'
import { casdoorApplication } from '@mcp-doorman/development-issuer'

/** What the script of Casdoor's login page asks for when alice logs in and allows everything; gives where she is sent. */
export async function logInAtCasdoor(authorizeUrl: URL): Promise<URL> {
  const asked = authorizeUrl.searchParams
  const request = {
    clientId: asked.get('client_id') ?? '',
    responseType: 'code',
    redirectUri: asked.get('redirect_uri') ?? '',
    scope: asked.get('scope') ?? '',
    state: asked.get('state') ?? '',
    nonce: asked.get('nonce') ?? '',
    resource: asked.get('resource') ?? '',
  }
  const challenge = asked.get('code_challenge') ?? ''
  const query = new URLSearchParams({
    ...request,
    type: 'code',
    code_challenge_method: 'S256',
    code_challenge: challenge,
  })
  const page = { origin: authorizeUrl.origin, cookie: '' }
  const who = {
    application: casdoorApplication,
    organization: 'doorman',
    username: 'alice',
    password: 'alice',
  }
  let answer = await post(page, `/api/login?${query}`, {
    ...who,
    type: 'code',
    autoSignin: true,
    signinMethod: 'Password',
  })
  if (typeof answer === 'object') {
    const consent = { ...request, application: `admin/${casdoorApplication}`, challenge }
    answer = await post(page, '/api/grant-consent', { ...consent, grantedScopes: request.scope.split(' ') })
  }
  assert.ok(typeof answer === 'string' && answer !== '', 'no code was given')
  const back = new URL(request.redirectUri)
  back.search = `${new URLSearchParams({ code: answer, state: request.state })}`
  return back
}

/** The `data` of an answer, which has status 200 whatever became of the request. */
async function post(
  page: { readonly origin: string; cookie: string },
  path: string,
  body: object,
): Promise<unknown> {
  const response = await fetch(new URL(path, page.origin), {
    method: 'POST',
    headers: { cookie: page.cookie, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const [cookie = page.cookie] = response.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '')
  page.cookie = cookie
  const answer = (await response.json()) as { status: string; msg: string; data: unknown }
  assert.equal(answer.status, 'ok', answer.msg)
  return answer.data
}
