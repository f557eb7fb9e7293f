import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { OutboundRequest } from '@mcp-doorman/outbound'
import { calculateJwkThumbprint } from 'jose'
import { publishedIds, publishedThumbprint } from '#internal/check/key-set'
import { answerOf, json, recorded, recordedData } from './recorded.ts'
import { application, checkSpoiled, credentials, name, type Spoiled } from './healthy-casdoor.ts'

const keys = (fixture: string) => answerOf(recorded(`jwks/${fixture}`).response)
const known = { credentials }
const withMembers = (members: object): Spoiled => ({ application: { ...application, ...members } })
const hidden = (members: object): Spoiled => ({ ...withMembers(members), options: known })
const oneKey = (keys('app-admin-cert') as { body: Buffer }).body.toString()

/** What is wrong, the one finding that tells of it, and words of its evidence. */
const rows: readonly (readonly [name: string, spoiled: Spoiled, finding: string, evidence: RegExp])[] = [
  // The instance.
  ['a URL with a path', { options: { url: 'http://127.0.0.1:18123/x' } }, 'url_has_path', /18123\/x/],
  [
    'a Casdoor that guesses its name',
    { options: { url: 'http://localhost:18123' } },
    'issuer_differs',
    /asked at http:\/\/localhost:18123, it calls itself http:\/\/127\.0\.0\.1:18123/,
  ],
  [
    'a clock that is ahead',
    {
      answers: {
        '/.well-known/openid-configuration': answerOf({
          ...recorded('discovery/oidc-global').response,
          headers: { 'content-type': 'application/json', date: new Date(1_795_402_800_000).toUTCString() },
        }),
      },
    },
    'clock_differs',
    /100 s ahead/,
  ],
  [
    'a certificate that is not PEM',
    { answers: { '/.well-known/jwks': keys('broken-cert-not-pem') } },
    'keys_broken',
    /500/,
  ],
  [
    'a certificate that is none',
    { answers: { '/.well-known/jwks': keys('broken-cert-bad-der') } },
    'keys_broken',
    /malformed certificate/,
  ],
  [
    'two keys with one id',
    { answers: { '/.well-known/jwks': keys('duplicate-kid') } },
    'key_id_doubled',
    /cert-dup/,
  ],
  [
    'registration for everybody',
    { answers: { '/api/oauth/register': answerOf(recorded('dcr/probe-open').response) } },
    'registration_open',
    /built-in/,
  ],
  [
    'pages that are refused',
    {
      answers: {
        '/.well-known/openid-configuration': ({ headers }: OutboundRequest) =>
          answerOf(
            recorded(
              headers?.['origin'] === undefined
                ? 'discovery/oidc-global'
                : 'discovery/cors-foreign-origin-public-host',
            ).response,
          ),
      },
    },
    'web_clients_refused',
    /403/,
  ],
  // The application, as everybody sees it.
  [
    'an application that is not there',
    { application: null },
    'application_unknown',
    /admin\/mcp-custom is not there/,
  ],
  [
    'keys of the application that are none',
    { answers: { [`/.well-known/${name}/jwks`]: keys('broken-cert-bad-der') } },
    'application_keys_broken',
    /malformed/,
  ],
  [
    'keys of everybody as those of the application',
    { answers: { [`/.well-known/${name}/jwks`]: keys('app-unknown') } },
    'key_not_dedicated',
    /\d keys: those of the whole instance/,
  ],
  [
    'the default certificate',
    {
      answers: {
        [`/.well-known/${name}/jwks`]: json(JSON.parse(oneKey.replace('cert-acme', 'cert-built-in'))),
      },
    },
    'key_not_dedicated',
    /it signs with cert-built-in/,
  ],
  [
    'a certificate that ends',
    { options: { nowSeconds: () => Date.UTC(2046, 10, 1) / 1000 } },
    'certificate_ends',
    /cert-acme ends on 2046-11-23/,
  ],
  [
    'the organization of administrators',
    withMembers({ organization: 'built-in' }),
    'organization_built_in',
    /built-in/,
  ],
  ['an application that is shared', withMembers({ isShared: true }), 'application_shared', /isShared/],
  [
    'an application that is closed',
    withMembers({ disableSignin: true }),
    'sign_in_impossible',
    /disableSignin/,
  ],
  [
    'an application without a way in',
    withMembers({ signinMethods: recordedData('provisioning/get-application-minimal')['signinMethods'] }),
    'sign_in_impossible',
    /no sign-in method but Face ID/,
  ],
  ['codes without a page', withMembers({ enableAutoSignin: true }), 'sign_in_automatic', /enableAutoSignin/],
  ['accounts for everybody', withMembers({ enableSignUp: true }), 'sign_up_open', /enableSignUp/],
  ['an application with tags', withMembers({ tags: ['dcr'] }), 'tags_required', /dcr/],
  [
    'an application without scopes',
    withMembers({ scopes: [], customScopes: [] }),
    'scopes_unlimited',
    /empty/,
  ],
  [
    'scopes without a question',
    withMembers({ customScopes: null }),
    'consent_not_asked',
    /files:read, files:write/,
  ],
  [
    'a client id with signs',
    withMembers({ clientId: 'client-mcp' }),
    'client_id_needs_encoding',
    /client-mcp/,
  ],
  [
    'registration in the organization',
    withMembers({ organizationObj: { dcrPolicy: 'open' } }),
    'registration_open',
    /dcrPolicy of acme is open/,
  ],
  [
    'standard scopes that are refused',
    {
      ...withMembers({ scopes: [{ name: 'files:read' }] }),
      answers: { '/api/get-app-login': answerOf(recorded('authorize/probe-openid-scope-refused').response) },
    },
    'advertised_scopes_refused',
    /not in scopes: openid, profile/,
  ],
  [
    'a redirect URI that is not listed',
    {
      answers: {
        '/api/get-app-login': ({ url }: OutboundRequest) =>
          answerOf(recorded(`authorize/probe-${url.includes('evil') ? 'bad-redirect' : 'ok'}`).response),
      },
      options: { redirectUris: ['https://evil.example/cb', 'https://client.example/cb'] },
    },
    'redirect_refused',
    /^refused: https:\/\/evil\.example\/cb$/,
  ],
  [
    'no grant for refreshing',
    {
      answers: {
        '/api/login/oauth/access_token': answerOf(recorded('token-endpoint/unsupported-grant').response),
      },
    },
    'refresh_impossible',
    /not enabled/,
  ],
  [
    'grants without a login page',
    {
      answers: {
        '/api/login/oauth/access_token': answerOf(
          recorded('token-endpoint/client-credentials-bad-secret').response,
        ),
      },
    },
    'grants_without_login',
    /password, client_credentials/,
  ],
  // The application, as administrators see it.
  [
    'tokens with the whole record',
    hidden({ tokenFormat: 'JWT' }),
    'token_carries_record',
    /tokenFormat is JWT/,
  ],
  ['a format that is none', hidden({ tokenFormat: 'JWT-Nope' }), 'token_format_unknown', /JWT-Nope/],
  [
    'tokens with more than is needed',
    hidden({ tokenFormat: 'JWT-Standard' }),
    'token_not_custom',
    /JWT-Standard/,
  ],
  ['tokens that end at once', hidden({ expireInHours: 0 }), 'tokens_end_at_once', /expireInHours is 0/],
  ['tokens of a week', hidden({ expireInHours: 168, refreshExpireInHours: 169 }), 'tokens_last_long', /168/],
  [
    'refresh tokens that end first',
    hidden({ refreshExpireInHours: 0 }),
    'refresh_impossible',
    /refreshExpireInHours is 0/,
  ],
  [
    'no refresh tokens',
    hidden({ grantTypes: ['authorization_code'] }),
    'refresh_impossible',
    /no refresh_token/,
  ],
  [
    'a password grant',
    hidden({ grantTypes: ['authorization_code', 'refresh_token', 'password'] }),
    'grants_without_login',
    /has password/,
  ],
  ['tokens without an owner', hidden({ tokenFields: ['Name'] }), 'owner_not_in_token', /no Owner/],
  [
    'a claim with the name of one of the user',
    hidden({ tokenAttributes: [{ name: 'roles', value: '$user.roles', type: 'Array' }] }),
    'attribute_shadows_user',
    /tokenAttributes has roles/,
  ],
  [
    'passwords in the clear',
    hidden({ organizationObj: { passwordType: 'plain' } }),
    'passwords_stored_plain',
    /plain/,
  ],
  [
    'another algorithm than that of the certificate',
    hidden({ tokenSigningMethod: 'RS512' }),
    'signing_method_differs',
    /RS512/,
  ],
  ['no certificate', hidden({ cert: '' }), 'key_not_dedicated', /cert is empty/],
  [
    'a certificate that is not there',
    {
      options: known,
      answers: { '/api/get-cert': answerOf(recorded('provisioning/get-cert-missing').response) },
    },
    'key_not_dedicated',
    /admin\/cert-acme is not there/,
  ],
  [
    'a certificate of two',
    {
      options: known,
      answers: {
        '/api/get-organization-applications': json({
          status: 'ok',
          data: [application, { ...application, name: 'other' }],
        }),
      },
    },
    'key_not_dedicated',
    /also signs for other/,
  ],
  [
    'the first password',
    {
      options: known,
      answers: {
        '/api/login': answerOf(recorded('provisioning/admin-session').response),
        '/api/logout': json({ status: 'ok', data: null }),
      },
    },
    'administrator_password_default',
    /built-in\/admin/,
  ],
]

