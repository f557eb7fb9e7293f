/** `doorman casdoor setup` where something is there already, or goes wrong. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { CasdoorData } from '@mcp-doorman/development-issuer'
import { openLab, type Ended } from '../end-to-end/doorman-process.ts'
import { administrator, startDouble, type CasdoorDouble } from './double.ts'

const lab = openLab({ after })
const words = [
  '--organization',
  'acme',
  '--application',
  'mcp-files',
  '--resource',
  'https://mcp.example.com/mcp',
]

async function setUp(
  { origin }: CasdoorDouble,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = administrator,
): Promise<Ended> {
  return lab.run(['casdoor', 'setup', '--url', origin, ...words, ...more], { env })
}

const organization = { name: 'acme', displayName: 'Acme', passwordType: 'bcrypt' }
const certificate = {
  name: 'cert-theirs',
  scope: 'JWT',
  type: 'x509',
  cryptoAlgorithm: 'RS256',
  bitSize: 2048,
}
type Application = NonNullable<CasdoorData['applications']>[number]

/** Somebody has begun, in a hurry, and put things there that are nobody else's business. */
const begun: Application = {
  name: 'mcp-files',
  organization: 'acme',
  displayName: 'Unsere Dateien',
  clientId: 'c0ffee',
  clientSecret: 'their-secret',
  grantTypes: ['authorization_code', 'password'],
  redirectUris: ['https://theirs.example/cb'],
  tokenFormat: 'JWT',
  homepageUrl: 'https://intranet.example',
  formCss: '<style>h1 { color: red }</style>',
  failedSigninLimit: 9,
  enableSignUp: true,
}

/** Everything there is of it, as an administrator of the double sees it. */
async function readApplication({ origin }: CasdoorDouble): Promise<Record<string, unknown>> {
  const basic = Buffer.from('c0ffee:their-secret').toString('base64')
  const response = await fetch(`${origin}/api/get-application?id=admin/mcp-files`, {
    headers: { authorization: `Basic ${basic}` },
  })
  return ((await response.json()) as { data: Record<string, unknown> }).data
}

test('a half-configured application is corrected, foreign members stay, and what is left is said', async () => {
  const casdoor = await startDouble(lab, { organizations: [organization], applications: [begun] })
  const before = await readApplication(casdoor)
  const dry = await setUp(casdoor, ['--dry-run', '--for', 'vscode'])
  assert.deepEqual(await readApplication(casdoor), before)
  assert.match(dry.stdout, /^ {2}- tokenFormat +"JWT"\n {2}\+ tokenFormat +"JWT-Custom"$/m)
  assert.match(dry.stdout, /default certificate: tokens that it has issued until now end/)

  const { code, stdout, stderr } = await setUp(casdoor, ['--for', 'vscode'])
  assert.equal(code, 0, stderr)
  const after = await readApplication(casdoor)
  for (const name of [
    'displayName',
    'clientId',
    'clientSecret',
    'homepageUrl',
    'formCss',
    'failedSigninLimit',
  ]) {
    assert.equal(after[name], before[name], name)
  }
  assert.deepEqual(after['grantTypes'], ['authorization_code', 'password', 'refresh_token'])
  assert.deepEqual(after['redirectUris'], [
    'https://theirs.example/cb',
    'https://vscode.dev/redirect',
    'https://insiders.vscode.dev/redirect',
  ])
  assert.deepEqual(
    [after['tokenFormat'], after['cert'], after['expireInHours']],
    ['JWT-Custom', 'cert-mcp-files', 0.5],
  )
  assert.match(
    stdout,
    /Left as it is[^]*Anybody can make an account[^]*without the login page[^]*grantTypes has password/,
  )
  assert.doesNotMatch(stdout + stderr, /their-secret/)

  const again = await setUp(casdoor, ['--for', 'vscode'])
  assert.match(again.stdout, /nothing was changed/)
  assert.deepEqual(await readApplication(casdoor), after)
})

test('a good certificate of the application stays, so that its tokens go on', async () => {
  const application = { ...begun, cert: 'cert-theirs' }
  const casdoor = await startDouble(lab, {
    organizations: [organization],
    certs: [certificate],
    applications: [application],
  })
  const keys = await casdoor.get('/.well-known/mcp-files/jwks')
  assert.equal((await setUp(casdoor)).code, 0)
  assert.deepEqual(await casdoor.get('/.well-known/mcp-files/jwks'), keys)
})

