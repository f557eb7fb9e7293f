import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { logLevels, type CallContext, type LogLevel, type Tool } from '@mcp-doorman/mcp-endpoint'
import { defer } from './deferred.ts'
import { openEvents } from './event-reader.ts'
import { enveloped, member, modern, modernVersion, post, resultOf, type Json } from './messages.ts'
import { ask, formatRequest, openConnection, type RawRequest } from './raw-http.ts'
import { beginSession } from './session-client.ts'
import { startTestServer, toolOf } from './test-server.ts'

const done = 'Done.'

/** Reports as often as it is told to, and then waits for the signal if it is told to. */
const reports = toolOf(
  'reports',
  async ({ count = 3, wait = false }: { count?: number; wait?: boolean }, context) => {
    for (let step = 1; step <= count; step += 1)
      context.progress({ progress: step, total: count, message: `${step}` })
    if (wait) await once(context.signal, 'abort')
    return done
  },
)
const logs = toolOf('logs', (_: never, context) => {
  for (const level of logLevels) context.log(level, { said: level }, 'tests')
  return done
})

/** A modern call with something in its `_meta`. */
function call(
  token: string,
  tool: string,
  meta: Json = {},
  args: Json = {},
  headers: RawRequest['headers'] = {},
): RawRequest {
  const { _meta: envelope } = enveloped()
  const params = { name: tool, arguments: args, _meta: { ...(envelope as Json), ...meta } }
  return post(token, JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params }), {
    'MCP-Protocol-Version': modernVersion,
    'Mcp-Method': 'tools/call',
    'Mcp-Name': tool,
    ...headers,
  })
}

test('G17, G20: progress turns the answer into a stream, which ends with the response', async (t) => {
  const { port, token } = await startTestServer(t, { tools: [reports] })
  const stream = await openEvents(port, call(token(), 'reports', { progressToken: 'p-1' }))
  assert.deepEqual(
    [
      stream.status,
      stream.headers['content-type'],
      stream.headers['x-accel-buffering'],
      stream.headers['cache-control'],
    ],
    [200, 'text/event-stream', 'no', 'no-cache, no-store'],
  )
  assert.equal(stream.headers['mcp-session-id'], undefined)
  const events = await stream.rest()
  assert.deepEqual(
    events.slice(0, -1).map(({ message }) => message),
    [1, 2, 3].map((progress) => ({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 'p-1', progress, total: 3, message: `${progress}` },
    })),
  )
  assert.ok(
    events.every(({ id, retry }) => id === undefined && retry === undefined),
    'G1: nothing to come back to',
  )
  const result = member(events.at(-1)?.message ?? {}, 'result')
  assert.deepEqual([result['content'], result['resultType']], [[{ type: 'text', text: done }], 'complete'])
})

const quiet: readonly (readonly [name: string, meta: Json, headers: RawRequest['headers']])[] = [
  ['that asked for nothing', {}, {}],
  ['that asked for reports and takes no streams', { progressToken: 1 }, { Accept: 'application/json' }],
  ['whose token for reports is none', { progressToken: { a: 1 } }, {}],
]
for (const [name, meta, headers] of quiet) {
  test(`a client ${name} gets one JSON answer`, async (t) => {
    const { port, token } = await startTestServer(t, { tools: [reports], endpoint: { logs: true } })
    const { content } = resultOf(await ask(port, call(token(), 'reports', meta, {}, headers)))
    assert.deepEqual(content, [{ type: 'text', text: done }])
  })
}

test('reports that do not grow are dropped', async (t) => {
  const steps = [1, 1, 0.5, Number.NaN, 2, Number.POSITIVE_INFINITY]
  const tool = toolOf('odd', (_: never, context) => {
    for (const progress of steps) context.progress({ progress })
    return done
  })
  const { port, token } = await startTestServer(t, { tools: [tool] })
  const events = await (await openEvents(port, call(token(), 'odd', { progressToken: 0 }))).rest()
  const said = events.slice(0, -1).map(({ message }) => member(message ?? {}, 'params')['progress'])
  assert.deepEqual(said, [1, 2])
})

