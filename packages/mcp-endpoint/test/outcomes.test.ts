import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode, legacy, modern, post, resultOf, type Json } from './messages.ts'
import { ask } from './raw-http.ts'
import { echo, startTestServer } from './test-server.ts'

for (const [name, params] of [
  ['a missing argument', { name: 'echo', arguments: {} }],
  ['no arguments', { name: 'echo' }],
  ['an argument of another type', { name: 'echo', arguments: { text: 1 } }],
  ['an unknown argument', { name: 'echo', arguments: { text: 'a', colour: 'red' } }],
  ['arguments that are a list', { name: 'echo', arguments: ['a'] }],
  ['arguments that are null', { name: 'echo', arguments: null }],
] as const) {
  test(`G60, G63: ${name} is a result that the model can mend, in both eras`, async (t) => {
    const { port, token } = await startTestServer(t)
    for (const form of [legacy, modern]) {
      const result = resultOf(await ask(port, form(token(), 'tools/call', params)))
      assert.equal(result['isError'], true)
      assert.match(JSON.stringify(result['content']), /invalid_arguments: arguments/)
    }
  })
}

test('a message about wrong arguments stays short, however long the names in them', async (t) => {
  const { port, token } = await startTestServer(t)
  const params = { name: 'echo', arguments: { text: 'a', ['k'.repeat(1_000_000)]: 1 } }
  const answer = await ask(port, legacy(token(), 'tools/call', params))
  assert.equal(resultOf(answer)['isError'], true)
  assert.ok(answer.body.length < 2000, `${answer.body.length} characters`)
})

test('E21, G63: unknown, hidden and unnamed tools look the same', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const form of [legacy, modern]) {
    const texts = []
    for (const name of ['nosuchtool', 'secret_for_staff', 'nobody_knows', 'absent']) {
      const answer = await ask(port, form(token(), 'tools/call', { name, arguments: {} }))
      assert.equal(errorCode(answer), -32602)
      assert.equal(answer.status, 200)
      texts.push(answer.body.replace(name, 'NAME'))
    }
    assert.equal(new Set(texts).size, 1, texts.join('\n'))
  }
})

test('E4, E5: a call without its scope is a 403 at HTTP level in both eras, with every scope', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const form of [legacy, modern]) {
    const answer = await ask(port, form(token(), 'tools/call', { name: 'write_note', arguments: {} }))
    assert.equal(answer.status, 403)
    assert.match(
      answer.headers['www-authenticate'] ?? '',
      /error="insufficient_scope".* scope="notes:read notes:write"/,
    )
    const able = token({ scope: 'notes:write notes:read' })
    assert.equal(
      (await ask(port, form(able, 'tools/call', { name: 'write_note', arguments: {} }))).status,
      200,
    )
  }
})

test('CR8: what no scope can mend is an error inside a 200', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const form of [legacy, modern]) {
    const call = (claims: Json) =>
      ask(port, form(token(claims), 'tools/call', { name: 'staff_only', arguments: {} }))
    const refused = await call({})
    assert.equal(refused.status, 200)
    assert.equal(errorCode(refused), 403)
    resultOf(await call({ roles: ['staff'] }))
  }
})

test('E1: a call sent as a notification does not run', async (t) => {
  let calls = 0
  const counted = { ...echo, name: 'counted', call: () => ((calls += 1), { content: [] }) }
  const { port, token } = await startTestServer(t, { tools: [counted] })
  const params = { name: 'counted', arguments: { text: 'a' } }
  const notification = JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params })
  assert.equal((await ask(port, post(token(), notification))).status, 202)
  assert.equal(calls, 0)
  assert.equal((await ask(port, legacy(token(), 'tools/call', params))).status, 200)
  assert.equal(calls, 1)
})