const failures: readonly (readonly [name: string, env: Readonly<Record<string, string>>, message: RegExp])[] =
  [
    [
      'a wrong password',
      { ...administrator, CASDOOR_ADMIN_PASSWORD: 'wrong-password' },
      /password or code is incorrect.*Nobody was signed in as admin of built-in.*Five wrong ones lock/s,
    ],
    [
      'a wrong secret',
      { CASDOOR_CLIENT_ID: 'app', CASDOOR_CLIENT_SECRET: 'wrong-secret' },
      /api\/[\w-]+: Casdoor says "Unauthorized operation"\. It takes wrong credentials for none/,
    ],
  ]
for (const [name, env, message] of failures) {
  test(`${name} is told from other failures, and nothing is written`, async () => {
    const casdoor = await startDouble(lab)
    const { code, stderr, stdout } = await setUp(casdoor, [], env)
    assert.equal(code, 1)
    assert.match(stderr, message)
    assert.doesNotMatch(stderr + stdout, /wrong-password|wrong-secret/)
    assert.equal(dataOf(await casdoor.get('/api/get-application?id=admin/mcp-files')), null)
  })
}

test('an account that may read and not write is told so, and what to use', async () => {
  const casdoor = await startDouble(lab)
  casdoor.interfere = (request, response) => {
    if (request.url?.startsWith('/api/add-') !== true) return false
    const refusal = { status: 'error', msg: 'Unauthorized operation', data: null, data2: null }
    response.setHeader('content-type', 'application/json; charset=utf-8').end(JSON.stringify(refusal))
    return true
  }
  const { code, stderr } = await setUp(casdoor)
  assert.equal(code, 1)
  assert.match(
    stderr,
    /add-organization.*does not let every account change everything: use the client id and secret of/,
  )
  assert.match(stderr, /Nothing was changed before/)
})

function dataOf(envelope: unknown): unknown {
  return (envelope as { readonly data: unknown }).data // Every answer of this API is such an envelope.
}

for (const [path, when, late] of [
  ['/api/add-cert', 'before its answer was back', true],
  ['/api/add-application', 'before it arrived', false],
  ['/api/add-user', 'before its answer was back', true],
] as const) {
  test(`a connection that is cut at ${path} ${when} is said, and a second run repairs`, async () => {
    const casdoor = await startDouble(lab)
    casdoor.interfere = (request, response) => {
      if (request.url !== path) return false
      if (late) response.writeHead = () => response.destroy() // It was done; nobody will hear.
      else request.socket.destroy()
      return !late
    }
    const user = ['--user', 'alice', '--user-password', 'env:FIRST']
    const env = { ...administrator, FIRST: 'alice-pass-1' }
    const cut = await setUp(casdoor, user, env)
    assert.equal(cut.code, 1, cut.stdout)
    assert.match(cut.stderr, /the connection broke while.*run the same again: it goes on from there/s)

    casdoor.interfere = () => false
    const repaired = await setUp(casdoor, user, env)
    assert.equal(repaired.code, 0, repaired.stderr)
    const third = await setUp(casdoor, user, env)
    assert.match(third.stdout, /nothing was changed/)
  })
}

test('a Casdoor that calls itself by another name is set up, with a warning', async () => {
  const casdoor = await startDouble(lab, {}, { namesItself: 'https://auth.example.com' })
  const { code, stdout } = await setUp(casdoor)
  assert.equal(code, 0)
  assert.match(
    stdout,
    /calls itself "https:\/\/auth\.example\.com" in its metadata.*Set origin = http:\/\/127/s,
  )
})

test('scopes and a resource of one’s own are taken as they are given', async () => {
  const casdoor = await startDouble(lab)
  const more = [
    '--scopes',
    'notes:read=Read notes; files:read=See files',
    '--resource',
    'https://mcp.example.com',
  ]
  const { stdout } = await setUp(casdoor, more)
  assert.match(stdout, /has no path, so \/mcp was appended/)
  assert.match(stdout, /--public-url https:\/\/mcp\.example\.com\/mcp$/m)
  const application = dataOf(await casdoor.get('/api/get-application?id=admin/mcp-files')) as {
    readonly scopes: readonly { readonly name: string; readonly tools: readonly string[] }[]
  }
  assert.deepEqual(
    application.scopes.slice(0, 2).map(({ name, tools }) => [name, tools]),
    [
      ['notes:read', []],
      ['files:read', ['read_file', 'edit_file', 'search_files']],
    ],
  )
})
