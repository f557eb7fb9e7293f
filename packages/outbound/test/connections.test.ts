import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import test from 'node:test'
import { createOutbound, type OutboundAnswer } from '@mcp-doorman/outbound'
import {
  answerHello,
  type Behaviour,
  fixture,
  startOutbound,
  startServer,
  startTlsServer,
} from './loopback-servers.ts'

function problemOf(answer: OutboundAnswer): string {
  return answer.ok ? 'none' : answer.problem
}

/** Answers the first request of each connection and breaks the connection at the second. */
function answerOnce(): Behaviour {
  const seen = new WeakSet()
  return (socket, head, server) => {
    if (seen.has(socket)) {
      socket.resetAndDestroy()
      return
    }
    seen.add(socket)
    answerHello(socket, head, server)
  }
}

test('Requests one after the other share a connection, over http and over TLS', async (t) => {
  for (const server of [
    await startServer(t, answerHello),
    await startTlsServer(t, 'loopback.pem', answerHello),
  ]) {
    const outbound = startOutbound(t, {
      trustedOrigins: [server.origin],
      certificateAuthorities: [fixture('authority.pem')],
    })
    for (let round = 0; round < 5; round += 1) {
      const answer = await outbound.request({ url: server.origin })
      ok(answer.ok)
    }
    equal(server.accepted(), 1)
  }
})

test('50 requests at once are all answered, over no more than 16 connections, and close() ends them', async (t) => {
  const server = await startServer(t, answerHello)
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => outbound.request({ url: `${server.origin}/${index}` })),
  )
  deepEqual(
    answers.filter((answer) => !answer.ok),
    [],
  )
  equal(server.requests.length, 50)
  ok(server.accepted() <= 16)
  outbound.close()
  await server.idle()
})

// Within 3 s, since idle connections end by themselves after 4.
test('close() ends idle connections, of both schemes, at once', { timeout: 3_000 }, async (t) => {
  for (const server of [
    await startServer(t, answerHello),
    await startTlsServer(t, 'loopback.pem', answerHello),
  ]) {
    const outbound = startOutbound(t, {
      trustedOrigins: [server.origin],
      certificateAuthorities: [fixture('authority.pem')],
    })
    ok((await outbound.request({ url: server.origin })).ok)
    outbound.close()
    await server.idle()
  }
})

test('An idle connection that the server closes is not missed, and not kept', async (t) => {
  const server = await startServer(t, (socket) => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello')
  })
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  ok((await outbound.request({ url: server.origin })).ok)
  await server.idle()
  ok((await outbound.request({ url: server.origin })).ok)
  equal(server.accepted(), 2)
})

test('Waiting for a free connection ends like every other stage: with the time, or with the signal', async (t) => {
  const controller = new AbortController()
  const server = await startServer(t, (_socket, _head, server) => {
    if (server.requests.length === 16) controller.abort()
  })
  const outbound = startOutbound(t, { trustedOrigins: [server.origin], timeoutSeconds: 0.3 })
  const hanging = Array.from({ length: 18 }, () => outbound.request({ url: server.origin }))
  const answer = await outbound.request({ url: server.origin, signal: controller.signal })
  equal(problemOf(answer), 'aborted')
  match(answer.ok ? '' : answer.message, /while waiting for a free connection/)
  const answers = await Promise.all(hanging)
  deepEqual(
    answers.map(problemOf),
    answers.map(() => 'timeout'),
  )
  await server.idle()
})

test('close() ends what is under way with aborted, and what comes later too', async (t) => {
  const outbound = createOutbound({ lookup: () => new Promise(() => undefined) })
  const resolving = outbound.request({ url: 'https://idp.example.com/' })
  outbound.close()
  equal(problemOf(await resolving), 'aborted')
  equal(problemOf(await outbound.request({ url: 'https://idp.example.com/' })), 'aborted')

  const server = await startServer(t, () => another.close())
  const another = createOutbound({ trustedOrigins: [server.origin] })
  const answers = await Promise.all(Array.from({ length: 20 }, () => another.request({ url: server.origin })))
  deepEqual(
    answers.map(problemOf),
    answers.map(() => 'aborted'),
  )
  another.close()
  await server.idle()
})

