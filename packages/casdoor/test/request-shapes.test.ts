/** What is sent has the shape of what a Casdoor was sent when it was recorded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutboundRequest } from '@mcp-doorman/outbound'
import { createCasdoorApi, readBuiltInCredentials, setUpCasdoor, type CasdoorApi } from '@mcp-doorman/casdoor'
import { createQuestions, type Questions } from '#internal/check/questions'
import { answerOf, json, origin, recorded, watched, type Watched } from './recorded.ts'
import { createSmallCasdoor } from './small-casdoor.ts'

const credentials = { clientId: 'id', clientSecret: 'secret' }

/** Types in place of values, so that names, nesting and kinds are compared. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, shapeOf(member)] as const)
      .toSorted(([one], [other]) => one.localeCompare(other)),
  )
}

function parsed(body: OutboundRequest['body'], type: string | undefined): unknown {
  if (body === undefined) return undefined
  if (type === 'application/json') return JSON.parse(String(body))
  return Object.fromEntries(new URLSearchParams(String(body)))
}

interface Differences {
  /** Members that were recorded and that we leave out, with the reason in the row. */
  readonly left?: readonly string[]
}

/** Method, path, names in the query, headers and body. `accept-language` is ours: Casdoor words its errors by it. */
function check(sent: OutboundRequest | undefined, name: string, { left = [] }: Differences = {}): void {
  assert.ok(sent !== undefined, `nothing like ${name} was sent`)
  const { request } = recorded(name)
  const url = new URL(sent.url)
  const asked = new URL(request.path, origin)
  assert.equal(sent.method ?? 'GET', request.method)
  assert.equal(url.pathname, asked.pathname)
  assert.deepEqual([...url.searchParams.keys()].sort(), [...asked.searchParams.keys()].sort())
  const headers: Record<string, string> = { ...sent.headers }
  if (headers['authorization'] !== undefined) headers['authorization'] = 'Basic'
  const expected = { ...request.headers }
  if (expected['authorization'] !== undefined) expected['authorization'] = 'Basic'
  if (expected['cookie'] !== undefined) expected['cookie'] = headers['cookie'] ?? 'is missing'
  assert.deepEqual(headers, { ...expected, 'accept-language': 'en' })
  const body = { ...request.body }
  for (const member of left) delete body[member]
  const sentBody = parsed(sent.body, sent.headers?.['content-type'])
  assert.deepEqual(shapeOf(sentBody ?? {}), shapeOf(body))
}

const ok = json({ status: 'ok', msg: '', data: null })

const reads: readonly (readonly [fixture: string, ask: (api: CasdoorApi) => Promise<unknown>])[] = [
  ['provisioning/get-organization', (api) => api.readOrganization('globex')],
  ['provisioning/get-cert', (api) => api.readCertificate('cert-globex')],
  ['provisioning/get-application-admin', (api) => api.readApplication('mcp-files')],
  ['provisioning/get-applications', (api) => api.readApplications('globex')],
  ['provisioning/get-user', (api) => api.readUser('globex', 'dave')],
]
for (const [fixture, ask] of reads) {
  test(`the request is that of ${fixture}, to the letter of its path`, async () => {
    const outbound = watched(() => ok)
    await ask(createCasdoorApi({ outbound, origin, credentials }))
    const [sent] = outbound.requests
    check(sent, fixture)
    assert.equal(sent?.url, origin + recorded(fixture).request.path)
  })
}

test('without credentials there is no Authorization', async () => {
  const outbound = watched(() => ok)
  await createCasdoorApi({ outbound, origin, credentials: undefined }).readApplication('mcp-files')
  check(outbound.requests[0], 'provisioning/get-application-anonymous')
})

test('credentials are sent as they are: Casdoor does not decode them', async () => {
  const outbound = watched(() => ok)
  const odd = { clientId: 'a-b_c', clientSecret: 'p%20:ü' }
  await createCasdoorApi({ outbound, origin, credentials: odd }).readApplication('mcp-files')
  const [, value = ''] = outbound.requests[0]?.headers?.['authorization']?.split(' ') ?? []
  assert.equal(Buffer.from(value, 'base64').toString('utf8'), 'a-b_c:p%20:ü')
})

/** A set-up of an empty Casdoor, and then of one whose application was changed. */
async function setUpTwice(): Promise<Watched['requests']> {
  const casdoor = createSmallCasdoor()
  const api = createCasdoorApi({ outbound: casdoor.outbound, origin, credentials })
  const options = {
    organization: 'globex',
    application: 'mcp-files',
    scopes: [{ name: 'files:read', displayName: 'Read', tools: ['read_file'] }],
    redirectUris: ['https://client.example/cb'],
    users: [{ name: 'dave', password: 'dave-pass-1' }],
  }
  const run = { dryRun: false, onPlan: () => undefined, onDone: () => undefined }
  await setUpCasdoor(api, options, run)
  const whole = recorded('provisioning/get-application-admin').response.body as { data: object }
  casdoor.rows.set('application admin/mcp-files', { ...whole.data, expireInHours: 0 })
  await setUpCasdoor(api, options, run)
  return casdoor.requests
}

const setUpRequests = await setUpTwice()
const writes: readonly (readonly [fixture: string, differences?: Differences])[] = [
  ['provisioning/add-organization'],
  ['provisioning/add-cert'],
  // Casdoor makes both, of letters and digits that need no encoding.
  ['provisioning/add-application', { left: ['clientId', 'clientSecret'] }],
  ['provisioning/add-user'],
  ['provisioning/update-application-masked-secret'],
]
for (const [fixture, differences] of writes) {
  test(`what set-up sends is of the shape of ${fixture}`, () => {
    const { pathname } = new URL(recorded(fixture).request.path, origin)
    check(
      setUpRequests.find(({ url }) => new URL(url).pathname === pathname),
      fixture,
      differences,
    )
  })
}

test('an administrator is signed in, looks, and is signed out as recorded', async () => {
  const outbound = watched(({ url }) =>
    answerOf(
      recorded(url.endsWith('login') ? 'provisioning/admin-session' : 'provisioning/get-application-admin')
        .response,
    ),
  )
  const found = await readBuiltInCredentials(outbound, origin, { user: 'admin', password: '123' })
  assert.deepEqual(found, {
    ok: true,
    value: { clientId: 'client-mcp-files', clientSecret: 'secret-mcp-files' },
  })
  const [login, read, logout] = outbound.requests
  assert.equal(outbound.requests.length, 3)
  check(login, 'provisioning/admin-session')
  assert.match(read?.headers?.['cookie'] ?? '', /^casdoor_session_id=[^;,]+$/)
  assert.equal(logout?.url, `${origin}/api/logout`)
  assert.equal(logout?.method, 'POST')
})

const questions: readonly (readonly [fixture: string, ask: (ask: Questions) => Promise<unknown>])[] = [
  ['discovery/oidc-global', (ask) => ask.discovery()],
  ['dcr/probe-disabled', (ask) => ask.registration()],
  [
    'authorize/probe-ok',
    (ask) => ask.login({ clientId: 'c', redirectUri: 'https://client.example/cb', scope: 'files:read' }),
  ],
  ['token-endpoint/client-credentials-bad-secret', (ask) => ask.grant('c', 'client_credentials')],
]
for (const [fixture, ask] of questions) {
  test(`the question is that of ${fixture}`, async () => {
    const outbound = watched(() => ok)
    await ask(createQuestions(outbound, origin))
    check(outbound.requests[0], fixture)
  })
}