for (const [title, spoiled, id, evidence] of rows) {
  test(`check finds ${title}, and nothing else: ${id}`, async () => {
    const { findings } = await checkSpoiled(spoiled)
    assert.deepEqual(
      findings.map((finding) => finding.id),
      [id],
    )
    assert.match(findings[0]?.evidence ?? '', evidence)
  })
}

test('every finding of a setting says where to change it, and at its end what to', async () => {
  for (const [, spoiled] of rows) {
    for (const { why, setting, title } of (await checkSpoiled(spoiled)).findings) {
      assert.ok(why.endsWith('.') && title.length > 10)
      assert.ok(setting.page !== '' && setting.field !== '' && setting.to !== '')
    }
  }
})

test('check is silent on a healthy Casdoor, and says what it could not see', async () => {
  const anonymous = await checkSpoiled()
  assert.deepEqual(anonymous.findings, [])
  assert.match(anonymous.notSeen.join('\n'), /shows them to administrators[^]*token/)
  const whole = await checkSpoiled({ options: known })
  assert.deepEqual(whole.findings, [])
  assert.deepEqual(whole.notSeen, ['a token: give an access token on standard input with --token -'])
})

test('what is seen twice is told once, with both evidences', async () => {
  const { findings } = await checkSpoiled({
    application: { ...application, organizationObj: { dcrPolicy: 'open', passwordType: 'bcrypt' } },
    answers: {
      '/api/oauth/register': answerOf(recorded('dcr/probe-open').response),
      [`/.well-known/${name}/jwks`]: keys('app-missing-cert'),
      '/api/get-cert': answerOf(recorded('provisioning/get-cert-missing').response),
    },
    options: known,
  })
  assert.deepEqual(
    findings.map(({ id }) => id),
    ['registration_open', 'key_not_dedicated'],
  )
  assert.match(findings[0]?.evidence ?? '', /organization built-in; dcrPolicy of acme is open/)
  assert.match(
    findings[1]?.evidence ?? '',
    /keys: those of the whole instance; the certificate .* is not there/,
  )
})

