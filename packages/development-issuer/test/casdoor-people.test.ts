/** How people sign in to the double, consent and leave, where nothing was recorded. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import {
  challenge,
  codeFor,
  cookieOf,
  login,
  openWorld,
  type Reply,
  sessionOf,
  signIn,
  tokensFor,
  verifier,
  type World,
} from './casdoor-world.ts'
import { passwordOf } from './recorded-instance.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  world.now += 60
})
afterEach(() => world.close())

const messageOf = ({ body }: Reply): string => (body as { msg: string }).msg

function trySignIn(user: string, password: string): Promise<Reply> {
  return signIn(world, { application: 'mcp-custom', user, password })
}

test('five wrong passwords lock a user for a quarter of an hour, and not a minute longer', async () => {
  for (const chances of [4, 3, 2, 1]) {
    assert.match(
      messageOf(await trySignIn('bob', 'wrong')),
      new RegExp(`you have ${chances} remaining chances`),
    )
  }
  assert.match(messageOf(await trySignIn('bob', 'wrong')), /please wait for 15 minutes/)
  world.now += 15 * 60 - 1
  assert.match(messageOf(await trySignIn('bob', passwordOf('bob'))), /please wait for 15 minutes/)
  world.now += 1
  assert.equal(messageOf(await trySignIn('bob', passwordOf('bob'))), '')
})

test('a right password forgets the wrong ones, and one user locks nobody else out', async () => {
  for (const password of ['wrong', 'wrong', 'wrong', 'wrong']) await trySignIn('bob', password)
  assert.equal(messageOf(await trySignIn('bob', passwordOf('bob'))), '')
  assert.match(messageOf(await trySignIn('bob', 'wrong')), /you have 4 remaining chances/)
  for (const password of ['wrong', 'wrong', 'wrong', 'wrong']) await trySignIn('bob', password)
  assert.equal(messageOf(await trySignIn('alice', passwordOf('alice'))), '')
})

test('an application may say how many wrong passwords it takes', async () => {
  const { body } = await world.administer('get-application?id=admin/mcp-custom')
  const { data } = body as { data: object }
  const limits = { failedSigninLimit: 1, failedSigninFrozenTime: 60 }
  await world.administer('update-application?id=admin/mcp-custom', { ...data, ...limits })
  assert.match(messageOf(await trySignIn('bob', 'wrong')), /please wait for 60 minutes/)
})

test('a user of another organization cannot sign in, unless the application is shared', async () => {
  await world.administer('add-organization', { owner: 'admin', name: 'globex', passwordType: 'bcrypt' })
  await world.administer('add-application', { owner: 'admin', name: 'globex-app', organization: 'globex' })
  await world.administer('add-user', { owner: 'globex', name: 'dave', password: 'dave' })
  const ask = async (application: string): Promise<string> => {
    const dave = { user: 'dave', password: 'dave', organization: 'globex' }
    return messageOf(await signIn(world, { application, ...dave }))
  }
  assert.equal(await ask('mcp-custom'), "The user: globex/dave doesn't exist")
  assert.equal(await ask('shared-bi'), '')
})

test('a session belongs to its cookie: another, none, or one that was left is nobody', async () => {
  const cookie = await sessionOf(world, 'alice')
  const account = async (sent: string): Promise<unknown> => {
    const { body } = await world.ask({ path: '/api/get-account', headers: { cookie: sent } })
    return (body as { name?: unknown }).name
  }
  assert.equal(await account(`other=1; ${cookie}; more=2`), 'alice')
  assert.equal(await account(`casdoor_session_id=${'0'.repeat(32)}`), '')
  assert.equal(await account('other=1'), '')
  await world.ask({ path: '/api/logout', headers: { cookie } })
  assert.equal(await account(cookie), '')
})

test('nobody can consent without a session, and a session consents for its own user', async () => {
  const consent = (headers: Readonly<Record<string, string>>): Promise<Reply> =>
    world.ask({
      method: 'POST',
      path: '/api/grant-consent',
      headers: { 'content-type': 'application/json', ...headers },
      body: {
        application: 'admin/mcp-consent',
        grantedScopes: ['files:read'],
        clientId: 'client-mcp-consent',
        responseType: 'code',
        redirectUri: 'https://client.example/cb',
        scope: 'files:read',
        challenge,
      },
    })
  assert.equal(messageOf(await consent({})), 'Please login first')
  assert.equal(messageOf(await consent({ cookie: await sessionOf(world, 'bob') })), '')
  const dataOf = async (user: string): Promise<unknown> =>
    ((await login(world, { application: 'mcp-consent', user })).body as { data: unknown }).data
  assert.match(String(await dataOf('bob')), /^[0-9a-f]{20}$/)
  assert.deepEqual(await dataOf('alice'), { required: true })
})

test('a logout tells the applications that want it and of which the user has an active token', async () => {
  await tokensFor(world, { application: 'mcp-custom', user: 'bob' })
  const cookie = await sessionOf(world, 'bob')
  await world.ask({ path: '/api/logout', headers: { cookie } })
  assert.deepEqual(world.logouts, [])
  await tokensFor(world, { application: 'mcp-bcl', user: 'alice' })
  await tokensFor(world, { application: 'mcp-bcl', user: 'bob' })
  await world.ask({ path: '/api/sso-logout', headers: { cookie: await sessionOf(world, 'bob') } })
  assert.equal(world.logouts.length, 1)
  world.now += 3600
  await world.ask({ path: '/api/sso-logout', headers: { cookie: await sessionOf(world, 'alice') } })
  assert.equal(world.logouts.length, 1, 'the token of alice had ended')
})

test('a single logout ends the tokens of its user and of nobody else; a session logout ends none', async () => {
  const active = async (token: string): Promise<boolean> => {
    const { body } = await world.ask({ path: '/api/userinfo', headers: { authorization: `Bearer ${token}` } })
    return 'sub' in (body as object) && (body as { status?: unknown }).status === undefined
  }
  const bob = await tokensFor(world, { application: 'mcp-custom', user: 'bob' })
  const alice = await tokensFor(world, { application: 'mcp-custom', user: 'alice' })
  await world.ask({ path: '/api/logout', headers: { cookie: await sessionOf(world, 'bob') } })
  assert.deepEqual([await active(bob.access_token), await active(alice.access_token)], [true, true])
  await world.ask({ path: '/api/sso-logout', headers: { cookie: await sessionOf(world, 'bob') } })
  assert.deepEqual([await active(bob.access_token), await active(alice.access_token)], [false, true])
  const nobody = await world.ask({ path: '/api/sso-logout' })
  assert.deepEqual(
    [(nobody.body as { status: string }).status, await active(alice.access_token)],
    ['ok', true],
  )
})

test('a logout with a token that was never issued says so', async () => {
  const reply = await world.ask({ path: '/api/logout?id_token_hint=made-up' })
  assert.equal(messageOf(reply), 'Token not found, invalid accessToken')
})

const page = `/login/oauth/authorize?${new URLSearchParams({
  client_id: 'client-mcp-consent',
  response_type: 'code',
  redirect_uri: 'https://client.example/cb',
  scope: 'files:read',
  state: 'a+b&c\r\nx: y',
  code_challenge: challenge,
  code_challenge_method: 'S256',
})}`

function submit(form: object, cookie?: string, path = page): Promise<Reply> {
  return world.ask({ method: 'POST', path, body: form, ...(cookie !== undefined && { headers: { cookie } }) })
}

test('the page leads from a password over consent to a code, without a script', async () => {
  assert.match(String((await world.ask({ path: page })).body), /<label for="password">/)
  const wrong = await submit({ action: 'login', username: '"><b>', password: 'wrong' })
  assert.match(String(wrong.body), /The user: acme\/&quot;&gt;&lt;b&gt; doesn&#39;t exist/)
  const asked = await submit({ action: 'login', username: 'alice', password: passwordOf('alice') })
  assert.match(String(asked.body), /<code>files:read<\/code>/)
  const cookie = cookieOf(asked)
  assert.match(String((await world.ask({ path: page, headers: { cookie } })).body), /Continue as alice/)
  const allowed = await submit({ action: 'allow' }, cookie)
  assert.equal(allowed.status, 302)
  const location = allowed.headers.location ?? ''
  // What a header cannot hold is encoded; the rest of the state comes back as it was.
  assert.match(location, /^https:\/\/client\.example\/cb\?code=[0-9a-f]{20}&state=a\+b&c%0D%0Ax:%20y$/)
  const tokens = await world.ask({
    method: 'POST',
    path: '/api/login/oauth/access_token',
    body: {
      grant_type: 'authorization_code',
      client_id: 'client-mcp-consent',
      code: /code=(\w+)/.exec(location)?.[1] ?? '',
      code_verifier: verifier,
    },
  })
  assert.equal(tokens.status, 200)
  // The consent is remembered.
  assert.equal((await submit({ action: 'continue' }, cookie)).status, 302)
})

test('a device is signed in on its page, with the right password and while it waits', async () => {
  const asked = await world.ask({
    method: 'POST',
    path: '/api/device-auth',
    body: { client_id: 'client-mcp-device', scope: 'files:read' },
  })
  const { device_code: code, verification_uri: uri } = asked.body as {
    device_code: string
    verification_uri: string
  }
  const { pathname, search } = new URL(uri)
  const approve = async (password: string): Promise<string> =>
    String((await submit({ action: 'login', username: 'bob', password }, undefined, pathname + search)).body)
  const poll = async (): Promise<number> => {
    const grant = 'urn:ietf:params:oauth:grant-type:device_code'
    const body = { grant_type: grant, client_id: 'client-mcp-device', device_code: code }
    return (await world.ask({ method: 'POST', path: '/api/login/oauth/access_token', body })).status
  }
  assert.match(String((await world.ask({ path: pathname })).body), /<label for="password">/)
  assert.match(await approve('wrong'), /you have 4 remaining chances/)
  assert.equal(await poll(), 400)
  assert.match(await approve(passwordOf('bob')), /Device signed in/)
  assert.equal(await poll(), 200)
  assert.match(await approve(passwordOf('bob')), /No device waits for this code/)
})

test('denying goes back with an error; allowing without a session asks for the password again', async () => {
  const denied = await submit({ action: 'deny' })
  assert.match(denied.headers.location ?? '', /^https:\/\/client\.example\/cb\?error=access_denied&state=/)
  const allowed = await submit({ action: 'allow' })
  assert.deepEqual([allowed.status, allowed.headers.location], [200, undefined])
  assert.match(String(allowed.body), /Sign in again/)
})

test('a session is of no use once its user is forbidden, nor for an application of another organization', async () => {
  await world.administer('add-organization', { owner: 'admin', name: 'globex', passwordType: 'bcrypt' })
  await world.administer('add-application', {
    owner: 'admin',
    name: 'globex-app',
    organization: 'globex',
    clientId: 'client-globex',
    enableAutoSignin: true,
    redirectUris: ['https://client.example/cb'],
    expireInHours: 1,
  })
  const cookie = await sessionOf(world, 'alice')
  const statusOf = async (clientId: string): Promise<number> => {
    const path = page.replace('client-mcp-consent', clientId)
    return (await world.ask({ path, headers: { cookie } })).status
  }
  assert.deepEqual([await statusOf('client-mcp-auto'), await statusOf('client-globex')], [302, 200])
  const { body } = await world.administer('get-user?id=acme/alice')
  const { data } = body as { data: object }
  await world.administer('update-user?id=acme/alice', { ...data, isForbidden: true })
  assert.equal(await statusOf('client-mcp-auto'), 200)
  assert.match(String((await submit({ action: 'continue' }, cookie)).body), /Sign in again/)
})

test('a pattern asks for consent to each scope that it matches', async () => {
  for (const scope of ['files:read', 'files:.*', '.*']) {
    const { body } = await login(world, { application: 'mcp-consent', scope })
    assert.deepEqual((body as { data: unknown }).data, { required: true }, scope)
  }
  const { body } = await login(world, { application: 'mcp-consent', scope: 'files:write' })
  assert.match(String((body as { data: unknown }).data), /^[0-9a-f]{20}$/)
})

test('a user without a password cannot sign in with none', async () => {
  await world.administer('add-user', { owner: 'acme', name: 'empty' })
  assert.match(messageOf(await trySignIn('empty', '')), /password or code is incorrect/)
})

test('nothing is ever sent to a redirect URI that is not registered', async () => {
  const evil = page.replace('client.example', 'evil.example')
  const cookie = await sessionOf(world, 'alice')
  for (const action of ['login', 'allow', 'deny', 'continue', 'leave', '']) {
    const { status, headers } = await submit(
      { action, username: 'alice', password: 'alice-pass-1' },
      cookie,
      evil,
    )
    assert.deepEqual([status, headers.location], [200, undefined], action)
  }
})

test('with automatic login and consent a request is answered at once; with login alone, consent is asked', async () => {
  for (const autoConsent of [true, false]) {
    const own = await openWorld({ autoLogin: 'acme/bob', autoConsent })
    const { status, body } = await own.ask({ path: page })
    await own.close()
    assert.equal(status, autoConsent ? 302 : 200)
    if (!autoConsent) assert.match(String(body), /It asks to act for <strong>bob<\/strong>/)
  }
})

test('a code is made up anew each time', async () => {
  const codes = new Set<string>()
  for (let count = 0; count < 20; count += 1) codes.add(await codeFor(world, { application: 'mcp-custom' }))
  assert.equal(codes.size, 20)
})