test('A signal ends the request with aborted, in whatever stage, and leaves no listener', async (t) => {
  const early = AbortSignal.abort(new Error('secret'))
  const controller = new AbortController()
  const server = await startServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello', () =>
      controller.abort(new Error('secret')),
    )
  })
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  equal(problemOf(await outbound.request({ url: server.origin, signal: early })), 'aborted')
  equal(server.accepted(), 0)
  const answer = await outbound.request({ url: server.origin, signal: controller.signal })
  equal(problemOf(answer), 'aborted')
  equal(answer.ok || answer.message.includes('secret'), false)
  deepEqual(getEventListeners(controller.signal, 'abort'), [])
  await server.idle()
})

test('A signal that never fires has no listener left after the answer', async (t) => {
  const server = await startServer(t, answerHello)
  const { signal } = new AbortController()
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  ok((await outbound.request({ url: server.origin, signal })).ok)
  deepEqual(getEventListeners(signal, 'abort'), [])
})

test('A GET that meets a connection which the server just closed is asked again on a new one', async (t) => {
  const server = await startServer(t, answerOnce())
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  for (let round = 0; round < 3; round += 1) {
    const answer = await outbound.request({ url: server.origin })
    equal(problemOf(answer), 'none')
  }
  equal(server.accepted(), 3)
})

test('A GET whose server has gone for good says that nobody accepts connections', async (t) => {
  const server = await startServer(t, (socket, head, server) => {
    if (server.requests.length === 1) answerHello(socket, head, server)
    else server.stop()
  })
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  ok((await outbound.request({ url: server.origin })).ok)
  const answer = await outbound.request({ url: server.origin })
  equal(problemOf(answer), 'connection_failed')
  match(answer.ok ? '' : answer.message, /nothing accepted the connection \(ECONNREFUSED\)/)
})

test('A POST that meets such a connection is not, since it may have been carried out', async (t) => {
  const server = await startServer(t, answerOnce())
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  ok((await outbound.request({ url: server.origin, method: 'POST' })).ok)
  const answer = await outbound.request({ url: server.origin, method: 'POST' })
  equal(problemOf(answer), 'connection_failed')
  match(answer.ok ? '' : answer.message, /ECONNRESET/)
  equal(server.requests.length, 2)
})

test('A GET that times out or is aborted on a kept connection is not asked again', async (t) => {
  const controller = new AbortController()
  const server = await startServer(t, (socket, head, server) => {
    if (server.requests.length % 2 === 1) answerHello(socket, head, server)
    else if (head.includes('/abort')) controller.abort()
  })
  const outbound = startOutbound(t, { trustedOrigins: [server.origin], timeoutSeconds: 0.2 })
  for (const [path, expected] of [
    ['slow', 'timeout'],
    ['abort', 'aborted'],
  ]) {
    ok((await outbound.request({ url: server.origin })).ok)
    const answer = await outbound.request({ url: `${server.origin}/${path}`, signal: controller.signal })
    equal(problemOf(answer), expected)
    await server.idle()
  }
  equal(server.requests.length, 4)
  equal(server.accepted(), 2)
})

test('An answer that breaks off on a kept connection is not asked for again', async (t) => {
  const server = await startServer(t, (socket, head, server) => {
    if (server.requests.length === 1) answerHello(socket, head, server)
    else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello')
  })
  const outbound = startOutbound(t, { trustedOrigins: [server.origin] })
  ok((await outbound.request({ url: server.origin })).ok)
  equal(problemOf(await outbound.request({ url: server.origin })), 'connection_failed')
  equal(server.requests.length, 2)
})
