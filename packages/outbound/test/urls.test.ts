import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import type { OutboundProblem } from '@mcp-doorman/outbound'
import * as fc from 'fast-check'
import { answerHello, answerNever, startOutbound, startServer } from './loopback-servers.ts'

/** A lookup for tests in which nothing may get as far as asking for a name. */
async function noLookup(hostname: string): Promise<readonly string[]> {
  throw new Error(`The name ${hostname} was resolved.`)
}

interface Case {
  readonly name: string
  readonly url: string
  readonly expected: OutboundProblem
}

const cases: readonly Case[] = [
  { name: 'empty', url: '', expected: 'invalid_url' },
  { name: 'a path alone', url: '/.well-known/jwks.json', expected: 'invalid_url' },
  { name: 'a host alone', url: 'idp.example', expected: 'invalid_url' },
  { name: 'a file', url: 'file:///etc/passwd', expected: 'invalid_url' },
  { name: 'data', url: 'data:application/json,{}', expected: 'invalid_url' },
  { name: 'another protocol', url: 'gopher://idp.example/', expected: 'invalid_url' },
  { name: 'a WebSocket', url: 'wss://idp.example/', expected: 'invalid_url' },
  { name: 'a user name', url: 'https://user@idp.example/', expected: 'invalid_url' },
  { name: 'a password', url: 'https://:password@idp.example/', expected: 'invalid_url' },
  { name: 'a fragment', url: 'https://idp.example/#keys', expected: 'invalid_url' },
  { name: 'an empty fragment', url: 'https://idp.example/#', expected: 'invalid_url' },
  { name: 'a backslash before the host', url: 'https:\\\\idp.example/', expected: 'invalid_url' },
  { name: 'a line break in the host', url: 'https://idp\n.example/', expected: 'invalid_url' },
  { name: 'a space at the end', url: 'https://idp.example/ ', expected: 'invalid_url' },
  { name: 'a host that is too long', url: `https://${'a.'.repeat(126)}aa/`, expected: 'invalid_url' },
  { name: 'a port that is none', url: 'https://idp.example:65536/', expected: 'invalid_url' },
  { name: 'plain http', url: 'http://idp.example/', expected: 'insecure_url' },
  { name: 'plain http on loopback, not trusted', url: 'http://127.0.0.1:3000/', expected: 'insecure_url' },
  { name: 'loopback', url: 'https://127.0.0.1/', expected: 'address_refused' },
  { name: 'localhost', url: 'https://localhost:3000/', expected: 'address_refused' },
  { name: 'a name under localhost', url: 'https://idp.LOCALHOST./', expected: 'address_refused' },
  { name: 'loopback in decimal', url: 'https://2130706433/', expected: 'address_refused' },
  { name: 'loopback in octal', url: 'https://0177.0.0.01/', expected: 'address_refused' },
  { name: 'loopback in hexadecimal', url: 'https://0x7f.1/', expected: 'address_refused' },
  { name: 'loopback in full-width digits', url: 'https://127。0。0。１/', expected: 'address_refused' },
  { name: 'loopback in IPv6', url: 'https://[::1]/', expected: 'address_refused' },
  { name: 'loopback, mapped', url: 'https://[::ffff:127.0.0.1]/', expected: 'address_refused' },
  { name: 'unspecified', url: 'https://0.0.0.0/', expected: 'address_refused' },
  { name: 'a zero alone', url: 'https://0/', expected: 'address_refused' },
  { name: 'private', url: 'https://10.1.2.3/', expected: 'address_refused' },
  { name: 'metadata', url: 'https://169.254.169.254/', expected: 'address_refused' },
  { name: 'metadata in decimal', url: 'https://2852039166/', expected: 'address_refused' },
  { name: 'metadata in IPv6', url: 'https://[fd00:ec2::254]/', expected: 'address_refused' },
]
for (const { name, url, expected } of cases) {
  test(`H21, URL: ${name} → ${expected}, with nothing sent`, async (t) => {
    const outbound = startOutbound(t, { lookup: noLookup })
    const answer = await outbound.request({ url })
    equal(answer.ok || answer.problem, expected)
  })
}

test('Plain http to a trusted loopback origin is answered; the same host on another port is refused', async (t) => {
  const trusted = await startServer(t, answerHello)
  const other = await startServer(t, answerNever)
  const outbound = startOutbound(t, { trustedOrigins: [trusted.origin] })

  const answer = await outbound.request({ url: `${trusted.origin}/keys?page=1` })
  equal(answer.ok && answer.body.toString(), 'hello')
  const [head = ''] = trusted.requests
  equal(head.split('\r\n')[0], 'GET /keys?page=1 HTTP/1.1')
  match(head, new RegExp(`^host: 127\\.0\\.0\\.1:${trusted.port}$`, 'im'))
  match(head, /^accept-encoding: identity$/im)

  const refused = await outbound.request({ url: `${other.origin}/keys` })
  equal(refused.ok || refused.problem, 'insecure_url')
  equal(other.accepted(), 0)
})

