import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import type { Socket } from 'node:net'
import test from 'node:test'
import type { OutboundProblem } from '@mcp-doorman/outbound'
import { type Behaviour, startOutbound, startServer } from './loopback-servers.ts'

const kibibyte = Buffer.alloc(1024, 'a')
const bodyLimit = 64 * 1024

/** Writes as fast as the reader takes it, until `bytes` are out or the reader is gone. */
function pour(socket: Socket, write: () => boolean, times: number): void {
  let left = times
  function fill(): void {
    while (left > 0 && !socket.destroyed) {
      left -= 1
      if (!write()) return
    }
  }
  socket.on('drain', fill)
  fill()
}

/** Sends a byte every few milliseconds, so that the connection never falls silent. */
function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('a'), 5)
  socket.on('close', () => clearInterval(timer))
}

function reset(socket: Socket): void {
  socket.resetAndDestroy()
}

interface Case {
  readonly name: string
  readonly behave: Behaviour
  readonly expected: OutboundProblem
}

const cases: readonly Case[] = [
  { name: 'hangs before the headers', behave: () => undefined, expected: 'timeout' },
  {
    name: 'hangs in the middle of the headers',
    behave: (socket) => socket.write('HTTP/1.1 200 OK\r\nx-a'),
    expected: 'timeout',
  },
  {
    name: 'hangs in the middle of the body',
    behave: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello'),
    expected: 'timeout',
  },
  {
    name: 'drips its headers',
    behave: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-a: ')
      drip(socket)
    },
    expected: 'timeout',
  },
  {
    name: 'drips its body',
    behave: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n')
      drip(socket)
    },
    expected: 'timeout',
  },
  {
    name: 'sends interim answers for ever',
    behave: (socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 5)
      socket.on('close', () => clearInterval(timer))
    },
    expected: 'timeout',
  },
  {
    name: 'declares 64 MiB',
    behave: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\n'),
    expected: 'too_large',
  },
  {
    name: 'pours 64 MiB that it did not declare',
    behave: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n')
      pour(socket, () => socket.write(kibibyte), 64 * 1024)
    },
    expected: 'too_large',
  },
  {
    name: 'sends chunks for ever',
    behave: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      pour(
        socket,
        () => socket.write(Buffer.concat([Buffer.from('400\r\n'), kibibyte, Buffer.from('\r\n')])),
        Infinity,
      )
    },
    expected: 'too_large',
  },
  {
    name: 'sends headers for ever',
    behave: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      pour(socket, () => socket.write('x-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'), Infinity)
    },
    expected: 'too_large',
  },
  { name: 'resets the connection', behave: reset, expected: 'connection_failed' },
  { name: 'closes without an answer', behave: (socket) => socket.end(), expected: 'connection_failed' },
  {
    name: 'closes in the middle of the headers',
    behave: (socket) => socket.end('HTTP/1.1 200 OK\r\nx-a'),
    expected: 'connection_failed',
  },
  {
    name: 'closes before the body is whole',
    behave: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello'),
    expected: 'connection_failed',
  },
  {
    name: 'closes before the last chunk',
    behave: (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    expected: 'connection_failed',
  },
  {
    name: 'resets before the body is whole',
    behave: (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello', () => reset(socket)),
    expected: 'connection_failed',
  },
  {
    name: 'does not speak HTTP',
    behave: (socket) => socket.end('SSH-2.0-x\r\n'),
    expected: 'connection_failed',
  },
  {
    name: 'gives two lengths',
    behave: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!'),
    expected: 'connection_failed',
  },
  {
    name: 'gives a length and chunks',
    behave: (socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
    expected: 'connection_failed',
  },
  {
    name: 'switches protocols',
    behave: (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    expected: 'connection_failed',
  },
  {
    name: 'compresses its answer',
    behave: (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\naa'),
    expected: 'connection_failed',
  },
]
for (const { name, behave, expected } of cases) {
  test(`A server that ${name} → ${expected}, and the connection is given up`, async (t) => {
    const server = await startServer(t, behave)
    const timeoutSeconds = expected === 'timeout' ? 0.15 : 5
    const outbound = startOutbound(t, {
      trustedOrigins: [server.origin],
      timeoutSeconds,
      maxBodyBytes: bodyLimit,
    })
    const answer = await outbound.request({
      url: `${server.origin}/keys?secret`,
      headers: { 'x-a': 'secret' },
    })
    equal(answer.ok || answer.problem, expected)
    match(answer.ok ? '' : answer.message, new RegExp(`^${server.origin}/keys: `))
    doesNotMatch(answer.ok ? '' : answer.message, /secret|hello/)
    await server.idle()
    equal(server.accepted(), 1)
  })
}

test('A port on which nobody listens → connection_failed', async (t) => {
  const server = await startServer(t, () => undefined)
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  server.stop()
  const answer = await outbound.request({ url: server.origin })
  equal(answer.ok || answer.problem, 'connection_failed')
  match(answer.ok ? '' : answer.message, /ECONNREFUSED/)
})

test('A body of exactly the limit is read, one byte more is not', async (t) => {
  const server = await startServer(t, (socket, head) => {
    const bytes = Number(/\/(\d+)/.exec(head)?.[1])
    if (head.includes('/chunked')) {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      socket.write(`${bytes.toString(16)}\r\n${'a'.repeat(bytes)}\r\n0\r\n\r\n`)
    } else {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n${'a'.repeat(bytes)}`)
    }
  })
  const outbound = startOutbound(t, { trustedOrigins: [server.origin], maxBodyBytes: 1000 })
  for (const suffix of ['', '/chunked']) {
    const whole = await outbound.request({ url: `${server.origin}/1000${suffix}` })
    equal(whole.ok && whole.body.length, 1000)
    const larger = await outbound.request({ url: `${server.origin}/1001${suffix}` })
    equal(larger.ok || larger.problem, 'too_large')
  }
})

for (const status of [200, 204, 400, 401, 404, 500, 503]) {
  test(`Status ${status} is an answer, for the caller to judge`, async (t) => {
    const server = await startServer(t, (socket) => {
      const length = status === 204 ? '' : 'content-length: 13\r\n'
      socket.write(
        `HTTP/1.1 ${status} X\r\ncontent-type: text/html\r\n${length}\r\n${length && '<html></html>'}`,
      )
    })
    const answer = await startOutbound(t, { trustedOrigins: [server.origin] }).request({ url: server.origin })
    ok(answer.ok)
    deepEqual([answer.status, answer.headers['content-type']], [status, 'text/html'])
    equal(answer.body.toString(), status === 204 ? '' : '<html></html>')
  })
}

test('Names of headers are lower case, repeated headers are joined, and nothing else is in there', async (t) => {
  const server = await startServer(t, (socket) => {
    const lines = [
      'X-A: 1',
      'x-a: 2',
      'Set-Cookie: a=1',
      'set-cookie: b=2',
      '__proto__: p',
      'content-length: 0',
    ]
    socket.write(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\ncontent-encoding: Identity\r\n\r\n`)
  })
  const answer = await startOutbound(t, { trustedOrigins: [server.origin] }).request({ url: server.origin })
  ok(answer.ok)
  equal(answer.headers['x-a'], '1, 2')
  equal(answer.headers['set-cookie'], 'a=1, b=2')
  equal(answer.headers['constructor'], undefined)
})

interface RedirectCase {
  readonly target: string
  /** What of the target the message may name. */
  readonly named: string
}

const redirects: readonly RedirectCase[] = [
  { target: 'http://127.0.0.1:1/secret', named: ' to http://127.0.0.1:1.' },
  { target: 'http://169.254.169.254/latest/secret', named: ' to http://169.254.169.254.' },
  { target: 'https://user:secret@login.example/secret?secret', named: ' to https://login.example.' },
  { target: 'file:///etc/secret', named: ', a redirect. ' },
  { target: 'javascript:secret', named: ', a redirect. ' },
  { target: 'http://[secret', named: ', a redirect. ' },
  { target: `https://${'secret'.repeat(60)}/`, named: ', a redirect. ' },
]
for (const { target, named } of redirects) {
  test(`H21: A redirect to ${target.slice(0, 50)} → redirected, followed by nobody`, async (t) => {
    const server = await startServer(t, (socket) => {
      socket.write(`HTTP/1.1 302 Found\r\nlocation: ${target}\r\ncontent-length: 0\r\n\r\n`)
    })
    const answer = await startOutbound(t, { trustedOrigins: [server.origin] }).request({ url: server.origin })
    equal(answer.ok || answer.problem, 'redirected')
    const message = answer.ok ? '' : answer.message
    ok(message.includes('302') && message.includes(named), message)
    doesNotMatch(message, /secret/)
  })
}

for (const status of [300, 301, 302, 303, 304, 307, 308, 399]) {
  test(`Status ${status} without a location → redirected, and even the same origin is not asked again`, async (t) => {
    const server = await startServer(t, (socket) => {
      const location = status === 308 ? 'location: /elsewhere\r\n' : ''
      socket.write(`HTTP/1.1 ${status} X\r\n${location}content-length: 0\r\n\r\n`)
    })
    const answer = await startOutbound(t, { trustedOrigins: [server.origin] }).request({ url: server.origin })
    equal(answer.ok || answer.problem, 'redirected')
    match(answer.ok ? '' : answer.message, new RegExp(`answered ${status}`))
    equal(server.requests.length, 1)
  })
}
