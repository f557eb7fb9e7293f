import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enveloped, member, modernVersion, post, type Json } from './messages.ts'
import { ask } from './raw-http.ts'
import { startTestServer, toolOf } from './test-server.ts'

test('E14, E16: batches are taken without a version and with 2025-03-26; never with initialize', async (t) => {
  const { port, token } = await startTestServer(t)
  const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' })
  const call = (id: number, name: string) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: {} },
  })
  const batch = (messages: readonly unknown[], version?: string) =>
    ask(port, post(token(), JSON.stringify(messages), { 'MCP-Protocol-Version': version }))

  for (const version of [undefined, '2025-03-26']) {
    const answer = await batch(
      [ping(1), { jsonrpc: '2.0', method: 'notifications/x' }, call(2, 'nosuch')],
      version,
    )
    assert.equal(answer.status, 200)
    const answers: unknown = JSON.parse(answer.body)
    assert.ok(Array.isArray(answers))
    assert.deepEqual(
      answers.map((each: Json) => [each['id'], 'result' in each]),
      [
        [1, true],
        [2, false],
      ],
    )
  }
  assert.equal((await batch([{ jsonrpc: '2.0', method: 'notifications/x' }])).status, 202)
  for (const version of ['2025-06-18', '2025-11-25', modernVersion]) {
    assert.equal((await batch([ping(1)], version)).status, 400, version)
  }
  assert.equal((await batch([])).status, 400)
  assert.equal(
    (await batch([ping(1), { jsonrpc: '2.0', id: 2, method: 'initialize', params: {} }])).status,
    400,
  )
  assert.equal(
    (await batch([{ jsonrpc: '2.0', id: 2, method: 'tools/list', params: enveloped() }])).status,
    400,
  )
  assert.equal((await batch(Array.from({ length: 100 }, (_, id) => ping(id)))).status, 200)
  assert.equal((await batch(Array.from({ length: 101 }, (_, id) => ping(id)))).status, 400)
})

test('E15: a batch with a call that lacks a scope runs nothing; the challenge has the scopes of all', async (t) => {
  let calls = 0
  const count = toolOf('count', () => ((calls += 1), { content: [] }))
  const { port, token } = await startTestServer(t, { tools: [count] })
  const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } })
  const both = JSON.stringify([call(1, 'count'), call(2, 'write_note'), call(3, 'move_note')])
  const denied = await ask(port, post(token(), both))
  assert.equal(denied.status, 403)
  assert.match(denied.headers['www-authenticate'] ?? '', /scope="notes:read notes:write notes:move"/)
  assert.equal(calls, 0)
  const held = token({ scope: 'notes:read notes:write notes:move' })
  assert.equal((await ask(port, post(held, both))).status, 200)
  assert.equal(calls, 1)
})

test('E15, E21: within a batch, a refused or hidden call has its error in place and does not run', async (t) => {
  const { port, token, records } = await startTestServer(t)
  const call = (id: number, name: string) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: { text: 'a' } },
  })
  const names = ['staff_only', 'echo', 'secret_for_staff', 'nobody_knows', 'nosuch']
  const body = JSON.stringify(names.map((name, id) => call(id, name)))
  const ends = async (roles: readonly string[]): Promise<readonly unknown[]> => {
    const answers: unknown = JSON.parse((await ask(port, post(token({ roles }), body))).body)
    assert.ok(Array.isArray(answers))
    return answers.map((answer: Json) => ('result' in answer ? 'result' : member(answer, 'error')['code']))
  }
  assert.deepEqual(await ends([]), [403, 'result', -32602, -32602, -32602])
  assert.deepEqual(await ends(['staff']), ['result', 'result', 'result', -32602, -32602])
  assert.equal(records().length, 4)
})
