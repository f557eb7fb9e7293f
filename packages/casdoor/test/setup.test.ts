import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createCasdoorApi,
  setUpCasdoor,
  type ObjectPlan,
  type SetupOptions,
  type SetupOutcome,
} from '@mcp-doorman/casdoor'
import { json, origin, recordedData } from './recorded.ts'
import { createSmallCasdoor, type SmallCasdoor } from './small-casdoor.ts'

const wanted: SetupOptions = {
  organization: 'globex',
  application: 'mcp-files',
  scopes: [{ name: 'files:read', displayName: 'Read files', tools: ['read_file'] }],
  redirectUris: ['https://client.example/cb', 'http://127.0.0.1:8765/callback'],
  users: [{ name: 'dave', password: 'dave-pass-1' }],
}

async function run(
  casdoor: SmallCasdoor,
  options: SetupOptions = wanted,
  dryRun = false,
): Promise<{ readonly outcome: SetupOutcome; readonly plans: readonly ObjectPlan[] }> {
  const credentials = { clientId: 'id', clientSecret: 'secret' }
  const api = createCasdoorApi({ outbound: casdoor.outbound, origin, credentials })
  const plans: ObjectPlan[] = []
  const outcome = await setUpCasdoor(api, options, {
    dryRun,
    onPlan: (plan) => plans.push(plan),
    onDone: () => undefined,
  })
  return { outcome, plans }
}

const verdicts = (plans: readonly ObjectPlan[]): readonly string[] =>
  plans.map(({ kind, action }) => `${action} ${kind}`)

