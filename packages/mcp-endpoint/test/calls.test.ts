import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { ContentBlock, Tool, CallContext, ToolResult } from '@mcp-doorman/mcp-endpoint'
import { defer } from './deferred.ts'
import { errorCode, jsonOf, legacy, member, modern, post, resultOf } from './messages.ts'
import { ask, formatRequest, openConnection } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'

const forms = [
  ['legacy', legacy],
  ['modern', modern],
] as const

/** A tool that says when it has begun, and goes on until it is told to end or its signal fires. */
function lasting(): { tool: Tool; begun: Promise<CallContext>; end: (result: ToolResult) => void } {
  const begun = defer<CallContext>()
  const ended = defer<ToolResult>()
  const tool = toolOf('lasting', (_args, context) => {
    begun.resolve(context)
    return ended.promise
  })
  return { tool, begun: begun.promise, end: ended.resolve }
}

for (const [era, form] of forms) {
  for (const kind of ['at once', 'later']) {
    test(`what a tool throws ${kind} reaches the operator and nobody else (${era})`, async (t) => {
      const thrown = new Error('canary: /srv/secret.txt')
      const bad = toolOf('bad', () => {
        if (kind === 'later') return Promise.reject(thrown)
        throw thrown
      })
      const { port, token, failures, records } = await startTestServer(t, { tools: [bad] })
      const answer = await ask(port, form(token(), 'tools/call', { name: 'bad' }))
      assert.equal(answer.status, 200)
      assert.equal(errorCode(answer), -32603)
      assert.doesNotMatch(JSON.stringify([answer, records()]), /canary|secret\.txt|at .*\.ts/)
      assert.deepEqual(failures, [{ tool: 'bad', error: thrown }])
    })
  }
}

// What a tool in plain JavaScript may return against its type.
const circular: Record<string, unknown> = {}
circular['self'] = circular
for (const [name, result] of [
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['structured content that is null', { structuredContent: null }],
  ['an object without content', {}],
  ['content that is no list', { content: 'done' }],
  ['a circle', { content: [circular] }],
  ['a bigint', { content: [1n] }],
  ['what throws when it is written', { content: [{ toJSON: () => assert.fail('canary') }] }],
] as const) {
  test(`a tool that returns ${name} has failed; the server goes on`, async (t) => {
    const odd = (kind: string, call: () => unknown): Tool => toolOf(kind, call as Tool['call']) // Against its type.
    const tools = [odd('odd', () => result), odd('odd_later', () => Promise.resolve(result))]
    const { port, token, failures } = await startTestServer(t, { tools })
    for (const tool of ['odd', 'odd_later']) {
      for (const [, form] of forms) {
        const answer = await ask(port, form(token(), 'tools/call', { name: tool }))
        assert.equal(errorCode(answer), -32603)
        assert.doesNotMatch(answer.body, /canary/)
      }
      const plain = { ...post(token(), JSON.stringify({ name: tool })), target: '/tools/call' }
      assert.equal((await ask(port, plain)).status, 500)
    }
    assert.equal(failures.length, 6)
  })
}

test('an operator whose own report of a failure throws does not end the server', async (t) => {
  const bad = toolOf('bad', () => {
    throw new Error('the tool')
  })
  const badLater = toolOf('bad_later', () => Promise.reject(new Error('the tool')))
  const endpoint = {
    onFailure: () => {
      throw new Error('the report')
    },
  }
  const { port, token } = await startTestServer(t, { tools: [bad, badLater], endpoint })
  for (const name of ['bad', 'bad_later']) {
    assert.equal(errorCode(await ask(port, legacy(token(), 'tools/call', { name }))), -32603)
  }
})

test('J8: a call that never ends is answered when its time is over, and its signal fires', async (t) => {
  for (const [, form] of forms) {
    const { tool, begun } = lasting()
    const { port, token } = await startTestServer(t, { tools: [tool], endpoint: { callTimeoutSeconds: 1 } })
    const pending = ask(port, form(token(), 'tools/call', { name: 'lasting' }))
    const { signal } = await begun
    assert.equal(signal.aborted, false)
    const answer = await pending
    assert.equal(answer.status, 200)
    assert.equal(errorCode(answer), -32603)
    assert.match(answer.body, /longer than 1 second/)
    assert.equal(signal.aborted, true)
  }
})

