import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { PassThrough } from 'node:stream'
import { createEndpoint, serveStdio } from '@mcp-doorman/mcp-endpoint'
import { enveloped, member, type Json } from './messages.ts'
import { startStdio } from './stdio-process.ts'
import { echo } from './test-server.ts'

function request(id: number | string, method: string, params: Json = {}): Json {
  return { jsonrpc: '2.0', id, method, params }
}

function codes(messages: readonly Json[]): readonly unknown[] {
  return messages.map((message) => member(message, 'error')['code'])
}

test('I1, I2: both eras in one process, without a token, one message a line', async (t) => {
  const { send, received, stdin, exit } = startStdio(t)
  const call = { name: 'echo', arguments: { text: 'two\nlines' } }
  send(request(1, 'initialize', { protocolVersion: '2025-03-26', capabilities: {} }))
  send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  send(request(2, 'tools/list'))
  send(request(3, 'tools/call', call))
  send(request('four', 'server/discover', enveloped()))
  send(request(5, 'tools/call', enveloped(call)))
  send(request(6, 'nosuch'))
  send(request(7, 'nosuch', enveloped()))
  send(request(8, 'tools/call', { name: 'nosuch' }))
  send([request(9, 'ping'), request(10, 'ping')])
  send({ jsonrpc: '2.0', id: 11, result: {} })
  const messages = await received(10)
  const byId = new Map(messages.map((message) => [message['id'], message]))
  const result = (id: number | string): Json => member(byId.get(id) ?? {}, 'result')

  assert.equal(messages.length, 10)
  assert.equal(result(1)['protocolVersion'], '2025-03-26')
  assert.deepEqual(result(3), { content: [{ type: 'text', text: 'two\nlines' }] })
  assert.ok(Array.isArray(result('four')['supportedVersions']))
  assert.equal(result(5)['resultType'], 'complete')
  assert.deepEqual(codes([6, 7, 8].map((id) => byId.get(id) ?? {})), [-32601, -32601, -32602])
  assert.deepEqual([result(9), result(10)], [{}, {}])
  stdin.end()
  assert.equal(await exit, 0)
})

test('I2, I9: whatever comes in, every line that goes out is JSON-RPC, and the next message is served', async (t) => {
  const { stdin, send, received, exit, errors } = startStdio(t)
  const bad = [
    'garbage',
    '{"jsonrpc":"2.0"',
    '[]',
    'null',
    '1',
    '"a"',
    '{}',
    '\u0000',
    '{"jsonrpc":"1.0","id":1,"method":"ping"}',
  ]
  for (const line of bad) stdin.write(`${line}\n`)
  stdin.write(Buffer.from([0xff, 0xfe, 0x0a]))
  stdin.write('\n\r\n   \n') // Nothing at all is no message.
  stdin.write(`${'['.repeat(100_000)}\n`)
  send(request(1, 'tools/call', { name: 'throws' }))
  send(request('last', 'ping'))
  const messages = await received(bad.length + 4)
  assert.equal(messages.length, bad.length + 4)
  assert.deepEqual(messages.at(-1), { jsonrpc: '2.0', id: 'last', result: {} })
  for (const message of messages.slice(0, -2))
    assert.ok([-32700, -32600].includes(Number(codes([message])[0])))
  assert.doesNotMatch(JSON.stringify(messages), /canary/)
  stdin.end()
  assert.equal(await exit, 0)
  assert.equal(errors(), 'throws: Error: canary\n')
})

test('I9: a line of 8 MiB is read, and one byte more is refused without an end of service', async (t) => {
  const { stdin, received, exit } = startStdio(t)
  const limit = 8 * 1024 * 1024
  const ping = JSON.stringify(request(1, 'ping'))
  stdin.write(`${ping}${' '.repeat(limit - ping.length)}\n`)
  stdin.write(`${ping}${' '.repeat(limit + 1 - ping.length)}\n`)
  stdin.write(`${ping}\n`)
  const messages = await received(3)
  assert.deepEqual(
    messages.map((message) => ('error' in message ? codes([message])[0] : message['id'])),
    [1, -32600, 1],
  )
  stdin.end()
  assert.equal(await exit, 0)
})