test('an empty Casdoor gets organization, certificate, application and user, in this order', async () => {
  const casdoor = createSmallCasdoor()
  const { outcome, plans } = await run(casdoor)
  assert.ok(outcome.ok)
  assert.equal(outcome.written, 4)
  assert.deepEqual(verdicts(plans), ['add organization', 'add certificate', 'add application', 'add user'])
  assert.deepEqual(casdoor.written(), ['add-organization', 'add-cert', 'add-application', 'add-user'])
  const application = casdoor.rows.get('application admin/mcp-files') ?? {}
  assert.equal(application['cert'], 'cert-mcp-files')
  assert.deepEqual(application['redirectUris'], ['https://client.example/cb'], 'loopback passes anyway')
  assert.deepEqual(
    (application['scopes'] as { name: string }[]).map(({ name }) => name),
    ['files:read', 'openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
  )
})

test('a second run finds everything as it should be, and writes nothing', async () => {
  const casdoor = createSmallCasdoor()
  await run(casdoor)
  const before = casdoor.written().length
  const { outcome, plans } = await run(casdoor)
  assert.ok(outcome.ok)
  assert.equal(outcome.written, 0)
  assert.equal(casdoor.written().length, before)
  assert.ok(plans.every(({ action, changes }) => action === 'keep' && changes.length === 0))
})

test('a dry run plans the same and writes nothing', async () => {
  const casdoor = createSmallCasdoor()
  const dry = await run(casdoor, wanted, true)
  assert.deepEqual(casdoor.written(), [])
  const wet = await run(casdoor)
  assert.deepEqual(dry.plans, wet.plans)
})

test('no plan shows a password, and no certificate that is read has a private key', async () => {
  const casdoor = createSmallCasdoor()
  const { plans } = await run(casdoor)
  const changes = JSON.stringify(plans.map(({ changes }) => changes))
  assert.doesNotMatch(changes, /dave-pass-1/)
  const api = createCasdoorApi({ outbound: casdoor.outbound, origin, credentials: undefined })
  assert.doesNotMatch(JSON.stringify(await api.readCertificate('cert-mcp-files')), /never to be seen/)
})

/** The recorded application after a partial update wiped it, with members of somebody else. */
function halfConfigured(): Record<string, unknown> {
  const { organizationObj: _organization, ...application } = recordedData(
    'provisioning/get-application-admin',
  )
  return {
    ...application,
    cert: '',
    tokenFormat: 'JWT',
    tokenSigningMethod: '',
    tokenFields: ['Email'],
    expireInHours: 0,
    refreshExpireInHours: 0,
    grantTypes: ['authorization_code', 'password'],
    redirectUris: ['https://other.example/cb'],
    scopes: [
      { name: 'other:scope', displayName: 'Other', description: 'theirs', tools: ['theirs'] },
      { name: 'files:read', displayName: 'Lesen', description: '', tools: [] },
    ],
    customScopes: null,
    signinMethods: [{ name: 'Face ID', displayName: 'Face ID', rule: 'None' }],
    homepageUrl: 'https://intranet.example',
    formCss: '<style>body { color: red }</style>',
    failedSigninLimit: 3,
  }
}

/** An empty list is shown as null as well, and written back so. */
const shownAs = (value: unknown): string => JSON.stringify(value ?? []) ?? ''

test('a half-configured application is corrected, and what is not named stays as it was', async () => {
  const casdoor = createSmallCasdoor()
  await run(casdoor)
  const before = halfConfigured()
  casdoor.rows.set('application admin/mcp-files', before)
  const { outcome, plans } = await run(casdoor)
  assert.ok(outcome.ok)
  const after = casdoor.rows.get('application admin/mcp-files') ?? {}
  const changed = Object.keys({ ...before, ...after }).filter(
    (name) => shownAs(before[name]) !== shownAs(after[name]),
  )
  assert.deepEqual(changed.sort(), [
    'cert',
    'customScopes',
    'expireInHours',
    'grantTypes',
    'redirectUris',
    'refreshExpireInHours',
    'scopes',
    'signinMethods',
    'tokenFields',
    'tokenFormat',
    'tokenSigningMethod',
  ])
  assert.deepEqual(
    plans
      .find(({ kind }) => kind === 'application')
      ?.changes.map(({ field }) => field)
      .sort(),
    changed,
  )
  assert.equal(after['clientSecret'], before['clientSecret'])
  assert.deepEqual(after['grantTypes'], ['authorization_code', 'password', 'refresh_token'])
  assert.deepEqual(after['redirectUris'], ['https://other.example/cb', 'https://client.example/cb'])
  const [other, read] = after['scopes'] as { displayName: string; tools: readonly string[] }[]
  assert.deepEqual(other, (before['scopes'] as object[])[0])
  assert.deepEqual([read?.displayName, read?.tools], ['Lesen', ['read_file']])
  assert.match(plans.flatMap(({ notices }) => notices).join(), /tokens that it has issued until now end/)
  assert.equal(
    (await run(casdoor)).outcome.ok && (await run(casdoor)).plans.every(({ action }) => action === 'keep'),
    true,
  )
})

test('the secret does not travel with an update', async () => {
  const casdoor = createSmallCasdoor()
  await run(casdoor)
  casdoor.rows.set('application admin/mcp-files', halfConfigured())
  await run(casdoor)
  const update = casdoor.requests.find(({ url }) => url.includes('update-application'))
  const sent = JSON.parse(String(update?.body)) as Record<string, unknown>
  assert.equal(sent['clientSecret'], '***')
  assert.equal('organizationObj' in sent, false)
})

for (const [name, change, message] of [
  ['an application of another organization', { organization: 'acme' }, /belongs to the organization acme/],
  ['an application whose secret is masked', { clientSecret: '***' }, /would destroy it/],
  ['an application whose format is masked', { tokenFormat: '***' }, /would destroy it/],
] as const) {
  test(`${name} is left alone, and nothing else is written either`, async () => {
    const casdoor = createSmallCasdoor()
    casdoor.rows.set('application admin/mcp-files', { ...halfConfigured(), ...change })
    const { outcome } = await run(casdoor)
    assert.ok(!outcome.ok)
    assert.match(outcome.problem.message, message)
    assert.deepEqual(casdoor.written(), [])
  })
}

for (const [name, change, expected] of [
  ['a certificate of its own', {}, 'cert-theirs'],
  ['one that is not published', { type: 'SSL' }, 'cert-mcp-files'],
  ['one that is empty', { certificate: '' }, 'cert-mcp-files'],
  ['one for an algorithm that nobody takes', { cryptoAlgorithm: 'PS256' }, 'cert-mcp-files'],
] as const) {
  test(`an application with ${name} signs with ${expected}`, async () => {
    const casdoor = createSmallCasdoor()
    casdoor.rows.set('application admin/mcp-files', { ...halfConfigured(), cert: 'cert-theirs' })
    casdoor.rows.set('cert admin/cert-theirs', {
      ...recordedData('provisioning/get-cert'),
      name: 'cert-theirs',
      cryptoAlgorithm: 'ES256',
      ...change,
    })
    const { outcome } = await run(casdoor)
    assert.ok(outcome.ok)
    assert.equal(outcome.application?.['cert'], expected)
    const method = expected === 'cert-theirs' ? 'ES256' : 'RS256'
    assert.equal(outcome.application?.['tokenSigningMethod'], method)
  })
}

test('a certificate that is named and gone is not made under that name', async () => {
  const casdoor = createSmallCasdoor()
  casdoor.rows.set('application admin/mcp-files', { ...halfConfigured(), cert: 'cert-gone' })
  const { outcome } = await run(casdoor)
  assert.ok(outcome.ok)
  assert.equal(outcome.application?.['cert'], 'cert-mcp-files')
  assert.equal(casdoor.rows.has('cert admin/cert-gone'), false)
})

test('a certificate that another application signs with is left to that one', async () => {
  const casdoor = createSmallCasdoor()
  const shared = { ...halfConfigured(), cert: 'cert-globex' }
  casdoor.rows.set('application admin/mcp-files', shared)
  casdoor.rows.set('application admin/other', { ...shared, name: 'other' })
  casdoor.rows.set('cert admin/cert-globex', recordedData('provisioning/get-cert'))
  const { outcome } = await run(casdoor)
  assert.ok(outcome.ok)
  assert.equal(outcome.application?.['cert'], 'cert-mcp-files')
  assert.equal(casdoor.rows.get('application admin/other')?.['cert'], 'cert-globex')
})

test('where a certificate with our name is there for something else, another name is taken, and kept', async () => {
  const casdoor = createSmallCasdoor()
  const ssl = { ...recordedData('provisioning/get-cert'), type: 'SSL' }
  casdoor.rows.set('cert admin/cert-mcp-files', ssl)
  const { outcome } = await run(casdoor)
  assert.ok(outcome.ok)
  assert.equal(outcome.application?.['cert'], 'cert-mcp-files-2')
  assert.deepEqual(casdoor.rows.get('cert admin/cert-mcp-files'), ssl)
  assert.equal((await run(casdoor)).outcome.written, 0)
})

test('where every name is taken, the run stops before anything is written', async () => {
  const casdoor = createSmallCasdoor()
  for (const end of ['', '-2', '-3', '-4', '-5', '-6', '-7', '-8', '-9']) {
    casdoor.rows.set(`cert admin/cert-mcp-files${end}`, { type: 'SSL' })
  }
  const { outcome } = await run(casdoor)
  assert.ok(!outcome.ok)
  assert.match(outcome.problem.message, /from cert-mcp-files to cert-mcp-files-9 is there already/)
  assert.deepEqual(casdoor.written(), [])
})

const writes = ['add-organization', 'add-cert', 'add-application', 'add-user']
for (const [index, path] of writes.entries()) {
  for (const late of [false, true]) {
    const when = late ? 'after' : 'before'
    test(`a connection that is cut ${when} ${path} was done is said, and the next run repairs it`, async () => {
      const casdoor = createSmallCasdoor()
      casdoor.late = late
      const message = `${origin}/api/${path}: the connection broke while waiting for the headers (ECONNRESET).`
      casdoor.interfere = (_request, asked) =>
        asked === `/api/${path}` ? { ok: false, problem: 'connection_failed', message } : undefined
      const cut = await run(casdoor)
      assert.deepEqual(cut.outcome, { ok: false, problem: { code: 'unreachable', message }, written: index })
      casdoor.interfere = undefined
      const repaired = await run(casdoor)
      assert.ok(repaired.outcome.ok)
      assert.equal(repaired.outcome.written, writes.length - index - (late ? 1 : 0))
      assert.equal((await run(casdoor)).outcome.written, 0)
    })
  }
}

test('"Unaffected" is an error where what was written is not there, and none where it is', async () => {
  const unaffected = json({ status: 'ok', msg: '', data: 'Unaffected' })
  for (const late of [false, true]) {
    const casdoor = createSmallCasdoor()
    casdoor.late = late
    casdoor.interfere = (_request, path) => (path === '/api/add-application' ? unaffected : undefined)
    const { outcome } = await run(casdoor)
    assert.equal(outcome.ok, late)
    if (!outcome.ok) assert.match(outcome.problem.message, /answered "ok" and changed nothing/)
  }
})

test('what Casdoor does not keep is named', async () => {
  const casdoor = createSmallCasdoor()
  casdoor.late = true
  casdoor.interfere = (_request, path) => {
    const row = casdoor.rows.get('application admin/mcp-files')
    if (path === '/api/add-application' && row !== undefined) Object.assign(row, { scopes: [], category: '' })
    return undefined
  }
  const { outcome } = await run(casdoor)
  assert.ok(!outcome.ok)
  assert.equal(outcome.problem.code, 'not_kept')
  assert.match(outcome.problem.message, /did not keep category, scopes as sent/)
})

test('an account that may only read is told so at the first write', async () => {
  const casdoor = createSmallCasdoor()
  const refusal = json({ status: 'error', msg: 'Unauthorized operation', data: null, data2: null })
  casdoor.interfere = ({ method }) => (method === 'POST' ? refusal : undefined)
  const { outcome } = await run(casdoor)
  assert.ok(!outcome.ok)
  assert.equal(outcome.problem.code, 'not_allowed')
  assert.match(outcome.problem.message, /add-organization.*does not let every account change everything/)
})

test('passwords in the clear are mended in an organization that is there; nothing else of it is', async () => {
  const casdoor = createSmallCasdoor()
  const organization = recordedData('provisioning/get-organization')
  casdoor.rows.set('organization admin/globex', { ...organization, passwordType: 'plain', dcrPolicy: 'open' })
  const { outcome, plans } = await run(casdoor)
  assert.ok(outcome.ok)
  assert.equal(plans[0]?.action, 'update')
  const after = casdoor.rows.get('organization admin/globex')
  assert.equal(after?.['passwordType'], 'bcrypt')
  assert.equal(after?.['dcrPolicy'], 'open')
})