test('within a batch, a call that takes too long does not spoil the next one', async (t) => {
  const { tool } = lasting()
  const next = toolOf('next', async (_args, { signal }) => {
    await Promise.resolve()
    return { content: [{ type: 'text', text: `aborted: ${signal.aborted}` }] }
  })
  const { port, token } = await startTestServer(t, {
    tools: [tool, next],
    endpoint: { callTimeoutSeconds: 1 },
  })
  const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } })
  const answer = await ask(port, post(token(), JSON.stringify([call(1, 'lasting'), call(2, 'next')])))
  assert.match(answer.body, /"id":1,"error".*"id":2,"result".*aborted: false/)
})

test('G18: in the modern era, to close the connection cancels the call', async (t) => {
  const { tool, begun } = lasting()
  const { port, token, records, recorded } = await startTestServer(t, { tools: [tool] })
  const connection = await openConnection(port)
  connection.send(formatRequest(port, modern(token(), 'tools/call', { name: 'lasting' })))
  const { signal } = await begun
  connection.destroy()
  if (!signal.aborted) await once(signal, 'abort')
  await recorded(2)
  assert.equal(records()[1]?.['result'], 'cancelled')
})

test('G38: in the legacy era the call goes on, because a lost connection is no cancellation', async (t) => {
  const { tool, begun, end } = lasting()
  const { port, token, records, recorded } = await startTestServer(t, { tools: [tool] })
  const connection = await openConnection(port)
  connection.send(formatRequest(port, legacy(token(), 'tools/call', { name: 'lasting' })))
  const { signal } = await begun
  connection.destroy()
  // The server has seen the end of the connection when it has answered on a later one.
  await connection.closed
  await ask(port, legacy(token(), 'ping'))
  assert.equal(signal.aborted, false)
  end({ content: [] })
  await recorded(4)
  assert.equal(records()[3]?.['result'], 'ok')
})

test('the signal of a modern call that has ended does not fire afterwards', async (t) => {
  let signal: AbortSignal | undefined
  const calm = toolOf('calm', async (_args, context) => {
    signal = context.signal
    await Promise.resolve()
    return { content: [] }
  })
  const { port, token, handle } = await startTestServer(t, { tools: [calm] })
  await ask(port, modern(token(), 'tools/call', { name: 'calm' }))
  await handle.close()
  assert.equal(signal?.aborted, false)
})

test('a caller who left while the token was being verified starts nothing, and is recorded', async (t) => {
  const { tool, begun } = lasting()
  let started = false
  void begun.then(() => {
    started = true
  })
  const { port, token, issuer, recorded } = await startTestServer(t, { tools: [tool] })
  const keys = defer()
  issuer.hold = keys.promise
  const connection = await openConnection(port)
  connection.send(formatRequest(port, modern(token(), 'tools/call', { name: 'lasting' })))
  await ask(port, {}) // The server has read what came before on the other connection.
  connection.destroy()
  await connection.closed
  await ask(port, {})
  keys.resolve()
  const records = await recorded(3)
  assert.equal(records[2]?.['code'], 'body_incomplete')
  assert.equal(started, false)
})

test('a tool is told who calls, from the token and nothing else', async (t) => {
  let seen: CallContext['caller']
  const look = toolOf('look', (_args, { caller }) => {
    seen = caller
    return { content: [] }
  })
  const { port, token, issuer } = await startTestServer(t, { tools: [look] })
  const spoofed = { 'X-User': 'admin', 'X-Forwarded-User': 'admin' }
  await ask(port, legacy(token({ sub: 'carol', client_id: 'app' }), 'tools/call', { name: 'look' }, spoofed))
  assert.equal(seen?.subject, 'carol')
  assert.equal(seen?.issuer, issuer.issuer)
  assert.equal(seen?.clientId, 'app')
})

