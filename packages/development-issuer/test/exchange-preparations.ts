import { codeFor, type Reply, sessionOf } from './casdoor-world.ts'
import type { Scene } from './exchange-replay.ts'
import { readRecording, timeOf, tokensIn } from './recorded-exchanges.ts'
import { rsaCert, rsaPair } from './recorded-instance.ts'

type Prepare = (scene: Scene) => Promise<unknown>

const resource = 'https://mcp.example/mcp'

/** Runs one after the other. */
function inOrder(...steps: readonly Prepare[]): Prepare {
  return async (scene) => {
    for (const step of steps) await step(scene)
  }
}

function replayed(...files: readonly string[]): Prepare {
  return inOrder(
    ...files.map(
      (file): Prepare =>
        (scene) =>
          scene.replay(file),
    ),
  )
}

/** Makes the tokens of the request before what follows. */
const withTokens: Prepare = async (scene) => {
  for (const jwt of tokensIn(scene.exchange.request)) await scene.liveToken(jwt)
}

/** Changes members of a row, as an administrator's page would: read, change, write back. */
function changed(kind: string, id: string, members: object): Prepare {
  return async ({ world }) => {
    const { body } = await world.administer(`get-${kind}?id=${id}`)
    const { data } = body as { data: object }
    return world.administer(`update-${kind}?id=${id}`, { ...data, ...members })
  }
}

function added(kind: string, row: object): Prepare {
  return ({ world }) => world.administer(`add-${kind}`, row)
}

/** A code that the recorded one stands for, got in another way than the request itself says. */
function codeOf(facts: Partial<Parameters<typeof codeFor>[1]>): Prepare {
  return async ({ world, exchange, live }) => {
    const { code } = exchange.request.body as { code: string }
    world.now = timeOf(exchange) ?? world.now
    live.set(code, await codeFor(world, { application: 'mcp-custom', ...facts }))
  }
}

function refreshedOnce(body: object = {}): Prepare {
  return async ({ world, exchange, live, liveToken }) => {
    const { refresh_token: token } = exchange.request.body as { refresh_token: string }
    const refresh = await liveToken(token)
    live.set(token, refresh)
    return world.ask(refreshRequest(refresh, body))
  }
}

function refreshRequest(token: string, body: object): Parameters<Scene['world']['ask']>[0] {
  return {
    method: 'POST',
    path: '/api/login/oauth/access_token',
    body: { grant_type: 'refresh_token', client_id: 'client-mcp-custom', refresh_token: token, ...body },
  }
}

/** Ends the access token of the pair that the request's token belongs to. */
const loggedOut: Prepare = async ({ world, exchange, liveGrant }) => {
  for (const jwt of tokensIn(exchange.request)) {
    const { access_token: hint } = await liveGrant(jwt)
    await world.ask({ path: `/api/logout?id_token_hint=${hint}` })
  }
}

const forbidden = changed('user', 'acme/carol', { isForbidden: true })
const openRegistration = changed('organization', 'admin/acme', { dcrPolicy: 'open' })
const consented: Prepare = async (scene) => {
  scene.live.set('<session>', await sessionOf(scene.world, 'alice'))
  return scene.replay('authorize/grant-consent.json')
}

const register = 'dcr/register-ok.json'
/** What a registration made, under the names that the recorded one had. */
const registered: Prepare = inOrder(openRegistration, async (scene) => {
  const { world, live } = scene
  const { client_id: own } = (await scene.replay(register)).body as { client_id: string }
  live.set('4db96b993fa7d2de89c5', own)
  const { body } = await world.administer('get-organization-applications?owner=admin&organization=acme')
  const { data } = body as { data: readonly { name: string }[] }
  live.set('dcr_2vnty9', data.find(({ name }) => name.startsWith('dcr_'))?.name ?? '')
})
const tagged = changed('user', 'acme/bob', { tag: 'dcr' })

const device = 'token-endpoint/device-authorization.json'
/** A device whose codes stand for the recorded ones. */
const deviceAsked: Prepare = async (scene) => {
  scene.world.now = (timeOf(scene.exchange) ?? 0) - 1
  const { body } = await scene.replay(device)
  const { device_code: deviceCode, user_code: userCode } = body as { device_code: string; user_code: string }
  scene.live.set('0e14adc9-6fd1-4bb0-bfac-7bc111cd067d', deviceCode)
  scene.live.set('8bzlck', userCode)
}
const deviceApproved = inOrder(deviceAsked, replayed('token-endpoint/device-approve.json'))

