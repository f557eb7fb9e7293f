import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readEnvelope, readJsonObject } from '#internal/answers'
import { answerOf, json, recorded } from './recorded.ts'

const cases: readonly (readonly [name: string, code: string, message: RegExp])[] = [
  ['provisioning/anonymous-write', 'not_allowed', /takes wrong credentials for none/],
  ['provisioning/wrong-basic', 'not_allowed', /app-built-in/],
  ['provisioning/add-user-again', 'refused', /refused and says: Username already exists$/],
  ['provisioning/bad-json', 'refused', /unexpected end of JSON input/],
  ['errors/unknown-root-path-with-ui', 'not_casdoor', /answered 200 with text\/html.*origin of a Casdoor/s],
  ['errors/unknown-api-path', 'not_allowed', /Unauthorized operation/],
  ['dcr/probe-disabled', 'not_casdoor', /JSON that is not Casdoor's/],
  ['discovery/cors-foreign-origin-public-host', 'not_casdoor', /answered 403 with nothing that it names/],
]
for (const [name, code, message] of cases) {
  test(`the recorded answer ${name} is ${code}`, () => {
    const result = readEnvelope(answerOf(recorded(name).response), 'GET https://auth.example.com/api/x')
    assert.ok(!result.ok)
    assert.equal(result.problem.code, code)
    assert.match(result.problem.message, message)
  })
}

test('what is not there is null, and no error', () => {
  const result = readEnvelope(answerOf(recorded('provisioning/get-user-missing').response), 'GET x')
  assert.deepEqual(result, { ok: true, value: null })
})

test('a failure of the network keeps its own words', () => {
  const message = 'http://127.0.0.1:9/api/x: nothing accepted the connection (ECONNREFUSED).'
  const result = readEnvelope({ ok: false, problem: 'connection_failed', message }, 'GET x')
  assert.deepEqual(result, { ok: false, problem: { code: 'unreachable', message } })
})

test('a server in trouble is told from one that is no Casdoor', () => {
  const result = readEnvelope(json({ status: 'ok' }, 502), 'GET x')
  assert.ok(!result.ok)
  assert.equal(result.problem.code, 'unreachable')
  assert.match(
    result.problem.message,
    /^GET x answered 502: Casdoor, or a proxy in front of it, is in trouble/,
  )
})

test('what Casdoor says cannot act on a terminal, nor fill it', () => {
  const result = readEnvelope(
    json({ status: 'error', msg: `\u001b[2J\u202enext\nline ${'x'.repeat(999)}` }),
    'GET x',
  )
  assert.ok(!result.ok)
  assert.match(result.problem.message, /says: \[2J next line x{150,200}…$/)
  assert.doesNotMatch(result.problem.message, /\p{C}/u)
})

test('reading an answer never throws, whatever its bytes', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.json())
  fc.assert(
    fc.property(texts, fc.integer({ min: 200, max: 599 }), (text, status) => {
      const answer = answerOf({ status, headers: { 'content-type': 'application/json' }, body: text })
      readEnvelope(answer, 'GET x')
      readJsonObject(answer, 'GET x')
    }),
  )
})
