import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { startHttpFixture } from '../conformance/fixture/http.ts'
import { clientKinds, stdioPlace } from './client-kinds.ts'
import { textOf, type Elicited, type Host } from './connection.ts'
import type { Json } from './inbox.ts'

const fixture = await startHttpFixture({ sessions: {} })
after(fixture.close)

// What the person at the host says in a form, and what the host was asked since the test began.
const said: Readonly<Record<string, string | boolean>> = {
  name: 'Ada',
  color: 'red',
  context: 'maps',
  ok: true,
}
let declines = false
let asked: Json[] = []
beforeEach(() => {
  declines = false
  asked = []
})

function elicit(params: Json): Elicited {
  asked.push(params)
  const fields = Object.keys(fieldsOf(params['requestedSchema']))
  const content = Object.fromEntries(fields.map((field) => [field, said[field] ?? '']))
  return declines ? { action: 'decline' } : { action: 'accept', content }
}

const wholeHost: Host = {
  elicit,
  sample: (params) => {
    asked.push(params)
    return { role: 'assistant', model: 'fake', content: { type: 'text', text: 'Paris' } }
  },
  roots: () => ({ roots: [{ uri: 'file:///work', name: 'Work' }] }),
}

const connected = await Promise.all(
  clientKinds.map(async (kind) => {
    const place = kind.transport === 'http' ? fixture : stdioPlace
    const connection = await kind.connect(place, wholeHost)
    after(connection.close)
    return { kind, place, connection }
  }),
)

for (const { kind, place, connection } of connected) {
  const { client, inbox, callTool, callToolWithLogs } = connection

  test(`G21: ${kind.name} is told of the progress and of the log messages that it wants`, async () => {
    const reports: unknown[] = []
    const onprogress = (report: unknown): void => void reports.push(report)
    assert.equal(textOf(await callTool('test_tool_with_progress', {}, { onprogress })), 'Done.')
    assert.deepEqual(
      reports,
      [0, 50, 100].map((progress) => ({ progress, total: 100 })),
    )

    assert.equal(textOf(await callToolWithLogs('test_logging_tool', 'error')), 'Logged.')
    const forNearlyEverybody = { level: 'error', logger: 'fixture', data: { what: 'For nearly everybody' } }
    assert.deepEqual(await inbox.received('notifications/message'), [forNearlyEverybody])
    await callToolWithLogs('test_logging_tool', 'debug')
    assert.deepEqual((await inbox.received('notifications/message', 3)).slice(1), [
      { level: 'debug', data: 'For those who want everything' },
      forNearlyEverybody,
    ])
  })

  test(`G22: ${kind.name} answers what a tool asks: the person, the model and the roots`, async () => {
    assert.equal(
      textOf(await callTool('test_input_required_result_elicitation')),
      'elicitation/create: {"action":"accept","content":{"name":"Ada"}}',
    )
    assert.match(
      textOf(await callTool('test_input_required_result_sampling')),
      /^sampling\/createMessage: .*"text":"Paris"/,
    )
    assert.equal(
      textOf(await callTool('test_input_required_result_list_roots')),
      'roots/list: {"roots":[{"uri":"file:///work","name":"Work"}]}',
    )
    assert.equal(asked[0]?.['message'], 'What is your name?')
    assert.equal(asked[1]?.['maxTokens'], 100)
    assert.equal(asked.length, 2)
    const together: unknown = JSON.parse(textOf(await callTool('test_input_required_result_multiple_inputs')))
    assert.ok(typeof together === 'object' && together !== null)
    assert.deepEqual(Object.keys(together), ['user_name', 'greeting', 'client_roots'])
  })

  test(`G22: ${kind.name} answers one question after the other, each once, and may decline`, async () => {
    assert.equal(
      textOf(await callTool('test_input_required_result_multi_round')),
      '[{"action":"accept","content":{"name":"Ada"}},{"action":"accept","content":{"color":"red"}}]',
    )
    assert.deepEqual(
      asked.map(({ message }) => message),
      ['Step 1: What is your name?', 'Step 2: What is your favorite color?'],
    )
    assert.equal(textOf(await callTool('test_input_required_result_request_state')), 'state-ok')
    declines = true
    assert.equal(
      textOf(await callTool('test_input_required_result_elicitation')),
      'elicitation/create: {"action":"decline"}',
    )
  })

  test(`G22: ${kind.name} is asked before a prompt is filled in`, async () => {
    const prompt = await client.getPrompt({ name: 'test_input_required_result_prompt' })
    assert.match(JSON.stringify(prompt.messages), /Use this context: .*maps/)
  })

  test(`G8: ${kind.name} without a capability is told which is missing, and is served on`, async (t) => {
    const lesser = await kind.connect(place, { elicit })
    t.after(lesser.close)
    const call = lesser.callTool('test_missing_capability')
    if (kind.era === 'modern') {
      const data = { requiredCapabilities: { sampling: {} } }
      await assert.rejects(call, { code: -32021, message: /sampling/, data })
    } else {
      assert.match(textOf(await call, true), /^input_unavailable: .*has not declared that it can: sampling/)
    }
    assert.match(textOf(await lesser.callTool('test_input_required_result_elicitation')), /Ada/)
    assert.equal(asked.length, 1)
  })

  for (const [how, limit] of [
    ['cancels a call', {}],
    ['loses its patience with a call', { timeout: 200 }],
  ] as const) {
    test(`G18: ${kind.name} ${how}: the tool is told to stop, and the connection is served on`, async () => {
      const controller = new AbortController()
      const onprogress = (): void => {
        if (how === 'cancels a call') controller.abort('enough')
      }
      const name = `${kind.name} ${how}`
      const options = { signal: controller.signal, onprogress, ...limit }
      await assert.rejects(callTool('test_wait', { name }, options), /enough|timed out/)
      assert.equal(textOf(await callTool('test_wait_stopped', { name })), 'stopped')
    })
  }
}

function fieldsOf(schema: unknown): Json {
  assert.ok(typeof schema === 'object' && schema !== null && 'properties' in schema)
  assert.ok(typeof schema.properties === 'object' && schema.properties !== null)
  return { ...schema.properties }
}
