import { deepEqual, equal, match } from 'node:assert/strict'
import test from 'node:test'
import type { OutboundProblem } from '@mcp-doorman/outbound'
import {
  answerHello,
  answerNever,
  fixture,
  startOutbound,
  startServer,
  startTlsServer,
} from './loopback-servers.ts'
import { standInForTheInternet } from './public-network.ts'

const authorities = [fixture('authority.pem')]

test('H21: A public name is resolved once, and the socket goes to the address that was judged', async (t) => {
  const attempts = standInForTheInternet(t)
  const server = await startTlsServer(t, 'loopback.pem', answerHello)
  // A rebinding name: public for whoever checks it, loopback for whoever asks again.
  const replies = [['8.8.8.8'], ['127.0.0.1']]
  const asked: string[] = []
  const outbound = startOutbound(t, {
    certificateAuthorities: authorities,
    lookup: async (hostname) => {
      asked.push(hostname)
      return replies.shift() ?? []
    },
  })
  const answer = await outbound.request({ url: `https://idp.example.com:${server.port}/keys` })

  equal(answer.ok && answer.body.toString(), 'hello')
  deepEqual(asked, ['idp.example.com'])
  deepEqual(attempts, [{ host: 'idp.example.com', addresses: ['8.8.8.8'] }])
  // The name stays in Host; that the certificate was accepted shows that it was asked for by name.
  match(server.requests[0] ?? '', new RegExp(`^host: idp\\.example\\.com:${server.port}$`, 'im'))
})

test('H21: A name that has moved to loopback is refused once the old connection is gone', async (t) => {
  standInForTheInternet(t)
  const server = await startTlsServer(t, 'loopback.pem', (socket) => {
    socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  })
  const replies = [['8.8.8.8'], ['127.0.0.1']]
  const outbound = startOutbound(t, {
    certificateAuthorities: authorities,
    lookup: async () => replies.shift() ?? [],
  })
  const url = `https://idp.example.com:${server.port}/`
  const first = await outbound.request({ url })
  equal(first.ok, true)
  const second = await outbound.request({ url })
  equal(second.ok || second.problem, 'address_refused')
  equal(server.accepted(), 1)
})

interface Case {
  readonly name: string
  readonly addresses: readonly string[]
  readonly untrusted: OutboundProblem | 'connected'
  readonly trusted: OutboundProblem | 'connected'
}

const cases: readonly Case[] = [
  { name: 'public', addresses: ['8.8.8.8', '2a00::1'], untrusted: 'connected', trusted: 'connected' },
  { name: 'loopback', addresses: ['127.0.0.1'], untrusted: 'address_refused', trusted: 'connected' },
  { name: 'private', addresses: ['10.0.0.1'], untrusted: 'address_refused', trusted: 'connected' },
  {
    name: 'public, then loopback',
    addresses: ['8.8.8.8', '::1'],
    untrusted: 'address_refused',
    trusted: 'connected',
  },
  {
    name: 'loopback, then public',
    addresses: ['::1', '8.8.8.8'],
    untrusted: 'address_refused',
    trusted: 'connected',
  },
  {
    name: 'metadata',
    addresses: ['169.254.169.254'],
    untrusted: 'address_refused',
    trusted: 'address_refused',
  },
  {
    name: 'metadata in IPv6',
    addresses: ['fd00:ec2::254'],
    untrusted: 'address_refused',
    trusted: 'address_refused',
  },
  {
    name: 'public, then mapped metadata',
    addresses: ['8.8.8.8', '::ffff:169.254.169.254'],
    untrusted: 'address_refused',
    trusted: 'address_refused',
  },
  { name: 'unspecified', addresses: ['0.0.0.0'], untrusted: 'address_refused', trusted: 'address_refused' },
  { name: 'no address', addresses: [], untrusted: 'name_not_found', trusted: 'name_not_found' },
  { name: 'a name', addresses: ['localhost'], untrusted: 'address_refused', trusted: 'address_refused' },
]
for (const { name, addresses, untrusted, trusted } of cases) {
  for (const [trust, expected] of Object.entries({ untrusted, trusted })) {
    test(`H21: A name that resolves to ${name}, ${trust} → ${expected}`, async (t) => {
      const attempts = standInForTheInternet(t)
      const server = await startTlsServer(t, 'loopback.pem', answerHello)
      const origin = `https://idp.example.com:${server.port}`
      const outbound = startOutbound(t, {
        certificateAuthorities: authorities,
        lookup: async () => addresses,
        trustedOrigins: trust === 'trusted' ? [origin] : [],
      })
      const answer = await outbound.request({ url: `${origin}/` })
      equal(answer.ok ? 'connected' : answer.problem, expected)
      deepEqual(
        attempts.map((attempt) => attempt.addresses),
        expected === 'connected' ? [addresses] : [],
      )
      equal(server.accepted(), expected === 'connected' ? 1 : 0)
    })
  }
}

test('Plain http to a trusted localhost is refused when the resolver says that it lives elsewhere', async (t) => {
  const server = await startServer(t, answerNever)
  const origin = `http://localhost:${server.port}`
  const outbound = startOutbound(t, {
    trustedOrigins: [origin],
    lookup: async () => ['127.0.0.1', '10.0.0.1'],
  })
  const answer = await outbound.request({ url: origin })
  equal(answer.ok || answer.problem, 'insecure_url')
  equal(server.accepted(), 0)
})

test('Plain http to a trusted localhost is answered, whichever of its addresses has the server', async (t) => {
  const server = await startServer(t, answerHello)
  const origin = `http://localhost:${server.port}`
  for (const addresses of [['127.0.0.1'], ['::1', '127.0.0.1'], ['127.0.0.1', '::1']]) {
    const outbound = startOutbound(t, { trustedOrigins: [origin], lookup: async () => addresses })
    const answer = await outbound.request({ url: origin })
    equal(answer.ok, true, addresses.join())
  }
})

test('The resolver of the machine knows localhost', async (t) => {
  const server = await startServer(t, answerHello)
  const origin = `http://localhost:${server.port}`
  const answer = await startOutbound(t, { trustedOrigins: [origin] }).request({ url: origin })
  equal(answer.ok, true)
})

const brokenLookups: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  'rejects with a code': () => Promise.reject(Object.assign(new Error('secret'), { code: 'ENOTFOUND' })),
  'rejects with no error at all': () => Promise.reject(undefined),
  throws: () => {
    throw new Error('secret')
  },
  'returns no list': async () => undefined as unknown as readonly string[],
}
for (const [name, lookup] of Object.entries(brokenLookups)) {
  test(`A lookup that ${name} → name_not_found`, async (t) => {
    const answer = await startOutbound(t, { lookup }).request({ url: 'https://idp.example.com/' })
    equal(answer.ok || answer.problem, 'name_not_found')
    equal(answer.ok || answer.message.includes('secret'), false)
  })
}

test('A lookup that never answers → timeout, which names the stage', async (t) => {
  const outbound = startOutbound(t, { timeoutSeconds: 0.05, lookup: () => new Promise(() => undefined) })
  const answer = await outbound.request({ url: 'https://idp.example.com/' })
  equal(answer.ok || answer.problem, 'timeout')
  match(answer.ok ? '' : answer.message, /while resolving the name/)
})