for (const wanted of [undefined, 'debug', 'warning', 'emergency', 'loud', 7] as const) {
  test(`G21: with the log level ${String(wanted)}, what is at least as important comes, and nothing without one`, async (t) => {
    const { port, token } = await startTestServer(t, { tools: [logs], endpoint: { logs: true } })
    const meta = wanted === undefined ? {} : { 'io.modelcontextprotocol/logLevel': wanted }
    const expected = logLevels.slice(
      logLevels.includes(wanted as LogLevel) ? logLevels.indexOf(wanted as LogLevel) : logLevels.length,
    )
    const stream = await openEvents(port, call(token(), 'logs', meta))
    if (expected.length === 0) {
      assert.equal(stream.headers['content-type'], 'application/json')
      assert.match(await stream.body(), /Done/)
      return
    }
    const messages = await stream.messages(expected.length + 1)
    assert.deepEqual(
      messages.slice(0, -1).map((message) => message['params']),
      expected.map((level) => ({ level, logger: 'tests', data: { said: level } })),
    )
  })
}

test('a server that passes no log messages on sends none, whoever asks', async (t) => {
  const { port, token } = await startTestServer(t, { tools: [logs] })
  const answer = await ask(port, call(token(), 'logs', { 'io.modelcontextprotocol/logLevel': 'debug' }))
  assert.equal(answer.headers['content-type'], 'application/json')
})

test('J11: a tool that reports without end reaches its client a hundred times at once, not more', async (t) => {
  const { port, token } = await startTestServer(t, { tools: [reports] })
  const events = await (
    await openEvents(port, call(token(), 'reports', { progressToken: 1 }, { count: 100_000 }))
  ).rest()
  assert.ok(events.length >= 101 && events.length <= 130, String(events.length))
  assert.ok(events.at(-1)?.message?.['result'] !== undefined)
})

test('J10: reports do not extend the time of a call, which a tool may have for itself', async (t) => {
  const endless = toolOf('endless', async (_: never, context) => {
    for (let step = 1; !context.signal.aborted; step += 1) {
      context.progress({ progress: step })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return done
  })
  const { port, token } = await startTestServer(t, {
    tools: [{ ...endless, timeoutSeconds: 1 }],
    endpoint: { callTimeoutSeconds: 600 },
  })
  const events = await (await openEvents(port, call(token(), 'endless', { progressToken: 1 }))).rest()
  const error = member(events.at(-1)?.message ?? {}, 'error')
  assert.deepEqual([error['code'], error['message']], [-32603, 'The tool took longer than 1 seconds.'])
})

/** A tool that tells when it runs, and ends with its signal. */
function lasting(): {
  readonly tool: Tool
  readonly begun: Promise<CallContext>
  readonly stopped: Promise<unknown>
} {
  const begun = defer<CallContext>()
  const stopped = defer<unknown>()
  const tool = toolOf('lasting', async (_: never, context) => {
    context.progress({ progress: 1 })
    begun.resolve(context)
    await once(context.signal, 'abort')
    stopped.resolve(context.signal.reason)
    // What is said too late is said to nobody.
    context.progress({ progress: 2 })
    return done
  })
  return { tool, begun: begun.promise, stopped: stopped.promise }
}

test('G18: in the modern era, a client that closes the stream stops the work', async (t) => {
  const { tool, begun, stopped } = lasting()
  const { port, token, recorded } = await startTestServer(t, { tools: [tool] })
  const stream = await openEvents(port, call(token(), 'lasting', { progressToken: 1 }))
  await begun
  stream.close()
  assert.match(String(await stopped), /the caller went away/)
  const records = await recorded(2)
  assert.deepEqual([records[1]?.['kind'], records[1]?.['result']], ['outcome', 'cancelled'])
})

test('G38: before it, a client that leaves does not, and a notification in its session does', async (t) => {
  const { tool, begun, stopped } = lasting()
  const { port, token } = await startTestServer(t, { tools: [tool], mount: { sessions: {} } })
  const client = await beginSession(port, token())
  const stream = await client.open(1, 'tools/call', {
    name: 'lasting',
    arguments: {},
    _meta: { progressToken: 1 },
  })
  const { signal } = await begun
  stream.close()
  await client.ask('ping')
  assert.equal(signal.aborted, false)
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } }
  const send = (params: Json) =>
    ask(port, post(token(), JSON.stringify({ ...cancel, params }), client.headers))
  assert.equal((await send({ requestId: 2 })).status, 202)
  assert.equal((await send({})).status, 202)
  assert.equal(signal.aborted, false)
  assert.equal((await send({ requestId: 1 })).status, 202)
  assert.match(String(await stopped), /the client cancelled/)
})