test('A trusted http origin does not make its https neighbour trusted', async (t) => {
  const server = await startServer(t, answerNever)
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  const answer = await outbound.request({ url: `https://127.0.0.1:${server.port}/` })
  equal(answer.ok || answer.problem, 'address_refused')
  equal(server.accepted(), 0)
})

test('A POST arrives with its headers and its body, whatever interim answers come first', async (t) => {
  const server = createServer((request, response) => {
    const { authorization, 'content-length': length } = request.headers
    response.writeEarlyHints({ link: '</a>; rel=preload' })
    response.writeHead(201, { 'x-seen': `${request.method} ${length} ${authorization}` })
    request.pipe(response)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  // A server that listens on TCP has an address with a port.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const outbound = startOutbound(t, { trustedOrigins: [origin] })
  const answer = await outbound.request({
    url: `${origin}/introspect`,
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: 'Basic eA==' },
    body: 'token=é',
  })
  ok(answer.ok)
  deepEqual([answer.status, answer.headers['x-seen']], [201, 'POST 8 Basic eA=='])
  equal(answer.body.toString(), 'token=é')
})

const refusedRequests = {
  'a line break in a header': { headers: { 'x-a': 'a\r\nx-b: secret' } },
  'a header name with a space': { headers: { 'x a': 'secret' } },
  'a host of the caller': { headers: { Host: 'secret.example' } },
  'a length of the caller': { headers: { 'Content-Length': '1' } },
  'an encoding of the caller': { headers: { 'Accept-Encoding': 'gzip' } },
  'a GET with a body': { body: 'secret' },
  // What the types forbid, plain JavaScript can still do.
  'another method': { method: 'TRACE' as 'GET' },
  'a body that is neither text nor bytes': {
    method: 'POST' as const,
    body: { secret: 1 } as unknown as string,
  },
  'a header that is no text': { headers: { 'x-a': ['secret'] as unknown as string } },
}
for (const [name, request] of Object.entries(refusedRequests)) {
  test(`A request with ${name} is not sent, and not repeated in the message`, async (t) => {
    const server = await startServer(t, answerNever)
    const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
    const answer = await outbound.request({ url: server.origin, ...request })
    equal(answer.ok || answer.problem, 'invalid_url')
    doesNotMatch(answer.ok ? '' : answer.message, /secret/)
    equal(server.accepted(), 0)
  })
}

test('No message repeats what a URL carries beside its origin and path', async (t) => {
  const secrets = [
    '//u:secret@h/',
    '//h/?secret',
    '//h/#secret',
    '//h:99999/secret',
    '//secret host/',
  ].flatMap((rest) => ['http:', 'https:', 'file:', 'secret:', ''].map((scheme) => `${scheme}${rest}`))
  await checkMessages(t, secrets, /secret/)
})

test('No message grows with the URL', async (t) => {
  const outbound = startOutbound(t, { lookup: async () => [] })
  const long = 'a'.repeat(10_000)
  for (const url of [
    `https://idp.example/${long}`,
    `https://${long}/`,
    `https://${long}.${long}/`,
    `${long}:x`,
  ]) {
    const answer = await outbound.request({ url })
    equal(answer.ok || answer.message.length < 500, true)
  }
})

async function checkMessages(t: TestContext, urls: readonly string[], secret: RegExp): Promise<void> {
  const outbound = startOutbound(t, { lookup: async () => [] })
  for (const url of urls) {
    const answer = await outbound.request({ url })
    equal(answer.ok, false)
    if (!answer.ok) doesNotMatch(answer.message, secret)
  }
}

test('Any text as URL gets an answer, and only names of https URLs are ever resolved', async (t) => {
  const outbound = startOutbound(t, { lookup: async () => [] })
  const url = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc
      .tuple(fc.constantFrom('http:', 'https:', 'file:'), fc.string({ unit: 'binary' }))
      .map(([a, b]) => `${a}//${b}`),
  )
  await fc.assert(
    fc.asyncProperty(url, async (text) => {
      const answer = await outbound.request({ url: text })
      const problem = answer.ok ? 'none' : answer.problem
      const possible = ['invalid_url', 'insecure_url', 'address_refused', 'name_not_found']
      deepEqual(
        [possible.includes(problem), problem === 'name_not_found' && !/^https:/i.test(text)],
        [true, false],
      )
    }),
  )
})
