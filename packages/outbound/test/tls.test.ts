import { equal, match } from 'node:assert/strict'
import type { Socket } from 'node:net'
import test from 'node:test'
import type { OutboundProblem } from '@mcp-doorman/outbound'
import {
  answerHello,
  fixture,
  startBrokenTlsServer,
  startOutbound,
  startTlsServer,
} from './loopback-servers.ts'

const authorities = [fixture('authority.pem')]

test('L3: A certificate that nobody trusted signed → tls_failed; the same one with its authority is accepted', async (t) => {
  const server = await startTlsServer(t, 'loopback.pem', answerHello)
  const without = startOutbound(t, { trustedOrigins: [server.origin] })
  const refused = await without.request({ url: server.origin })
  equal(refused.ok || refused.problem, 'tls_failed')
  match(refused.ok ? '' : refused.message, /UNABLE_TO_VERIFY_LEAF_SIGNATURE.*certificate authorities/)
  equal(server.requests.length, 0)

  const withAuthority = startOutbound(t, {
    trustedOrigins: [server.origin],
    certificateAuthorities: authorities,
  })
  const answer = await withAuthority.request({ url: server.origin })
  equal(answer.ok && answer.body.toString(), 'hello')
})

for (const [certificate, code] of [
  ['other-host.pem', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['expired.pem', 'CERT_HAS_EXPIRED'],
] as const) {
  test(`L3: The certificate ${certificate}, signed by a trusted authority → tls_failed with ${code}`, async (t) => {
    const server = await startTlsServer(t, certificate, answerHello)
    const outbound = startOutbound(t, {
      trustedOrigins: [server.origin],
      certificateAuthorities: authorities,
    })
    const answer = await outbound.request({ url: server.origin })
    equal(answer.ok || answer.problem, 'tls_failed')
    match(answer.ok ? '' : answer.message, new RegExp(code))
    equal(server.requests.length, 0)
  })
}

interface BrokenCase {
  readonly name: string
  readonly greet: (socket: Socket) => void
  readonly expected: OutboundProblem
}

const brokenCases: readonly BrokenCase[] = [
  {
    name: 'speaks plain http',
    greet: (socket) => socket.end('HTTP/1.1 400 X\r\n\r\n'),
    expected: 'tls_failed',
  },
  { name: 'closes in the handshake', greet: (socket) => socket.end(), expected: 'tls_failed' },
  { name: 'resets in the handshake', greet: (socket) => socket.resetAndDestroy(), expected: 'tls_failed' },
  { name: 'hangs in the handshake', greet: () => undefined, expected: 'timeout' },
]
for (const { name, greet, expected } of brokenCases) {
  test(`An https server that ${name} → ${expected}`, async (t) => {
    const server = await startBrokenTlsServer(t, (socket) => socket.once('data', () => greet(socket)))
    const timeoutSeconds = expected === 'timeout' ? 0.15 : 5
    const outbound = startOutbound(t, { trustedOrigins: [server.origin], timeoutSeconds })
    const answer = await outbound.request({ url: server.origin })
    equal(answer.ok || answer.problem, expected)
    match(answer.ok ? '' : answer.message, /in the TLS handshake|the TLS handshake failed/)
    await server.idle()
  })
}