test('G20, J8: a silent stream is kept alive by comments', async (t) => {
  const { tool, begun } = lasting()
  const { port, token } = await startTestServer(t, { tools: [tool], http: { keepAliveSeconds: 1 } })
  const stream = await openEvents(port, call(token(), 'lasting', { progressToken: 1 }))
  await begun
  assert.equal((await stream.messages(1)).length, 1)
  while (stream.comments() < 2) await new Promise((resolve) => setTimeout(resolve, 50))
  stream.close()
})

test('J8: one caller may have so many streams open, and then no more; others may', async (t) => {
  const { tool } = lasting()
  const { port, token } = await startTestServer(t, {
    tools: [tool, reports],
    http: { maxStreamsPerCaller: 2 },
  })
  const open = async (bearer: string) => openEvents(port, call(bearer, 'lasting', { progressToken: 1 }))
  const streams = [await open(token()), await open(token())]
  // A call that has something to say beside its answer just gives the answer.
  const plain = await ask(port, call(token(), 'reports', { progressToken: 1 }))
  assert.equal(plain.headers['content-type'], 'application/json')
  const other = await open(token({ sub: 'bob' }))
  assert.equal(other.headers['content-type'], 'text/event-stream')
  for (const stream of [...streams, other]) stream.close()
  // A place is free again once the connection has closed.
  for (;;) {
    const again = await openEvents(port, call(token(), 'reports', { progressToken: 1 }))
    if (again.headers['content-type'] === 'text/event-stream') break
    await again.body()
  }
})

test('J8: a client that does not read its stream is cut off, and holds up nobody', async (t) => {
  const text = 'x'.repeat(512 * 1024) // More than the system takes on its own.
  const loud = toolOf('loud', async (_: never, context) => {
    for (let step = 1; step <= 90; step += 1) {
      context.progress({ progress: step, message: text })
      await setImmediate() // So that the system takes what it can.
    }
    await once(context.signal, 'abort')
    return done
  })
  const { port, token, recorded } = await startTestServer(t, {
    tools: [loud, reports],
    http: { responseTimeoutSeconds: 1 },
  })
  const connection = await openConnection(port)
  connection.socket.pause()
  connection.send(formatRequest(port, call(token(), 'loud', { progressToken: 1 })))
  assert.equal((await ask(port, call(token(), 'reports'))).status, 200)
  // Two decisions, the outcome of the call that was served, and that of the one that was cut off.
  const results = (await recorded(4)).map((record) => record['result'])
  assert.deepEqual(new Set(results), new Set([undefined, 'ok', 'cancelled']))
  connection.destroy()
})