test('a result of 8 MiB arrives whole, at once or later, in both eras', async (t) => {
  const block: ContentBlock = { type: 'text', text: 'é'.repeat(4 * 1024 * 1024) }
  const tools = [
    toolOf('large', () => ({ content: [block] })),
    toolOf('large_later', () => Promise.resolve({ content: [block] })),
  ]
  const { port, token } = await startTestServer(t, { tools })
  for (const [, form] of forms) {
    for (const { name } of tools) {
      const result = resultOf(await ask(port, form(token(), 'tools/call', { name })))
      assert.deepEqual(result['content'], [block])
    }
  }
})

test('J8: a client that does not read a large answer is cut off, and its memory with it', async (t) => {
  const large = toolOf('large', () => ({ content: [{ type: 'text', text: 'a'.repeat(32 * 1024 * 1024) }] }))
  const { port, token } = await startTestServer(t, { tools: [large], http: { responseTimeoutSeconds: 1 } })
  const connection = await openConnection(port)
  connection.socket.pause()
  connection.send(formatRequest(port, legacy(token(), 'tools/call', { name: 'large' })))
  // A paused socket does not notice its end, but writing to it does. Empty lines between requests mean nothing.
  const broken = once(connection.socket, 'error')
  const knock = setInterval(() => connection.send('\r\n'), 50)
  await broken
  clearInterval(knock)
  connection.destroy()
})

test('outcome records say how each call ended, and nothing of its arguments', async (t) => {
  const sad = toolOf('sad', () => ({ content: [], isError: true }))
  const { port, token, records } = await startTestServer(t, { tools: [sad] })
  for (const [name, args] of [
    ['echo', { text: 'canary' }],
    ['sad', { text: 'canary' }],
    ['absent', { text: 'canary' }],
  ] as const) {
    await ask(port, legacy(token(), 'tools/call', { name, arguments: args }))
  }
  const [first, ...rest] = records()
  assert.equal(first?.['kind'], 'decision')
  assert.deepEqual(
    [first, ...rest].filter((record) => record?.['kind'] === 'outcome').map((record) => record?.['result']),
    ['ok', 'tool_error', 'error'],
  )
  assert.equal(rest[0]?.['decision'], first?.['id'])
  assert.doesNotMatch(JSON.stringify(records()), /canary/)
})

test('a record that cannot be written denies, or costs the connection; the server goes on', async (t) => {
  let broken = ''
  const audit = {
    write: (line: string) => {
      if (broken !== '' && line.includes(`"kind":"${broken}"`)) throw new Error('the disk is full')
    },
    available: () => true,
    close: () => Promise.resolve(),
  }
  const { port, token } = await startTestServer(t, { resourceServer: { audit } })
  broken = 'decision'
  assert.equal((await ask(port, legacy(token(), 'ping'))).status, 503)

  broken = 'outcome'
  const warned = once(process, 'warning')
  const connection = await openConnection(port)
  connection.send(formatRequest(port, legacy(token(), 'ping')))
  await connection.closed
  assert.match(String((await warned)[0]), /the disk is full/)

  broken = ''
  assert.equal((await ask(port, legacy(token(), 'ping'))).status, 200)
})

test('J2, J4: over its limit a caller gets 429 with the id and the time to wait', async (t) => {
  const { port, token } = await startTestServer(t, {
    resourceServer: { callerLimit: { count: 1, perSeconds: 60 } },
  })
  assert.equal((await ask(port, legacy(token(), 'ping'))).status, 200)
  const answer = await ask(port, legacy(token(), 'ping'))
  assert.equal(answer.status, 429)
  assert.ok(Number(answer.headers['retry-after']) >= 1)
  assert.equal(jsonOf(answer)['id'], 7)
  assert.equal(member(jsonOf(answer), 'error')['code'], 429)
  assert.equal((await ask(port, { target: '/.well-known/oauth-protected-resource' })).status, 200)
})