const organization = 'provisioning/add-organization.json'
const cert = 'provisioning/add-cert.json'
const application = 'provisioning/add-application.json'
const user = 'provisioning/add-user.json'
const globex = replayed(organization, application)
const atItsTime: Prepare = async ({ world, exchange }) => {
  world.now = timeOf(exchange) ?? world.now
}
const otherCerts = ['cert-globex', 'cert-rot', 'cert-rot-3'].map((name) =>
  added('cert', { owner: 'admin', ...rsaCert, name }),
)
const brokenCert = { owner: 'admin', name: 'cert-broken', type: 'x509', privateKey: rsaPair.privateKey }
const notDer = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

/** What happened before an exchange was recorded, where that was more than signing in. */
export const preparations: Readonly<Record<string, Prepare>> = {
  'authorize/login-consent-remembered.json': consented,
  'authorize/login-forbidden-user.json': forbidden,
  'authorize/login-locked.json': async ({ world }) => {
    const replies: Reply[] = []
    const application = 'mcp-custom'
    const wrong = { application, organization: 'acme', username: 'frank', password: 'wrong', type: 'code' }
    for (let count = 0; count < 5; count += 1) {
      const headers = { 'content-type': 'application/json' }
      replies.push(await world.ask({ method: 'POST', path: '/api/login', headers, body: wrong }))
    }
    return replies
  },
  'authorize/login-not-permitted.json': added('permission', {
    owner: 'acme',
    name: 'may-sign-in',
    users: ['acme/alice'],
    resourceType: 'Application',
    resources: ['mcp-roles-field'],
    actions: ['Read'],
    effect: 'Allow',
    isEnabled: true,
    state: 'Approved',
  }),
  'authorize/login-password-change-required.json': changed('user', 'acme/bob', { needUpdatePassword: true }),

  'dcr/login-refused-by-tag.json': registered,
  'dcr/login-with-tag.json': inOrder(registered, tagged),
  'dcr/probe-open.json': openRegistration,
  'dcr/redirect-not-localhost.json': openRegistration,
  'dcr/register-ok.json': openRegistration,
  'dcr/token.json': inOrder(registered, tagged, async (scene) => {
    scene.world.now = timeOf(scene.exchange) ?? 0
    const { body } = await scene.replay('dcr/login-with-tag.json')
    scene.live.set('e1374d57dd980ced94cb', (body as { data: string }).data)
  }),

  'introspection/after-delete-token.json': inOrder(withTokens, async ({ world, exchange, liveGrant }) => {
    const [jwt = ''] = tokensIn(exchange.request)
    const { access_token: token } = await liveGrant(jwt)
    const { body } = await world.administer('get-tokens?owner=admin&organization=acme')
    const { data } = body as { data: readonly { accessToken: string }[] }
    return world.administer('delete-token', data.find(({ accessToken }) => accessToken === token) ?? {})
  }),
  'introspection/after-delete-user.json': inOrder(withTokens, ({ world }) =>
    world.administer('delete-user', { owner: 'acme', name: 'bob' }),
  ),
  'introspection/after-forbid.json': inOrder(withTokens, forbidden),
  'introspection/after-logout.json': inOrder(withTokens, loggedOut),
  'introspection/after-unforbid.json': inOrder(
    withTokens,
    forbidden,
    changed('user', 'acme/carol', { isForbidden: false }),
  ),
  'introspection/dpop.json': async (scene) => {
    const exchange = 'token-endpoint/dpop.json'
    const [jwt = ''] = tokensIn(scene.exchange.request)
    const tokens = await scene.replay(exchange)
    scene.live.set(jwt, (tokens.body as { access_token: string }).access_token)
  },
  'introspection/get-account.json': inOrder(consented, async ({ world }) => {
    await sessionOf(world, 'alice', 'mcp-custom')
  }),
  'introspection/old-access-after-refresh.json': inOrder(
    withTokens,
    async ({ world, exchange, liveGrant }) => {
      const [jwt = ''] = tokensIn(exchange.request)
      return world.ask(refreshRequest((await liveGrant(jwt)).refresh_token, {}))
    },
  ),
  'introspection/session-logout.json': async ({ world, live }) => {
    live.set('<session>', await sessionOf(world, 'bob'))
  },

  'jwks/app-missing-cert.json': inOrder(...otherCerts),
  'jwks/broken-cert-bad-der.json': added('cert', { ...brokenCert, certificate: notDer }),
  'jwks/broken-cert-not-pem.json': added('cert', { ...brokenCert, certificate: 'not PEM' }),
  'jwks/broken-cert-per-app-still-works.json': added('cert', { ...brokenCert, certificate: 'not PEM' }),
  'jwks/duplicate-kid.json': inOrder(
    ...otherCerts,
    ...['admin', 'globex'].map((owner) => added('cert', { owner, name: 'cert-dup', ...rsaCert })),
  ),
  'jwks/rotation-1-before.json': added('cert', { owner: 'admin', name: 'cert-rot', ...rsaCert }),
  'jwks/rotation-2-after.json': inOrder(
    added('cert', { owner: 'admin', name: 'cert-rot', ...rsaCert }),
    changed('cert', 'admin/cert-rot', { certificate: '', privateKey: '' }),
  ),
  'jwks/rotation-3-switched-cert.json': inOrder(
    ...['cert-rot', 'cert-rot-2'].map((name) => added('cert', { owner: 'admin', name, ...rsaCert })),
    changed('application', 'admin/mcp-rot', { cert: 'cert-rot-2' }),
  ),

  'provisioning/add-application-again.json': globex,
  'provisioning/add-application-same-client-id.json': globex,
  'provisioning/add-cert-again.json': replayed(cert),
  'provisioning/add-organization-again.json': replayed(organization),
  'provisioning/add-role-again.json': replayed('provisioning/add-role.json'),
  'provisioning/add-user.json': globex,
  'provisioning/add-user-again.json': inOrder(globex, replayed(user)),
  'provisioning/add-user-short-password.json': globex,
  'provisioning/get-application-admin.json': globex,
  'provisioning/get-application-anonymous.json': globex,
  'provisioning/get-application-minimal.json': replayed(
    organization,
    'provisioning/add-application-minimal.json',
  ),
  'provisioning/get-application-after-partial-update.json': inOrder(globex, ({ world }) =>
    world.administer('update-application?id=admin/mcp-files', {
      owner: 'admin',
      name: 'mcp-files',
      organization: 'globex',
      expireInHours: 2,
    }),
  ),
  'provisioning/get-applications.json': replayed(
    organization,
    application,
    'provisioning/add-application-minimal.json',
    'provisioning/add-application-bad-cert.json',
  ),
  'provisioning/get-cert.json': replayed(cert),
  'provisioning/get-organization.json': replayed(organization),
  'provisioning/get-tokens.json': async (scene) => {
    const [row] = (readRecording('provisioning/get-tokens.json') as RecordedTokens).response.body.data
    await scene.liveToken(row?.accessToken ?? '')
    return forbidden(scene)
  },
  'provisioning/get-user.json': inOrder(atItsTime, globex, replayed(user)),
  'provisioning/update-application.json': globex,
  'provisioning/update-application-masked-secret.json': globex,
  'provisioning/update-application-no-change.json': inOrder(
    globex,
    replayed('provisioning/update-application.json'),
  ),

  'token-endpoint/code-after-failed-verifier.json': inOrder(
    codeOf({}),
    replayed('token-endpoint/code-missing-verifier.json'),
  ),
  'token-endpoint/code-no-pkce-no-secret.json': codeOf({ codeChallenge: '' }),
  'token-endpoint/code-no-pkce-secret.json': codeOf({ codeChallenge: '' }),
  'token-endpoint/code-verifier-without-challenge.json': codeOf({ codeChallenge: '' }),
  'token-endpoint/code-resource-missing-at-token.json': codeOf({ resource }),
  'token-endpoint/code-resource-only-at-token.json': codeOf({}),
  'token-endpoint/code-resource-trailing-slash.json': codeOf({ resource: 'https://mcp.example' }),
  'token-endpoint/code-reuse.json': inOrder(
    codeOf({ resource }),
    replayed('token-endpoint/code-pkce-resource.json'),
  ),
  'token-endpoint/code-wrong-client.json': codeOf({}),
  'token-endpoint/device-approve.json': deviceAsked,
  'token-endpoint/device-pending.json': deviceAsked,
  'token-endpoint/device-token.json': deviceApproved,
  'token-endpoint/device-reuse.json': inOrder(deviceApproved, replayed('token-endpoint/device-token.json')),
  'token-endpoint/refresh-after-logout.json': inOrder(withTokens, loggedOut),
  'token-endpoint/refresh-deleted-user.json': inOrder(withTokens, ({ world }) =>
    world.administer('delete-user', { owner: 'acme', name: 'bob' }),
  ),
  'token-endpoint/refresh-forbidden-user.json': inOrder(withTokens, forbidden),
  'token-endpoint/refresh-reuse.json': refreshedOnce(),
  'token-endpoint/unknown-code.json': async ({ live }) => {
    live.set('0123456789abcdef0123', '0123456789abcdef0123') // Nobody was given it.
  },
}

interface RecordedTokens {
  readonly response: { readonly body: { readonly data: readonly { readonly accessToken: string }[] } }
}