test('a question that had no answer is not taken for a good one', async () => {
  const message = 'http://127.0.0.1:18123/x: no whole answer within 10 s.'
  const { findings, notSeen } = await checkSpoiled({
    answers: { '/api/oauth/register': { ok: false, problem: 'timeout', message } },
  })
  assert.deepEqual(findings, [])
  assert.ok(notSeen.includes(`a question that had no answer: ${message}`))
})

test('check asks little, since Casdoor keeps a session of each request', async () => {
  const anonymous = await checkSpoiled()
  assert.deepEqual(anonymous.sent, [
    'GET /.well-known/openid-configuration',
    'GET /.well-known/openid-configuration',
    'GET /.well-known/jwks',
    'POST /api/oauth/register',
    'GET /api/get-application',
    `GET /.well-known/${name}/jwks`,
    'GET /api/get-app-login',
    'POST /api/login/oauth/access_token',
    'POST /api/login/oauth/access_token',
    'POST /api/login/oauth/access_token',
  ])
  assert.equal(anonymous.requests, 10)
  assert.equal((await checkSpoiled({ options: known })).requests, 11)
  const redirectUris = ['http://localhost:1/cb', 'http://127.0.0.1/cb', 'https://client.example/cb']
  assert.equal((await checkSpoiled({ options: { redirectUris } })).requests, 11)
})

test('a wrong password is counted, so the first one is not tried where one is counted already', async () => {
  const user = { ...recordedData('provisioning/get-user'), signinWrongTimes: 1 }
  const { sent } = await checkSpoiled({
    options: known,
    answers: { '/api/get-user': json({ status: 'ok', data: user }) },
  })
  assert.ok(!sent.includes('POST /api/login'))
})

for (const [title, answer, id] of [
  [
    'nobody there',
    { ok: false, problem: 'connection_failed', message: 'nothing accepted it' },
    'unreachable',
  ],
  ['a proxy in trouble', json({}, 502), 'unreachable'],
  ['a web page', answerOf(recorded('errors/unknown-root-path-with-ui').response), 'not_casdoor'],
  ['an error with status 200', answerOf(recorded('errors/unknown-api-path').response), 'not_casdoor'],
  ['metadata without an issuer', json({ jwks_uri: 'x' }), 'not_casdoor'],
] as const) {
  test(`with ${title} check says so and asks no more`, async () => {
    const { findings, sent } = await checkSpoiled({
      answers: { '/.well-known/openid-configuration': answer },
    })
    assert.deepEqual(
      findings.map((finding) => finding.id),
      [id],
    )
    assert.equal(sent.length, 1)
  })
}

test('plain http beyond this machine is a finding, and nothing is sent there', async () => {
  const { findings, requests } = await checkSpoiled({ options: { url: 'http://auth.example.com' } })
  assert.deepEqual(
    findings.map(({ id }) => id),
    ['url_insecure'],
  )
  assert.equal(requests, 0)
})

test('a key of which everybody has the private half is found by its thumbprint', async () => {
  const { keys } = JSON.parse(oneKey) as { keys: Record<string, string>[] }
  const thumbprint = await calculateJwkThumbprint({ ...keys[0], kty: 'RSA' })
  assert.deepEqual(await publishedIds(keys, thumbprint), ['cert-acme'])
  assert.deepEqual(await publishedIds(keys), [])
  assert.deepEqual(await publishedIds([{ kty: 'nonsense' }, {}], thumbprint), [])
  const profile = new URL('../../resource-server/src/identity/profiles/casdoor.ts', import.meta.url)
  assert.ok(readFileSync(profile, 'utf8').includes(`'${publishedThumbprint}'`), 'both refuse the same key')
})
