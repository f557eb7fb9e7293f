/** The command against what is no Casdoor, or one in trouble: it says what happened, why, and what to do. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { findFreePort, openLab, type Ended } from '../end-to-end/doorman-process.ts'

const lab = openLab({ after })

/** @returns its origin */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  lab.keep(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // It listens on a socket of TCP.
}

const words = [
  '--organization',
  'acme',
  '--application',
  'mcp-files',
  '--resource',
  'https://mcp.example.com/mcp',
]
const secret = 'hunter2-hunter2'
const env = { CASDOOR_CLIENT_ID: 'id', CASDOOR_CLIENT_SECRET: secret }

async function setUp(url: string, more: readonly string[] = [], environment: object = env): Promise<Ended> {
  const ended = await lab.run(['casdoor', 'setup', '--url', url, ...words, ...more], {
    env: { ...environment },
  })
  assert.ok(!(ended.stdout + ended.stderr).includes(secret), 'the secret is shown to nobody')
  return ended
}

const page = '<!doctype html><html><body>Welcome to nginx</body></html>'
type Odd = readonly [name: string, answer: RequestListener, message: RegExp]
const odd: readonly [Odd, ...Odd[]] = [
  [
    'a web page',
    (_request, response) => response.setHeader('content-type', 'text/html').end(page),
    /answered 200 with text\/html in place of JSON\. Check that the URL is the origin of a Casdoor/,
  ],
  [
    'an error with status 200, as below a path',
    (_request, response) =>
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ status: 'error', msg: 'Unauthorized operation' })),
    /answered without an issuer.*Give its origin alone/,
  ],
  [
    'a redirect to somewhere else',
    (_request, response) => response.writeHead(302, { location: 'https://login.example/' }).end(),
    /a redirect to https:\/\/login\.example.*name the final URL/,
  ],
  [
    'a proxy whose Casdoor is away',
    (_request, response) => response.writeHead(502, { 'content-type': 'text/html' }).end(page),
    /answered 502: Casdoor, or a proxy in front of it, is in trouble/,
  ],
  ['a connection that is cut', (request) => request.socket.destroy(), /the connection broke while waiting/],
  [
    'an answer without end',
    (_request, response) => {
      response.setHeader('content-type', 'application/json')
      const more = (): void => {
        while (response.write('x'.repeat(65_536))) continue
      }
      response.on('drain', more)
      more()
    },
    /the body is larger than 4194304 bytes/,
  ],
]
for (const [name, answer, message] of odd) {
  test(`set-up says of ${name} what it is, and ends with 1`, async () => {
    const { code, stderr, stdout } = await setUp(await serve(answer))
    assert.equal(code, 1, stderr)
    assert.match(stderr, message)
    assert.equal(stdout, '')
  })
}

test('check says of a web page what it is, and ends with 1', async () => {
  const [[, answer, message]] = odd
  const { code, stdout } = await lab.run(['casdoor', 'check', '--url', await serve(answer), '--json'])
  assert.equal(code, 1)
  const { findings } = JSON.parse(stdout) as { findings: { id: string; evidence: string }[] }
  assert.deepEqual(
    findings.map(({ id }) => id),
    ['not_casdoor'],
  )
  assert.match(findings[0]?.evidence ?? '', message)
})

test('where nothing listens, that is said', async () => {
  const url = `http://127.0.0.1:${await findFreePort()}`
  const { code, stderr } = await setUp(url)
  assert.equal(code, 1)
  assert.match(stderr, /nothing accepted the connection \(ECONNREFUSED\)\. Check that the server runs/)
})

test('set-up ends with 2 for wrong words, before anything is asked', async () => {
  const { code, stderr } = await setUp('http://auth.example.com', ['--for', 'claude'])
  assert.equal(code, 2, stderr)
  assert.match(stderr, /credentials would travel readable/)
})

/** Enough of a Casdoor to be taken for one. */
const justMetadata: RequestListener = (request, response) => {
  response
    .setHeader('content-type', 'application/json')
    .end(JSON.stringify({ issuer: `http://${request.headers.host}` }))
}
for (const [name, more, environment, message] of [
  [
    'nobody who administers',
    [],
    {},
    /Nobody is named who administers.*CASDOOR_CLIENT_ID.*CASDOOR_ADMIN_USER/s,
  ],
  ['users without a password', ['--user', 'alice'], env, /--user-password env:NAME or file:PATH/],
  ['a password among the words', ['--user', 'a', '--user-password', secret], env, /no list of processes/],
  [
    'a password that is not there',
    ['--user', 'a', '--user-password', 'env:GONE'],
    env,
    /GONE is empty or not there/,
  ],
  [
    'several mistakes at once',
    ['--redirect', 'http://a.example', '--redirect', '/cb'],
    env,
    /plain http[^]*not an absolute/,
  ],
] as const) {
  test(`set-up ends with 2 for ${name}`, async () => {
    const { code, stderr } = await setUp(await serve(justMetadata), more, environment)
    assert.equal(code, 2, stderr)
    assert.match(stderr, message)
  })
}

test('a token is taken from standard input only', async () => {
  const { code, stderr } = await lab.run([
    'casdoor',
    'check',
    '--url',
    'http://localhost:1',
    '--token',
    secret,
  ])
  assert.equal(code, 2)
  assert.match(stderr, /write "-" and give the token on standard input/)
  assert.ok(!stderr.includes(secret))
})