test('a batch may stream too: what its calls say comes before the answers', async (t) => {
  const { port, token } = await startTestServer(t, { tools: [reports] })
  const messages = [1, 2].map((id) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'reports', arguments: { count: 1 }, _meta: { progressToken: id } },
  }))
  const stream = await openEvents(port, post(token(), JSON.stringify(messages)))
  const events = await stream.rest()
  assert.deepEqual(
    events.slice(0, -1).map(({ message }) => member(message ?? {}, 'params')['progressToken']),
    [1, 2],
  )
  const answers = events.at(-1)?.message as unknown as readonly Json[] // The last event of a batch is a list.
  assert.deepEqual(
    answers.map(({ id }) => id),
    [1, 2],
  )
})

test('CORS: a page that may use the server may read its streams', async (t) => {
  const { port, token } = await startTestServer(t, { tools: [reports] })
  const origin = 'http://localhost:6274'
  const stream = await openEvents(
    port,
    call(token(), 'reports', { progressToken: 1 }, {}, { Origin: origin }),
  )
  assert.equal(stream.headers['access-control-allow-origin'], origin)
  await stream.rest()
})

test('J12: a server that closes lets a stream end with its answer', async (t) => {
  const release = defer<undefined>()
  const slow = toolOf('slow', async (_: never, context) => {
    context.progress({ progress: 1 })
    await release.promise
    return done
  })
  const { port, token, handle } = await startTestServer(t, { tools: [slow], http: { drainSeconds: 30 } })
  const stream = await openEvents(port, call(token(), 'slow', { progressToken: 1 }))
  await stream.messages(1)
  const closed = handle.close()
  release.resolve(undefined)
  const [last] = await stream.messages(1)
  assert.ok(last?.['result'] !== undefined)
  await closed
})

test('modern requests ignore a session id, even where there are sessions', async (t) => {
  const { port, token } = await startTestServer(t, { mount: { sessions: {} } })
  const headers = { 'Mcp-Session-Id': 'made-up', 'Last-Event-ID': '1-1' }
  const answer = await ask(port, modern(token(), 'tools/list', {}, headers))
  assert.deepEqual([answer.status, answer.headers['mcp-session-id']], [200, undefined])
})

test('J8: what a tool says after its answer is said to nobody, also when the answer has not been read', async (t) => {
  const errors: unknown[] = []
  const late = toolOf('late', (_: never, context) => {
    const say = (progress: number): void => {
      try {
        context.progress({ progress })
      } catch (error) {
        errors.push(error)
      }
    }
    for (const [index, wait] of [0, 5, 20].entries()) setTimeout(() => say(index + 1), wait)
    return 'x'.repeat(20 * 1024 * 1024)
  })
  const { port, token, recorded } = await startTestServer(t, {
    tools: [late],
    http: { responseTimeoutSeconds: 1 },
  })
  const connection = await openConnection(port)
  connection.socket.pause()
  connection.send(formatRequest(port, call(token(), 'late', { progressToken: 1 })))
  await recorded(2)
  await new Promise((resolve) => setTimeout(resolve, 100))
  connection.destroy()
  assert.deepEqual(errors, [])
})

test('J12: a server whose streams have ended closes at once, though their clients keep the connection', async (t) => {
  const { port, token, handle } = await startTestServer(t, { tools: [reports], http: { drainSeconds: 30 } })
  const connection = await openConnection(port)
  connection.send(formatRequest(port, call(token(), 'reports', { progressToken: 1 }, {}, { Accept: '*/*' })))
  await once(connection.socket, 'data')
  const began = performance.now()
  await handle.close()
  assert.ok(performance.now() - began < 5000)
  connection.destroy()
})

test('CORS: a preflight allows the headers in which tools have their arguments repeated', async (t) => {
  const routed: Tool = {
    ...toolOf('routed', () => done),
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
  }
  const { port } = await startTestServer(t, { tools: [routed] })
  const answer = await ask(port, { method: 'OPTIONS', headers: { Origin: 'http://localhost:6274' } })
  assert.match(answer.headers['access-control-allow-headers'] ?? '', /, Mcp-Param-Region$/)
})