for (const [era, params] of [
  ['legacy', { name: 'lasts' }],
  ['modern', enveloped({ name: 'lasts' })],
] as const) {
  test(`I5: a cancelled call is told to stop and has no answer (${era})`, async (t) => {
    const { send, said, received, stdin, exit } = startStdio(t)
    send(request('slow', 'tools/call', params))
    await said('begun for undefined')
    for (const requestId of ['other', 'Slow', null, {}]) {
      send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
    }
    send(request(1, 'ping'))
    await received(1)
    send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'slow' } })
    await said('stopped')
    stdin.end()
    assert.equal(await exit, 0)
    assert.deepEqual(
      (await received(1)).map(({ id }) => id),
      [1],
    )
  })
}

test('a call that takes too long is answered, unlike one that was cancelled', async (t) => {
  const { send, received } = startStdio(t, '1')
  send(request(1, 'tools/call', { name: 'lasts' }))
  const messages = await received(1)
  assert.deepEqual(codes(messages), [-32603])
})

test('I4: the end of the input ends the process within 2 seconds, calls or not', async (t) => {
  const { send, said, stdin, exit } = startStdio(t)
  send(request(1, 'tools/call', { name: 'lasts' }))
  await said('begun')
  const began = performance.now()
  stdin.end()
  assert.equal(await exit, 0)
  assert.ok(performance.now() - began < 2000)
})

test('a last message without its line end is served', async (t) => {
  const { stdin, received, exit } = startStdio(t)
  stdin.end(JSON.stringify(request(1, 'ping')))
  assert.equal((await received(1)).length, 1)
  assert.equal(await exit, 0)
})

test('a reader that goes away ends nothing with a stack trace', async (t) => {
  const { stdin, stdout, send, received, errors, exit } = startStdio(t)
  send(request(1, 'ping'))
  await received(1)
  stdout.destroy()
  for (let id = 0; id < 100; id += 1)
    send(request(id, 'tools/call', { name: 'echo', arguments: { text: 'a' } }))
  stdin.end()
  assert.equal(await exit, 0)
  assert.equal(errors(), '')
})

test('unknown options and numbers out of range are refused all at once', async () => {
  const endpoint = createEndpoint({ name: 'n', version: '1', tools: [echo] })
  const options = { endpoint, maxMessageBytes: 1, drainSecond: 1, drainSeconds: -1 }
  await assert.rejects(
    serveStdio(options),
    /maxMessageBytes: must be 1024 to 268435456, and is 1\.\n- drainSecond: is not an option.*\n- drainSeconds: must be/,
  )
})

test('streams other than those of the process are served until the input ends', async () => {
  const endpoint = createEndpoint({ name: 'n', version: '1', tools: [echo] })
  const input = new PassThrough()
  const output = new PassThrough()
  const served = serveStdio({ endpoint, input, output })
  input.end(`${JSON.stringify(request(1, 'ping'))}\n`)
  await served
  assert.equal(String(output.read()), '{"jsonrpc":"2.0","id":1,"result":{}}\n')
})

test('a signal ends the service at once where nothing is under way, even while nobody reads the output', async () => {
  const endpoint = createEndpoint({ name: 'n', version: '1', tools: [echo] })
  for (const highWaterMark of [1, 65_536]) {
    const input = new PassThrough()
    const output = new PassThrough({ highWaterMark })
    const stopping = new AbortController()
    const served = serveStdio({ endpoint, input, output, signal: stopping.signal })
    input.write(`${JSON.stringify(request(1, 'ping'))}\n`)
    await once(output, 'readable')
    input.write(`${JSON.stringify(request(2, 'ping'))}\n`)
    stopping.abort()
    await served
    assert.ok(input.destroyed)
    // What had been answered is there; the output is not ours to end.
    assert.match(String(output.read()), /^\{"jsonrpc":"2.0","id":1,"result":\{\}\}\n/)
    assert.ok(output.writable)
  }
})
